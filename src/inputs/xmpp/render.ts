import type { Part } from "../input.ts";
import { legal } from "./xml.ts";

const ZERO_WIDTH_SPACE = "\u200b";

/** What is said: the body, and whether clients are to leave its characters alone. */
export interface Rendered {
  readonly body: string;
  /** No part is code, so nothing in it is styling (XEP-0393 §6, `<unstyled/>`). */
  readonly unstyled: boolean;
}

/**
 * Our parts as the body of a message. A body is plain text to every client; what some make of it is XEP-0393: lines of
 * three backticks around code are ours, and such lines in what a service answers are kept from being any.
 */
export function render(parts: readonly Part[]): Rendered {
  const shown = parts.filter((part) => part.text !== "");
  const body = shown
    .map(({ kind, text }) => {
      const inert = unfence(legal(text).replace(/\r\n?/g, "\n"));
      return kind === "code" ? `\`\`\`\n${inert}${inert.endsWith("\n") ? "" : "\n"}\`\`\`` : inert;
    })
    .join("\n");
  return { body, unstyled: shown.every((part) => part.kind === "text") };
}

/** Three backticks in a row would open or close a block; a character of no width keeps them apart. */
function unfence(text: string): string {
  return text.replace(/`{3,}/g, (ticks) => ticks.split("").join(ZERO_WIDTH_SPACE));
}
