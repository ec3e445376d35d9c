import type { Part } from "../input.ts";

const ZERO_WIDTH_SPACE = "\u200b";

/**
 * Our parts as the text of a Telegram message in its HTML (core.telegram.org/bots/api, "HTML style"). The tags are ours alone: `<`, `>` and
 * `&` are encoded, as the last step, and nothing is added after it.
 *
 * Telegram finds more in plain text by itself: a name with `@` notifies somebody, a word with `/` is a command that who
 * touches it sends, a word with `#` or `$` is a search. A character of no width keeps them from that; in code nothing is found.
 */
export function render(parts: readonly Part[]): string {
  return shown(parts)
    .map(({ kind, text }) => (kind === "code" ? `<pre>${encode(text)}</pre>` : encode(inert(text))))
    .join("\n");
}

/** How long Telegram counts a message: UTF-16 units after the tags and entities are gone. */
export function length(parts: readonly Part[]): number {
  const texts = shown(parts).map(({ kind, text }) => (kind === "code" ? text : inert(text)).length);
  return texts.reduce((sum, one) => sum + one, Math.max(0, texts.length - 1));
}

function shown(parts: readonly Part[]): readonly Part[] {
  return parts.filter((part) => part.text.trim() !== "");
}

const ADDRESS = /https?:\/\/[^\s<>]+/gi;

function inert(text: string): string {
  let out = "";
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    out += apart(text.slice(from, match.index)) + match[0];
    from = match.index + match[0].length;
  }
  return out + apart(text.slice(from));
}

function apart(text: string): string {
  return text.replace(
    /(?<![\p{L}\p{N}_])[@#$](?=[\p{L}\p{N}_])|(?<![\p{L}\p{N}_/])\/(?=\w)/gu,
    `$&${ZERO_WIDTH_SPACE}`,
  );
}

function encode(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
