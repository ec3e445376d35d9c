/** What people see of a message, and what in it would act. */
export interface Seen {
  readonly text: string;
  readonly live: readonly string[];
}

/** As HipChat shows what a person has typed. */
export function readTyped(body: string): Seen {
  const code = body.startsWith("/code ");
  const text = code ? body.slice("/code ".length) : body;
  const live = [...text.matchAll(/@[\p{L}\p{N}_"]+/gu)].map(([mention]) => mention);
  if (!code) {
    live.push(...[...text.matchAll(/\([a-z\d]+\)/gi)].map(([emoticon]) => emoticon));
    live.push(...(/^\s*(?:\/\w+|s\/)/.exec(text) ?? []));
  }
  return { text, live };
}

/** `chat.md §5`, "Allowed HTML", as far as the bot has a use for it. */
const TAGS: ReadonlySet<string> = new Set(["<pre>", "</pre>", "<br>"]);

const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&amp;": "&",
};

/** As HipChat shows a notification in HTML. */
export function readHtml(html: string): Seen {
  const live: string[] = [];
  let depth = 0;
  const text = html.replace(/<[^>]*>?|&[^;\s]*;?/g, (sign) => {
    if (sign.startsWith("&")) {
      const character = ENTITIES[sign];
      if (character === undefined) live.push(sign);
      return character ?? sign;
    }
    if (!TAGS.has(sign)) live.push(sign);
    if (sign === "<pre>") depth += 1;
    if (sign === "</pre>") depth -= 1;
    if (depth < 0 || depth > 1) live.push("a tag that nothing has opened");
    return sign === "<br>" ? "\n" : "";
  });
  if (depth !== 0) live.push("a tag that nothing closes");
  return { text, live };
}
