/**
 * What Slack's client shows for the text of a message, and what in it would act: links, mentions, `<!channel>`, and
 * whatever was not encoded.
 */
export function shown(markup: string): { readonly text: string; readonly live: readonly string[] } {
  const live = markup.match(/<[^>]*>?|>|&(?!(?:amp|lt|gt);)/g) ?? [];
  return { text: decode(markup), live };
}

function decode(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** Addresses that a client turns into links while a person types, the longest first. */
const LINK =
  /https?:\/\/[^\s<>|"']*[^\s<>|"'.,;:!?)}\]]|[\w.+-]+@(?:[a-z\d-]+\.)+(?:com|org|net|dev|io)\b|(?:[a-z\d-]+\.)+(?:com|org|net|dev|io)\b(?:[:/?#][^\s<>|"']*[^\s<>|"'.,;:!?)}\]])?/gi;

/**
 * What Slack's client sends for what a person types: `&`, `<` and `>` encoded, addresses and host names made links
 * (`chat.md §3`, incoming text quirks), `@name`, `#name` and `@here` replaced by ids.
 */
export function typed(text: string, names: ReadonlyMap<string, string> = new Map()): string {
  let markup = "";
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    markup += words(text.slice(from, match.index), names) + link(match[0]);
    from = match.index + match[0].length;
  }
  return markup + words(text.slice(from), names);
}

function words(text: string, names: ReadonlyMap<string, string>): string {
  return encode(text).replace(/[@#][\w-]+/g, (name) => names.get(name) ?? name);
}

function link(address: string): string {
  if (/^https?:/i.test(address)) return `<${encode(address)}>`;
  const scheme = address.includes("@") && !address.includes("/") ? "mailto:" : "http://";
  return `<${scheme}${encode(address)}|${encode(address)}>`;
}

function encode(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
