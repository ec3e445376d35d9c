import type { Part } from "../input.ts";

const ZERO_WIDTH_SPACE = "\u200b";

/**
 * Our parts as the text of a Slack message. Nothing in them can come alive: `<`, `>` and `&` are the only way into
 * Slack's grammar of links, mentions and `<!channel>`, in a code block as outside of one (`chat.md §3`), so they are
 * encoded here, as the last step, and nothing is added after it.
 *
 * @param links `false`: addresses are kept from being links, for where previews cannot be switched off
 */
export function render(parts: readonly Part[], { links = true }: { readonly links?: boolean } = {}): string {
  return parts
    .filter((part) => part.text !== "")
    .map((part) => {
      const text = encode(unfence(part.text));
      if (part.kind === "code") return `\`\`\`\n${text}\n\`\`\``;
      return links ? text : text.replaceAll("://", `:${ZERO_WIDTH_SPACE}//`);
    })
    .join("\n");
}

function encode(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Three backticks in a row would open or close a block; a character of no width keeps them apart. */
function unfence(text: string): string {
  return text.replace(/`{3,}/g, (ticks) => ticks.split("").join(ZERO_WIDTH_SPACE));
}
