import { MicroError } from "../core/errors.ts";

/** A command line as words that remember where they stood, so that JSON can be taken from the text untouched. */
export interface Line {
  /** The whole text. */
  readonly text: string;
  readonly words: readonly Word[];
}

export interface Word {
  /** Quotes undone, typographic signs made plain. */
  readonly text: string;
  /** Where it stands in `Line.text`; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  /** It was quoted, so it is neither an option nor part of a command's name. */
  readonly quoted: boolean;
}

/**
 * What somebody typed into a chat, split at blanks of every kind; `"…"`, `'…'`, `name="…"` and the brackets of JSON keep blanks
 * together.
 */
export function chatLine(text: string): Line {
  const words: Word[] = [];
  /** No JSON is looked for before this: within what was none, because it does not end or goes on behind its end, or a text of brackets takes for ever. */
  let noJsonBefore = 0;
  /** Kinds of quotes that nothing closes from here on: they are not looked for again, or a text of quotes takes for ever. */
  const unclosed = new Set<string>();
  let at = 0;
  while (at < text.length) {
    if (isBlank(text.charCodeAt(at))) {
      at++;
      continue;
    }
    // Before quotes: one in JSON would find its partner in an option behind it.
    if (at >= noJsonBefore && (text[at] === "{" || text[at] === "[")) {
      const end = jsonEnd(text, at);
      if (end !== -1 && (end === text.length || isBlank(text.charCodeAt(end)))) {
        words.push({ text: text.slice(at, end), start: at, end, quoted: false });
        at = end;
        continue;
      }
      noJsonBefore = end === -1 ? text.length : end;
    }
    const closing = QUOTES.get(text.charCodeAt(at));
    const close = closing === undefined || unclosed.has(closing) ? -1 : closingQuote(text, at + 1, closing);
    if (closing !== undefined && close === -1) unclosed.add(closing);
    if (close !== -1) {
      words.push({ text: text.slice(at + 1, close), start: at, end: close + 1, quoted: true });
      at = close + 1;
      continue;
    }
    const start = at;
    let plainAscii = true;
    let value: string | undefined;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (isBlank(code)) break;
      if (code > 127) plainAscii = false;
      // What stands behind a `=` may be quoted, too: `why="a b"`.
      const opened = code === EQUALS ? QUOTES.get(text.charCodeAt(at + 1)) : undefined;
      if (opened === undefined || unclosed.has(opened)) continue;
      const end = closingQuote(text, at + 2, opened);
      if (end === -1) unclosed.add(opened);
      else {
        value = text.slice(at + 2, end);
        at++;
        break;
      }
    }
    const word = text.slice(start, at);
    const known = plainAscii ? word : plain(word);
    if (value !== undefined) at += value.length + 2;
    words.push({ text: known + (value ?? ""), start, end: at, quoted: false });
  }
  return { text, words };
}

/** What a shell has split already. An argument may hold blanks; the text is the arguments joined by one blank. */
export function argvLine(args: readonly string[]): Line {
  let at = 0;
  const words = args.map((arg) => {
    const word: Word = { text: arg, start: at, end: at + arg.length, quoted: false };
    at += arg.length + 1;
    return word;
  });
  return { text: args.join(" "), words };
}

/**
 * What chat clients make of plain signs, undone: smart quotes, the dash that was `--`, blanks that are none
 * (`chat.md §3`).
 */
export function plain(text: string): string {
  return text
    .replace(/[\u2018\u2019\u201a\u201b]/g, "'")
    .replace(/[\u201c\u201d\u201e\u201f\u00ab\u00bb]/g, '"')
    .replace(/^\u2014/, "--")
    .replace(/^\u2013/, "--")
    .replace(/[\u00a0\u2000-\u200a\u202f\u3000]/g, " ")
    .replace(/\u200b|\u200c|\u200d|\u2060|\ufeff/g, "");
}

/**
 * A word of a chat line that reads as exactly this text, in quotes if it must: `chatLine` undone. The text does not begin or
 * end with a blank.
 * @throws MicroError `invalid_argument` when it holds every kind of quote before a blank, so that none can be around it
 */
export function quotedWord(text: string): string {
  const bare =
    text !== "" &&
    text !== "|" &&
    !/^[{["'\u2018\u201c\u201e-]|=["'\u2018\u201c\u201e]/.test(text) &&
    ![...text].some((char) => isBlank(char.charCodeAt(0)));
  if (bare && plain(text) === text) return text;
  for (const [open, closing] of [
    ['"', '"'],
    ["'", "'"],
    ["\u201c", "\u201c\u201d"],
    ["\u2018", "\u2018\u2019"],
  ] as const) {
    const quoted = `${open}${text}${closing.at(-1)}`;
    if (closingQuote(quoted, 1, closing) === quoted.length - 1) return quoted;
  }
  throw new MicroError("invalid_argument", "that has every kind of quotes in it, so no quotes can be put around it");
}

/** Without the blanks around it, whatever chat knows as one. */
export function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text, start)) start++;
  while (end > start && isSpace(text, end - 1)) end--;
  return text.slice(start, end);
}

function isSpace(text: string, at: number): boolean {
  return isBlank(text.charCodeAt(at)) || (text[at] as string).trim() === "";
}

/** Index after the JSON value that begins at `from`, or -1 when it does not end. Only brackets and strings are looked at. */
export function jsonEnd(text: string, from: number): number {
  let depth = 0;
  let opened: string | undefined;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (opened !== undefined) {
      if (char === "\\") at++;
      // Smart quotes inside a straight pair are part of what is said.
      else if (char === '"' || (char === "\u201d" && opened !== '"')) opened = undefined;
    } else if (char === '"' || char === "\u201c") opened = char;
    else if (char === "{" || char === "[") depth++;
    else if ((char === "}" || char === "]") && --depth === 0) return at + 1;
  }
  return -1;
}

const EQUALS = 0x3d;

/** Opening sign to the signs that may close it. A pair of smart quotes is as good as a pair of straight ones. */
const QUOTES: ReadonlyMap<number, string> = new Map([
  [0x22, '"'],
  [0x27, "'"],
  [0x201c, "\u201c\u201d"],
  [0x201e, "\u201c\u201d"],
  [0x2018, "\u2018\u2019"],
]);

/** A quote closes only before a blank or the end; an apostrophe inside a word closes nothing. */
function closingQuote(text: string, from: number, closing: string): number {
  for (let at = from; at < text.length; at++) {
    if (!closing.includes(text[at] as string)) continue;
    if (at + 1 === text.length || isBlank(text.charCodeAt(at + 1))) return at;
  }
  return -1;
}

function isBlank(code: number): boolean {
  if (code <= 32) return true;
  if (code < 0xa0) return false;
  return code === 0xa0 || (code >= 0x2000 && code <= 0x200b) || code === 0x202f || code === 0x3000 || code === 0xfeff;
}
