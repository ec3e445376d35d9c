import type { Part } from "../input.ts";

const ZERO_WIDTH_SPACE = "\u200b";

/**
 * Our parts as the text of a Discord message. Nothing in them can come alive: whatever Discord's markup could read has a
 * backslash before it, which the client takes away (docs.discord.com, "Message formatting"), as the last step, and nothing
 * is added after it. In a code block nothing is read but its end.
 *
 * An address is put between angle brackets, which the client takes away too: then Discord makes no preview of it, that is,
 * does not fetch what a service wrote into its answer (`chat.md §6`).
 */
export function render(parts: readonly Part[]): string {
  return parts
    .filter((part) => part.text.trim() !== "")
    .map(({ kind, text }) => (kind === "code" ? `\`\`\`\n${unfence(text)}\n\`\`\`` : inert(text)))
    .join("\n");
}

/** Three backticks in a row would end the block; a character of no width keeps them apart. */
function unfence(text: string): string {
  return text.replace(/`{3,}/g, (ticks) => ticks.split("").join(ZERO_WIDTH_SPACE));
}

/** An address has no sign that Discord's markup could read, but those it may have (RFC 3986), and ends before those that end a sentence. */
const ADDRESS = /https?:\/\/[^\s<>"`|\\^{}]*[^\s<>"`|\\^{}.,:;'*_~)\]]/gi;

function inert(text: string): string {
  let out = "";
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    out += `${backslashed(text.slice(from, match.index))}<${match[0]}>`;
    from = match.index + match[0].length;
  }
  return lines(out + backslashed(text.slice(from)));
}

function backslashed(text: string): string {
  return (
    text
      .replace(/[\\*_~`|<>[\]]/g, "\\$&")
      // `:smile:`, and addresses that are none of the web's: `discord://`.
      .replace(/:(?=[\w+-]+:|\/\/)/g, "\\:")
      .replace(/@(?=everyone|here)/gi, `@${ZERO_WIDTH_SPACE}`)
  );
}

/** What begins a heading, small print or a list at the beginning of a line. */
function lines(text: string): string {
  return text.replace(/^(\s*)([#+-])/gm, "$1\\$2").replace(/^(\s*\d+)([.)])(?=\s)/gm, "$1\\$2");
}
