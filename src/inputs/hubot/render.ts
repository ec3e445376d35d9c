import type { Part } from "../input.ts";

const ZERO_WIDTH_SPACE = "\u200b";

/** `slack`: text with `<…>` tokens and entities. `unknown`: whatever the network behind the adapter makes of plain text. */
export type Markup = "slack" | "unknown";

/** Which markup an adapter hands on as it is, by its name. */
export function markupOf(adapter: string): Markup {
  return /slack/i.test(adapter) ? "slack" : "unknown";
}

/**
 * Our parts as the one text that an adapter sends. Its network's grammar comes alive in nothing of it: for Slack `<`, `>`
 * and `&` are encoded; where the grammar is unknown, a character of no width stands after whatever begins a token,
 * mention, entity, tag or link text in the networks that there are.
 */
export function render(parts: readonly Part[], markup: Markup): string {
  return parts
    .filter((part) => part.text !== "")
    .map((part) => {
      const text = plain(part.text);
      if (markup === "unknown") return inert(text);
      const encoded = unfence(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
      return part.kind === "code" ? `\`\`\`\n${encoded}\n\`\`\`` : encoded;
    })
    .join("\n");
}

/**
 * Without what acts on a terminal or in IRC, control characters but for the end of a line and a tab, and without what is
 * no character: a library may choke on half of one.
 */
function plain(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/(?![\n\t])\p{Cc}|\p{Noncharacter_Code_Point}/gu, "")
    .replace(/\p{Surrogate}/gu, "\ufffd");
}

function inert(text: string): string {
  return text.replace(/[<@]|&(?=[#a-z])|\](?=[([])|`(?=``)/gi, `$&${ZERO_WIDTH_SPACE}`);
}

/** Three backticks in a row would open or close a block. */
function unfence(text: string): string {
  return text.replace(/`{3,}/g, (ticks) => ticks.split("").join(ZERO_WIDTH_SPACE));
}
