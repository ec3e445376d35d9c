import { type Canon, createCanon, fill } from "./redact-canon.ts";

/** Bytes of a canon that give a secret away. */
export interface Needle {
  readonly bytes: Uint8Array;
  /** The signs of base64 around it hold a few of the secret's bits, too. */
  readonly before: boolean;
  readonly after: boolean;
}

/** Fewer bytes say nothing: they stand in many words. */
export const SHORTEST = 6;

/** A longer one is looked for in pieces: then a piece of it is found as well, and looking stays cheap. */
export const LONGEST = 64;
const PIECE = 32;

/** All the forms that a secret is looked for in. None: it is too short to be told from other words. */
export function needlesOf(secret: string): readonly Needle[] {
  const raw = canonOf(secret);
  if (raw.length < SHORTEST) return [];
  const needles = [...pieces(raw)];
  const add = (text: string) => needles.push(...pieces(canonOf(text)));
  // An escape may stand right before it, and takes its first letter: `DOMAIN\name`.
  if (/^[nrtbfv]/.test(secret)) add(secret.slice(1));
  // Forms of a URL write a blank so.
  if (secret.includes(" ")) add(secret.replaceAll(" ", "+"));
  const bytes = Buffer.from(secret);
  // Where nothing in it reads like an escape, and in UTF-8 throughout.
  add(bytes.toString("hex").replace(/../g, "%$&"));
  add(bytes.toString("hex"));
  const base64 = bytes.toString("base64").replace(/=+$/, "");
  for (const inner of [bytes, Buffer.from(base64)]) {
    for (const shift of [0, 1, 2]) needles.push(...base64Needles(inner, shift));
  }
  return needles.filter((needle) => needle.bytes.length >= SHORTEST);
}

/** What base64 makes of bytes that stand `shift` bytes behind a multiple of three: those signs that they alone decide. */
function base64Needles(bytes: Buffer, shift: number): readonly Needle[] {
  const bitsBefore = shift * 8;
  const bits = bitsBefore + bytes.length * 8;
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
  const whole = canonOf(text.slice(Math.ceil(bitsBefore / 6), Math.floor(bits / 6)));
  const all = pieces(whole);
  return all.map((needle, index) => ({
    ...needle,
    before: index === 0 && bitsBefore % 6 !== 0,
    after: index === all.length - 1 && bits % 6 !== 0,
  }));
}

function pieces(bytes: Uint8Array): readonly Needle[] {
  const cuts: Uint8Array[] = [];
  if (bytes.length <= LONGEST) cuts.push(bytes);
  else {
    for (let at = 0; at + PIECE <= bytes.length; at += PIECE) cuts.push(bytes.subarray(at, at + PIECE));
    if (bytes.length % PIECE !== 0) cuts.push(bytes.subarray(bytes.length - PIECE));
  }
  return cuts.map((cut) => ({ bytes: cut, before: false, after: false }));
}

function canonOf(text: string): Uint8Array {
  const canon: Canon = createCanon(text.length * 3 + 8);
  fill(canon, text, 0);
  return canon.bytes.slice(0, canon.length);
}

/** Finds needles in a canon. It looks at every fourth place only, at three bytes each: needles are six long or more. */
export interface Finder {
  /** @param last nothing follows, so what begins a needle may be one that was cut off */
  find(canon: Canon, last: boolean, onFound: (start: number, end: number) => void): void;
}

const STEP = 4;
const HASHES = 1 << 16;

/** So much of the beginning of a secret gives it away, where a text was cut. */
const TELLING = 8;

export function createFinder(needles: Iterable<Needle>): Finder {
  const flags = new Uint8Array(HASHES);
  const candidates = new Map<number, { readonly needle: Needle; readonly offset: number }[]>();
  const known = new Set<string>();
  for (const needle of needles) {
    const name = Buffer.from(needle.bytes).toString("latin1");
    if (known.has(name)) continue;
    known.add(name);
    for (let offset = 0; offset < STEP; offset++) {
      const hash = hashAt(needle.bytes, offset);
      flags[hash] = 1;
      const there = candidates.get(hash);
      if (there) there.push({ needle, offset });
      else candidates.set(hash, [{ needle, offset }]);
    }
  }
  return {
    find: ({ bytes, starts, ends, length }, last, onFound) => {
      if (known.size === 0) return;
      for (let at = 0; at + 3 <= length; at += STEP) {
        if (flags[hashAt(bytes, at)] === 0) continue;
        for (const { needle, offset } of candidates.get(hashAt(bytes, at)) ?? []) {
          const start = at - offset;
          if (start < 0) continue;
          const same = sameFrom(needle.bytes, bytes, start, length);
          const whole = same === needle.bytes.length;
          if (!whole && !isMost(same, needle) && (same < TELLING || !isCut(bytes, start + same, length, last)))
            continue;
          const from = whole && needle.before && start > 0 && isBase64(bytes[start - 1]) ? start - 1 : start;
          const end = start + same;
          const to = whole && needle.after && end < length && isBase64(bytes[end]) ? end : end - 1;
          onFound(starts[from] as number, ends[to] as number);
        }
      }
    },
  };
}

function hashAt(bytes: Uint8Array, at: number): number {
  const mixed = (bytes[at] as number) ^ ((bytes[at + 1] as number) << 5) ^ ((bytes[at + 2] as number) << 10);
  return mixed & (HASHES - 1);
}

function sameFrom(needle: Uint8Array, bytes: Uint8Array, start: number, length: number): number {
  const most = Math.min(needle.length, length - start);
  let same = 0;
  while (same < most && needle[same] === bytes[start + same]) same++;
  return same;
}

/** Three quarters, if that is enough to be no word: somebody else has cut it off. */
function isMost(same: number, { bytes }: Needle): boolean {
  return same >= 12 && same * 4 >= bytes.length * 3;
}

/** The text ends there, or goes on with the `…` that stands for what was cut. */
function isCut(bytes: Uint8Array, at: number, length: number, last: boolean): boolean {
  if (at === length) return last;
  return bytes[at] === 0xe2 && bytes[at + 1] === 0x80 && bytes[at + 2] === 0xa6;
}

function isBase64(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2f;
}
