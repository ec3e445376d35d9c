/**
 * Text as bytes in which one secret looks the same however it was spelled: what nobody sees is left out (blanks of every
 * kind, characters of no width, terminal colours), what programs put around characters is undone (JSON's, URLs' and
 * HTML's escapes, several times over), and signs that are spelled in two ways are one (upper and lower case, both
 * alphabets of base64, full-width letters).
 *
 * It is filled piece by piece, so that a text of any length takes the same memory.
 */
export interface Canon {
  readonly bytes: Uint8Array;
  /** Where in the text each byte comes from; `ends` is exclusive. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** So many bytes are there. */
  length: number;
}

export function createCanon(size: number): Canon {
  return { bytes: new Uint8Array(size), starts: new Uint32Array(size), ends: new Uint32Array(size), length: 0 };
}

const DROP = 254;
const SPECIAL = 255;

/** What becomes of each ASCII character: itself, folded; nothing; or something that has to be looked at. */
const FOLD = Uint8Array.from({ length: 128 }, (_, code) => {
  if (code === 0x1b) return SPECIAL;
  if (code <= 0x20 || code === 0x7f) return DROP;
  const char = String.fromCharCode(code);
  if (char === "\\" || char === "%" || char === "&") return SPECIAL;
  if (char === "_") return 0x2f; // "/" of the other base64
  if (char === "-") return 0x2b; // "+"
  return char.toLowerCase().charCodeAt(0);
});

/** So many bytes a character makes at most. */
const WIDEST = 6;

/**
 * Reads on from `from` until the canon is full or the text ends.
 * @returns where to go on
 */
export function fill(canon: Canon, text: string, from: number): number {
  const { bytes, starts, ends } = canon;
  const most = bytes.length - WIDEST;
  let length = canon.length;
  let at = from;
  while (at < text.length && length <= most) {
    const code = text.charCodeAt(at);
    if (code < 128) {
      const folded = FOLD[code] as number;
      if (folded < 128) {
        bytes[length] = folded;
        starts[length] = at;
        ends[length] = ++at;
        length++;
        continue;
      }
      if (folded === DROP) {
        at++;
        continue;
      }
    }
    if (code >= 0xc0 && (code < 0xd800 || code > 0xdfff) && !isUnseen(code)) {
      const first = length;
      length = put(bytes, length, code);
      for (let index = first; index < length; index++) {
        starts[index] = at;
        ends[index] = at + 1;
      }
      at++;
      continue;
    }
    const { byte, unit, end } = decoded(text, at, code);
    if (byte !== -1) {
      bytes[length] = byte;
      starts[length] = at;
      ends[length] = end;
      length++;
    } else if (unit !== -1) {
      const first = length;
      length = put(bytes, length, unit);
      starts.fill(at, first, length);
      ends.fill(end, first, length);
    }
    at = end;
  }
  canon.length = length;
  return at;
}

/** Keeps the last bytes, and makes room behind them. */
export function keepTail(canon: Canon, count: number): void {
  const from = Math.max(0, canon.length - count);
  for (const row of [canon.bytes, canon.starts, canon.ends]) row.copyWithin(0, from, canon.length);
  canon.length -= from;
}

/** What stands at a place: a byte, a character (or half of one), or nothing (both -1). */
interface Decoded {
  byte: number;
  unit: number;
  end: number;
}

const found: Decoded = { byte: -1, unit: -1, end: 0 };

function tell(byte: number, unit: number, end: number): Decoded {
  found.byte = byte;
  found.unit = unit;
  found.end = end;
  return found;
}

function decoded(text: string, at: number, code: number): Decoded {
  switch (code) {
    case 0x5c:
      return escaped(text, at);
    case 0x25:
      return percent(text, at);
    case 0x26:
      return entity(text, at);
    case 0x1b:
      return tell(-1, -1, colourEnd(text, at + 1));
    case 0xdb40: // first half of U+E0000 to U+E03FF, tags and selectors that nobody sees
      return tell(-1, -1, at + 2);
    default:
      return tell(-1, isUnseen(code) ? -1 : code, at + 1);
  }
}

/** JSON in JSON doubles the backslashes, so any number of them is as good as one. */
function escaped(text: string, at: number): Decoded {
  let end = at + 1;
  while (text.charCodeAt(end) === 0x5c) end++;
  const code = text.charCodeAt(end);
  // n r t b f v
  if (code === 0x6e || code === 0x72 || code === 0x74 || code === 0x62 || code === 0x66 || code === 0x76) {
    return tell(-1, -1, end + 1);
  }
  const digits = code === 0x75 ? 4 : code === 0x78 ? 2 : 0; // \u0041, \x41
  const value = digits === 0 ? -1 : hex(text, end + 1, digits);
  if (value === 0x1b) return tell(-1, -1, colourEnd(text, end + 1 + digits));
  if (value >= 128 && digits === 2) return tell(value, -1, end + 3);
  if (value !== -1) return plainly(value, end + 1 + digits);
  // What it stands before is part of the same sign, so that no backslash is left behind.
  if (code < 128) {
    const folded = FOLD[code] as number;
    if (folded < 128) return tell(folded, -1, end + 1);
  }
  return tell(-1, -1, end);
}

/** `%2541` is what is made of `%41` by who encodes once more. */
function percent(text: string, at: number): Decoded {
  let end = at + 1;
  while (text.charCodeAt(end) === 0x32 && text.charCodeAt(end + 1) === 0x35) end += 2;
  const value = hex(text, end, 2);
  if (value === -1) return tell(0x25, -1, end);
  return value < 128 ? plainly(value, end + 2) : tell(value, -1, end + 2);
}

const NAMED: ReadonlyMap<string, number> = new Map([
  ["lt", 0x3c],
  ["gt", 0x3e],
  ["quot", 0x22],
  ["apos", 0x27],
  ["nbsp", 0xa0],
]);

function entity(text: string, at: number): Decoded {
  let end = at + 1;
  while (text.charCodeAt(end) === 0x61 && text.startsWith("amp;", end)) end += 4;
  if (text.charCodeAt(end) === 0x23) {
    const isHex = (text.charCodeAt(end + 1) | 0x20) === 0x78;
    const close = text.slice(end, end + 9).indexOf(";");
    const digits = close === -1 ? "" : text.slice(end + (isHex ? 2 : 1), end + close);
    if (isHex ? /^[\da-f]+$/i.test(digits) : /^\d+$/.test(digits)) {
      return plainly(Number.parseInt(digits, isHex ? 16 : 10), end + close + 1);
    }
  } else {
    const code = NAMED.get(/^[a-z]{2,4}(?=;)/.exec(text.slice(end, end + 5))?.[0] ?? "");
    if (code !== undefined) return plainly(code, text.indexOf(";", end) + 1);
  }
  return tell(0x26, -1, end);
}

/** A character that an escape stood for. It begins no other one, but for a backslash, which nothing is. */
function plainly(value: number, end: number): Decoded {
  if (value >= 128) return tell(-1, isUnseen(value) ? -1 : value, end);
  const folded = FOLD[value] as number;
  if (folded < 128) return tell(folded, -1, end);
  return folded === DROP || value === 0x5c || value === 0x1b ? tell(-1, -1, end) : tell(value, -1, end);
}

/** The end of a colour (`ESC [31m`), or of the escape alone. */
function colourEnd(text: string, at: number): number {
  if (text.charCodeAt(at) !== 0x5b) return at;
  for (let end = at + 1; end < at + 32 && end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code >= 0x40 && code <= 0x7e) return end + 1;
  }
  return at + 1;
}

function hex(text: string, at: number, digits: number): number {
  let value = 0;
  for (let index = at; index < at + digits; index++) {
    const code = text.charCodeAt(index) | 0x20;
    if (code >= 0x30 && code <= 0x39) value = value * 16 + code - 0x30;
    else if (code >= 0x61 && code <= 0x66) value = value * 16 + code - 0x57;
    else return -1;
  }
  return value;
}

/** UTF-8 of a UTF-16 unit, halves of a pair each by itself; full-width letters and curly quotes as the plain ones. */
function put(bytes: Uint8Array, at: number, given: number): number {
  if (given > 0xffff) {
    const pair = given - 0x10000;
    return put(bytes, put(bytes, at, 0xd800 | ((pair >> 10) & 0x3ff)), 0xdc00 | (pair & 0x3ff));
  }
  const unit = lower(given);
  if (unit >= 0xff01 && unit <= 0xff5e) {
    const code = unit - 0xfee0;
    if (code === 0x5c) return at;
    const folded = FOLD[code] as number;
    bytes[at] = folded < 128 ? folded : code;
    return at + 1;
  }
  if (unit >= 0x2018 && unit <= 0x201f) {
    bytes[at] = unit < 0x201c ? 0x27 : 0x22;
    return at + 1;
  }
  if (unit < 0x800) {
    bytes[at] = 0xc0 | (unit >> 6);
    bytes[at + 1] = 0x80 | (unit & 0x3f);
    return at + 2;
  }
  bytes[at] = 0xe0 | ((unit >> 12) & 0x0f);
  bytes[at + 1] = 0x80 | ((unit >> 6) & 0x3f);
  bytes[at + 2] = 0x80 | (unit & 0x3f);
  return at + 3;
}

/** Lower case of the letters of Western Europe, Greek and Cyrillic. */
function lower(unit: number): number {
  if (unit >= 0xc0 && unit <= 0xde) return unit === 0xd7 ? unit : unit + 0x20;
  if (unit >= 0x391 && unit <= 0x3a9) return unit + 0x20;
  if (unit >= 0x400 && unit <= 0x42f) return unit + (unit < 0x410 ? 0x50 : 0x20);
  return unit;
}

/** Blanks, characters of no width, variation selectors, direction marks and other control characters beyond ASCII. */
function isUnseen(code: number): boolean {
  if (code < 0x34f) return code <= 0xa0 || code === 0xad;
  if (code >= 0x2000 && code <= 0x206f) return code <= 0x200f || (code >= 0x2028 && code <= 0x202f) || code >= 0x205f;
  if (code >= 0xfe00 && code <= 0xfe0f) return true;
  return UNSEEN.has(code);
}

const UNSEEN: ReadonlySet<number> = new Set([
  0x34f, 0x61c, 0x115f, 0x1160, 0x1680, 0x17b4, 0x17b5, 0x180b, 0x180c, 0x180d, 0x180e, 0x180f, 0x3000, 0x3164, 0xfeff,
  0xffa0, 0xfff9, 0xfffa, 0xfffb,
]);
