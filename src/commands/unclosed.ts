import type { Word } from "./line.ts";

/**
 * What to say of the first quote among these words that nothing closes: it keeps no words together, so whatever is wrong with the line,
 * this is why. `undefined`: all are closed.
 */
export function unclosedQuote(words: readonly Word[]): { readonly words: string; readonly word: Word } | undefined {
  for (const word of words) {
    const [, quote, behind = ""] = (word.quoted ? null : OPENED.exec(word.text)) ?? [];
    if (quote === undefined) continue;
    const kind = quote === '"' ? "double" : "single";
    const where = behind === "" ? "" : ` before "${behind.slice(0, 40)}"`;
    return { word, words: `the ${kind} quote${where} is not closed: it ends at the next one that a blank follows` };
  }
  return undefined;
}

/** Smart ones have become plain by now. */
const OPENED = /(?:^|=)(["'])(.*)$/su;
