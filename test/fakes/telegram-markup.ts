/** Tags of Telegram's HTML (core.telegram.org/bots/api, "HTML style"). */
const TAGS = /^(b|strong|i|em|u|ins|s|strike|del|span|tg-spoiler|a|tg-emoji|code|pre|blockquote)$/;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"' };

/** What Telegram finds in plain text by itself: names, commands to touch, tags and tickers to search for. */
const FOUND = /(?<![\p{L}\p{N}_])[@#$][\p{L}\p{N}_]+|(?<![\p{L}\p{N}_/<>])\/\w+(?:@\w+)?/gu;

/**
 * What Telegram shows for a text in its HTML, and what in it would act. Addresses that are shown as they are do not count:
 * they lead where they say.
 *
 * @throws Error with Telegram's words, for what it does not take
 */
export function shown(html: string): { readonly text: string; readonly live: readonly string[] } {
  const live: string[] = [];
  const open: string[] = [];
  let text = "";
  let plain = "";
  const look = () => {
    live.push(...(plain.replace(/https?:\/\/[^\s<>]+/gi, " ").match(FOUND) ?? []));
    plain = "";
  };
  const add = (said: string) => {
    text += said;
    if (open.length === 0) plain += said;
    else look();
  };
  for (let at = 0; at < html.length; ) {
    const rest = html.slice(at);
    if (rest[0] === "<") {
      const tag = /^<(\/?)([\w-]+)([^<>]*)>/.exec(rest);
      if (!tag || !TAGS.test(tag[2] ?? ""))
        throw new Error(`can't parse entities: Unsupported start tag at byte offset ${at}`);
      const [whole, slash, name = "", more] = tag;
      if (slash) {
        if (open.pop() !== name) throw new Error(`can't parse entities: Unmatched end tag at byte offset ${at}`);
      } else {
        look();
        open.push(name);
        if (!/^(pre|code)$/.test(name) || more !== "") live.push(whole);
      }
      at += whole.length;
    } else {
      const entity = /^&(\w+|#\d+);/.exec(rest);
      const known = entity && (ENTITIES[entity[1] ?? ""] ?? (/^#/.test(entity[1] ?? "") ? "?" : undefined));
      add(known ?? rest[0] ?? "");
      at += known && entity ? entity[0].length : 1;
    }
  }
  if (open.length > 0)
    throw new Error(`can't parse entities: Can't find end tag corresponding to start tag "${open.at(-1)}"`);
  look();
  return { text: text.trim(), live };
}
