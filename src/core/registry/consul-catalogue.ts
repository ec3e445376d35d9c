import { MicroError } from "../errors.ts";
import { createPause } from "./slices.ts";

/**
 * The names in an answer of `/v1/catalog/services`, each with how many bytes its tags have. The tags themselves, most of
 * the answer, are not read: their order changes from answer to answer, their length only with their content.
 *
 * Works through the bytes in slices, since one `JSON.parse` of a large catalogue (13 MB for 10,000 services with tags)
 * would hold the event loop for longer than 20 ms.
 *
 * @throws MicroError `unavailable` when the bytes are not a catalogue
 */
export async function readCatalogue(bytes: Buffer): Promise<Map<string, number>> {
  const pause = createPause();
  const names = new Map<string, number>();
  let at = skip(bytes, 0, OPEN_OBJECT);
  while (bytes[at] === QUOTE) {
    const end = endOfString(bytes, at);
    const name = readName(bytes.toString("utf8", at, end));
    at = skip(bytes, skip(bytes, end, COLON), OPEN_ARRAY);
    let length = 0;
    while (bytes[at] === QUOTE) {
      const next = endOfString(bytes, at);
      length += next - at;
      at = skip(bytes, next, COMMA);
    }
    if (bytes[at] !== CLOSE_ARRAY) throw broken();
    at = skip(bytes, at + 1, COMMA);
    names.set(name, length);
    await pause();
  }
  if (bytes[at] !== CLOSE_OBJECT) throw broken();
  return names;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

function readName(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw broken();
  }
}

/** Behind blanks, one `token` if it is there, and blanks. */
function skip(bytes: Buffer, from: number, token: number): number {
  const at = blanks(bytes, from);
  return bytes[at] === token ? blanks(bytes, at + 1) : at;
}

function blanks(bytes: Buffer, from: number): number {
  let at = from;
  while ((bytes[at] ?? 0x7f) <= 0x20) at += 1;
  return at;
}

/** Behind the quote that ends the string which begins at `from`. */
function endOfString(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(QUOTE, from + 1); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) {
    let escapes = 0;
    while (bytes[at - 1 - escapes] === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
  throw broken();
}

function broken(): MicroError {
  return new MicroError("unavailable", "consul's list of services is not JSON of the expected shape");
}
