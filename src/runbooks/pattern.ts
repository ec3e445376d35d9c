import { Script } from "node:vm";
import { MicroError } from "../core/errors.ts";

/** What can take for ever on a text that does not fit: a group that is repeated, or referred to. */
const SLOW = /\)[*+{]|\\[1-9k]/;
/** With each part that takes any number of characters the time grows by a power of the text's length. */
const MOST_REPEATS = 2;
/** Alternatives that look like each other make it slow, too, and nothing but the time tells which do. */
const LIMIT_MS = 250;

/** A parameter's pattern, which a whole text has to fit. @throws MicroError `invalid_argument` */
export function patternOf(source: string): RegExp {
  const refuse = (words: string, cause?: unknown): never => {
    throw new MicroError("invalid_argument", words, { cause });
  };
  // Of an escape and of a class nothing matters but that it is one character.
  const plain = source.replace(/\\[^1-9k]/g, "x").replace(/\[[^\]]*\]/g, "x");
  if (SLOW.test(plain)) refuse("a pattern repeats no group, since that can take for ever; say it plainer");
  if ((plain.match(/[*+]|\{\d+,\d*\}/g) ?? []).length > MOST_REPEATS) {
    refuse(`a pattern repeats in ${MOST_REPEATS} places at most (* + {1,9}), since more can take for ever`);
  }
  try {
    return new RegExp(`^(?:${source})$`, "u");
  } catch (error) {
    return refuse(`the pattern is none: ${MicroError.from(error).message}`, error);
  }
}

const test = new Script("pattern.test(text)");

/** Whether a text fits, within a limit of time. @throws MicroError `invalid_argument` when that is not told in time */
export function fits(pattern: RegExp, text: string): boolean {
  try {
    return test.runInNewContext({ pattern, text }, { timeout: LIMIT_MS }) === true;
  } catch (error) {
    const words = "whether it fits its pattern takes too long to tell; the pattern has to be said plainer";
    throw new MicroError("invalid_argument", words, { cause: error });
  }
}
