import { MicroError } from "../errors.ts";
import type { Codec } from "./codec.ts";

/**
 * JSON text that travels as it is: digits, key order and spelling untouched. A codec sends its text to the letter; a client
 * that is asked for `raw` answers with one.
 */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * `application/json` without loss: an integer beyond 2^53 is read as a BigInt and written as bare digits, as Go's int64 is
 * (`wire.md §5.1`, §11 trap 9). One line feed ends what is written; what follows the first value is not looked at by Go, so
 * blanks after it are accepted here.
 */
export const jsonCodec: Codec = {
  contentType: "application/json",
  encode: (value) => Buffer.from(`${writeJson(value)}\n`, "utf8"),
  decode: (bytes) => {
    try {
      return readJson(decoder.decode(bytes));
    } catch (error) {
      throw new MicroError("invalid_argument", `not JSON: ${(error as Error).message}`, { cause: error });
    }
  },
};

/** @throws MicroError `invalid_argument` for what JSON cannot say: functions, cycles */
function writeJson(value: unknown): string {
  if (value instanceof RawJson) return value.text.trim();
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    text = writeSlowly(value, error);
  }
  // A RawJson inside a value leaves its mark, and a BigInt has thrown by now.
  if (text?.includes('{"text":') && holdsRaw(value, 0)) text = writeSlowly(value);
  if (text === undefined) throw new MicroError("invalid_argument", `${typeof value} cannot be written as JSON`);
  return text;
}

/** @throws SyntaxError */
function readJson(text: string): unknown {
  // A number too long for a double has at least 16 digits in a row; everything else takes the quick way.
  return hasDigits(text, 16) ? readSlowly(text) : JSON.parse(text);
}

/** Whether `count` digits stand in a row. Then one of them is at a multiple of `count`, so only those places are looked at. */
function hasDigits(text: string, count: number): boolean {
  for (let at = count - 1; at < text.length; at += count) {
    if (!isDigit(text, at)) continue;
    let from = at;
    let to = at + 1;
    while (isDigit(text, from - 1)) from--;
    while (isDigit(text, to)) to++;
    if (to - from >= count) return true;
  }
  return false;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/** Long integers become marked strings, which the reviver turns into BigInts. */
function readSlowly(text: string): unknown {
  JSON.parse(text); // So that a mistake is reported at its own place.
  const marked = changeTokens(text, (from, to) => {
    if (text.startsWith(MARKED, from)) return `"${ESCAPED}${text.slice(from + 1, to)}`;
    if (text.charCodeAt(from) === QUOTE || to - from < 16) return undefined;
    const token = text.slice(from, to);
    const exact = !/^-?\d{16,}$/.test(token) || Number.isSafeInteger(Number(token));
    return exact ? undefined : `${MARKED}${token}"`;
  });
  return JSON.parse(marked, (_key, value) => {
    if (typeof value !== "string" || !value.startsWith(MARK)) return value;
    const rest = value.slice(MARK.length);
    return rest.startsWith(MARK) ? rest : BigInt(rest);
  });
}

/** A sign that no sane string begins with; a value that does gets it twice. */
const MARK = "\u0001";
const ESCAPED = "\\u0001";
const MARKED = `"${ESCAPED}`;
const QUOTE = 34;

function writeSlowly(value: unknown, cause?: unknown): string | undefined {
  const pieces: string[] = [];
  try {
    const text = JSON.stringify(value, (_key, item) => {
      if (typeof item === "bigint") return `${MARK}${pieces.push(String(item)) - 1}`;
      if (item instanceof RawJson) return `${MARK}${pieces.push(item.text.trim()) - 1}`;
      return typeof item === "string" && item.startsWith(MARK) ? `${MARK}${item}` : item;
    });
    if (text === undefined) return undefined;
    return changeTokens(text, (from, to) => {
      if (!text.startsWith(MARKED, from)) return undefined;
      const rest = text.slice(from + MARKED.length, to - 1);
      return rest.startsWith(ESCAPED) ? `"${rest}"` : pieces[Number(rest)];
    });
  } catch (error) {
    throw new MicroError("invalid_argument", `cannot be written as JSON: ${(error as Error).message}`, {
      cause: cause ?? error,
    });
  }
}

/**
 * A JSON text with some of its strings and numbers changed, keys left out. No regular expression: on a string of some
 * megabytes it runs out of stack.
 */
function changeTokens(text: string, change: (from: number, to: number) => string | undefined): string {
  let changed = "";
  let copied = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    let end = at + 1;
    if (code === QUOTE) {
      end = stringEnd(text, at);
      if (isKey(text, end)) {
        at = end;
        continue;
      }
    } else if (code === 45 || isDigit(text, at)) {
      while (NUMBER_SIGNS.includes(text.charAt(end)) && end < text.length) end++;
    } else {
      at++;
      continue;
    }
    const instead = change(at, end);
    if (instead !== undefined) {
      changed += text.slice(copied, at) + instead;
      copied = end;
    }
    at = end;
  }
  return changed + text.slice(copied);
}

const NUMBER_SIGNS = "0123456789.eE+-";

function stringEnd(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslash = at;
    while (text.charCodeAt(backslash - 1) === 92) backslash--;
    if ((at - backslash) % 2 === 0) return at + 1;
  }
  return text.length;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (text.charCodeAt(at) <= 32) at++;
  return text.charAt(at) === ":";
}

function holdsRaw(value: unknown, depth: number): boolean {
  if (value instanceof RawJson) return true;
  if (typeof value !== "object" || value === null || depth > 20) return false;
  return Object.values(value).some((item) => holdsRaw(item, depth + 1));
}
