import { MicroError } from "../../core/errors.ts";

/** A piece of a rule. */
export interface Token {
  readonly kind: "word" | "quoted" | "sign";
  /** Without its quotes. */
  readonly text: string;
  /** Where it stands in the rule, from 0. */
  readonly at: number;
}

/** Says what is wrong with a rule and where; `details.at` counts from 0. */
export function wrong(at: number, message: string): MicroError {
  return new MicroError("invalid_argument", message, { details: { at } });
}

const BLANK = /\s+/y;
const SIGN = /[[\],]|!=|<=|>=|[=<>]/y;
const WORD = /[^\s[\],=<>!"']+/y;

/**
 * A rule's words, quoted words and signs. What is quoted is taken as it stands, up to the same quote.
 * @throws MicroError `invalid_argument` with `details.at`
 */
export function tokens(text: string): readonly Token[] {
  const found: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const blank = take(BLANK);
    if (blank !== undefined) {
      at += blank.length;
      continue;
    }
    const quote = text[at] as string;
    if (quote === '"' || quote === "'") {
      const end = text.indexOf(quote, at + 1);
      if (end === -1) throw wrong(at, `the quote ${quote} is not closed`);
      found.push({ kind: "quoted", text: text.slice(at + 1, end), at });
      at = end + 1;
      continue;
    }
    const sign = take(SIGN);
    const said = sign ?? take(WORD);
    if (said === undefined) throw wrong(at, `${quote} means nothing here`);
    found.push({ kind: sign === undefined ? "word" : "sign", text: said, at });
    at += said.length;
  }
  return found;
}
