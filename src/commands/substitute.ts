import { MicroError } from "../core/errors.ts";
import { chatLine, quotedWord, type Word } from "./line.ts";
import { pipedIn } from "./pipe/split.ts";

/** `$1` to `$9`, `$*`. */
const PLACE = /\$([1-9*])/g;

/**
 * An alias's line with the words that were said behind it: in the places of `$1`, `$2` and `$*`, or else behind its command,
 * before its pipes. Whatever a word is, it stays one word: no option, no pipe, no end of a text in quotes or JSON.
 * @param name for what is wrong with it
 * @throws MicroError `invalid_argument`: there are too few words, or too many
 */
export function substitute(name: string, line: string, said: readonly Word[]): string {
  const given = said.map(({ text }) => text);
  const wanted = [...line.matchAll(PLACE)].map(([, place]) => place);
  if (wanted.length === 0) {
    if (given.length === 0) return line;
    const piped = pipedIn(chatLine(line));
    const behind = given.map(oneWord).join(" ");
    return piped ? `${piped.head.text} ${behind} | ${piped.text}` : `${line} ${behind}`;
  }
  const most = Math.max(0, ...wanted.map((place) => (place === "*" ? 0 : Number(place))));
  if (given.length < most || (given.length > most && !wanted.includes("*"))) {
    const words = `\`${name}\` wants ${most === 1 ? "one word" : `${most} words`} behind it, not ${given.length}: it is \`${line}\``;
    throw new MicroError("invalid_argument", words);
  }
  const { words } = chatLine(line);
  let out = "";
  let from = 0;
  for (const word of words) {
    out += line.slice(from, word.start) + filled(word, line.slice(word.start, word.end), given);
    from = word.end;
  }
  return out + line.slice(from);
}

/**
 * Whether the places stand where a word may stand: alone, behind a `=`, in quotes or in JSON.
 * @throws MicroError `invalid_argument`
 */
export function checkPlaces(line: string): void {
  for (const { text, quoted } of chatLine(line).words) {
    if (quoted || isJson(text) || /^\$[1-9*]$/.test(text) || /^[^$]+=\$[1-9]$/.test(text)) continue;
    if (text.search(PLACE) === -1) continue;
    const words = `in "${text.slice(0, 40)}" a word cannot be put in: $1 stands alone, behind a =, in quotes or in JSON`;
    throw new MicroError("invalid_argument", words);
  }
}

function filled({ text, quoted }: Word, raw: string, given: readonly string[]): string {
  if (text.search(PLACE) === -1) return raw;
  if (quoted) return forced(text.replace(PLACE, (_, place: string) => valueOfPlace(place, given)));
  if (isJson(text)) return inJson(text, given);
  if (text === "$*") return given.map(oneWord).join(" ");
  if (/^\$[1-9]$/.test(text)) return oneWord(valueOfPlace(text.slice(1), given));
  const equals = text.indexOf("=");
  const value = valueOfPlace(text.slice(equals + 2), given);
  return text.startsWith("-")
    ? `${text.slice(0, equals)} ${forced(value)}`
    : forced(`${text.slice(0, equals + 1)}${value}`);
}

/** All words, for `*`, or that one. */
function valueOfPlace(place: string, given: readonly string[]): string {
  return place === "*" ? given.join(" ") : (given[Number(place) - 1] ?? "");
}

/** Within a text of the JSON as its letters, elsewhere as a value: a number or truth as it is, all else as a text. */
function inJson(json: string, given: readonly string[]): string {
  let out = "";
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const char = json[at] as string;
    const place = char === "$" ? /^[1-9*]/.exec(json.slice(at + 1, at + 2))?.[0] : undefined;
    if (place !== undefined) {
      const value = valueOfPlace(place, given);
      const written = JSON.stringify(value);
      if (inText) out += written.slice(1, -1);
      else out += /^(-?(0|[1-9]\d*)(\.\d+)?|true|false|null)$/.test(value) ? value : written;
      at++;
      continue;
    }
    out += char;
    if (inText && char === "\\") out += json[++at] ?? "";
    else if (char === '"') inText = !inText;
  }
  return out;
}

function isJson(text: string): boolean {
  return text.startsWith("{") || text.startsWith("[");
}

/** As it is where nothing in it means anything, else in quotes. */
function oneWord(text: string): string {
  return /^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_.,:@/+-]*$/u.test(text) ? text : forced(text);
}

/** In quotes, whatever it is. */
function forced(text: string): string {
  const word = quotedWord(text);
  return word === text ? `"${text}"` : word;
}
