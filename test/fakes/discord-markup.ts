/** What Discord's client reads in a message, in its order; each gives what is shown, or `live` for what acts. */
const RULES: readonly {
  readonly at: RegExp;
  readonly atLineStart?: true;
  /** What is shown; absent: it acts, and is shown as it is. */
  shown?(match: RegExpExecArray): string;
}[] = [
  { at: /^```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```/i, shown: ([, , code = ""]) => code },
  { at: /^\\([^0-9A-Za-z\s])/, shown: ([, sign = ""]) => sign },
  // An address in angle brackets gets no preview, and leads where it says.
  { at: /^<(https?:\/\/[^ >\n]+)>/, shown: ([, address = ""]) => address },
  { at: /^<(?:@[!&]?|#)\d+>|^<a?:\w+:\d+>|^<t:-?\d+(?::\w)?>|^<\/[-\w ]+:\d+>|^<id:\w+>/ },
  { at: /^<[^: >\n]+:\/[^ >\n]+>|^<(?:mailto|tel|sms):[^>\s]+>/ },
  { at: /^@(?:everyone|here)/ },
  // Bare, it makes a preview, that is, Discord fetches it.
  { at: /^(?:https?|steam|discord):\/\/[^\s<]+[^<.,:;"'\]\s]/ },
  { at: /^\[(?:\\.|[^\]\\])+\]\(\s*<?[a-z]+:[^\s)]+/ },
  { at: /^(`+)[\s\S]*?[^`]\1(?!`)/ },
  { at: /^\*\*[\s\S]+?\*\*|^__[\s\S]+?__|^~~[\s\S]+?~~|^\|\|[\s\S]+?\|\||^\*\S[\s\S]*?\*|^_\S[\s\S]*?_/ },
  { at: /^:[a-z0-9_+-]*[a-z_][a-z0-9_+-]*:/i },
  { at: /^ *(?:#{1,3}|-#) +\S|^ *>(?:>>)? |^ *(?:[-*+]|\d+\.) +\S/, atLineStart: true },
];

/** What people see of a message, and what in it would act: mentions, styles, links that are not what they show, previews. */
export function shown(content: string): { readonly text: string; readonly live: readonly string[] } {
  const live: string[] = [];
  let text = "";
  next: for (let at = 0; at < content.length; ) {
    const rest = content.slice(at, at + 4000);
    const lineStart = at === 0 || content[at - 1] === "\n";
    for (const rule of RULES) {
      if (rule.atLineStart && !lineStart) continue;
      const match = rule.at.exec(rest);
      if (match === null) continue;
      if (rule.shown === undefined) live.push(match[0]);
      text += rule.shown?.(match) ?? match[0];
      at += match[0].length;
      continue next;
    }
    text += content[at];
    at += 1;
  }
  return { text, live };
}
