/**
 * A piece of a message as Slack sends it. `text` is what the person sees; `user` is set for a mention.
 */
export interface Piece {
  readonly text: string;
  readonly user?: string;
}

/**
 * Splits a message into plain text and `<…>` tokens and undoes Slack's encoding, in one pass, so that what a person
 * typed as `<!channel>` (and Slack sends as `&lt;!channel&gt;`) never turns into a token (`chat.md §3`).
 *
 * What is shown is what counts: a link becomes its label, because that is what was typed (`<http://a.b|a.b>` is
 * `a.b`), or its address when it has none. `<@U1>` becomes `@U1`: the id, since a name is nobody's for ever.
 */
export function pieces(markup: string): readonly Piece[] {
  const found: Piece[] = [];
  let from = 0;
  while (from < markup.length) {
    const open = markup.indexOf("<", from);
    const close = open < 0 ? -1 : markup.indexOf(">", open);
    if (close < 0) break;
    if (open > from) found.push({ text: decode(markup.slice(from, open)) });
    found.push(token(markup.slice(open + 1, close)));
    from = close + 1;
  }
  if (from < markup.length) found.push({ text: decode(markup.slice(from)) });
  return found;
}

/** What stands between `<` and `>`; docs.slack.dev, "Retrieving messages". */
function token(inside: string): Piece {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : decode(inside.slice(bar + 1));
  const name = decode(target.slice(1));
  switch (target[0]) {
    case "@":
      return { text: `@${name}`, user: name };
    case "#":
      return { text: `#${label || name}` };
    case "!":
      return { text: special(name, label) };
    default:
      return { text: label || decode(target).replace(/^(mailto|tel):/, "") };
  }
}

/** `<!here>`, `<!here|here>`, `<!subteam^S1|@ops>`, `<!date^1392734382^{date}|18 February 2014>`. */
function special(name: string, label: string): string {
  const [kind = "", id = ""] = name.split("^");
  if (kind === "subteam") return label || `@${id}`;
  if (kind === "date") return label || id;
  return `@${kind}`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };

/** Slack encodes these three and nothing else. Once only: `&amp;lt;` was typed as `&lt;`. */
function decode(text: string): string {
  return text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity] ?? entity);
}
