import { createHash } from "node:crypto";
import { MicroError } from "../../core/errors.ts";

/** What all stores can hold: Consul takes no larger value. */
const MAX_VALUE_BYTES = 512 << 10;
const MAX_KEY = 200;
/** Four parts of this length make a key; a longer one is known by its hash. */
const MAX_WORD = 48;

const KEY = /^[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A key out of any texts, one word each; different texts make different keys, and a part's word depends on that part alone,
 * so `${keyOf("jobs", room)}.` is the prefix of all jobs of a room. Letters, digits, `_` and `-` stay as they are, other
 * bytes become `=2F`; what would be longer than 48 characters becomes its SHA-256, so keep the name in the value as well.
 * @throws MicroError `invalid_argument` for no parts at all, and for so many that they make no key
 */
export function keyOf(...parts: readonly string[]): string {
  const key = parts.map(wordOf).join(".");
  checkKey(key);
  return key;
}

function wordOf(text: string): string {
  // `=h` and `=u` begin nothing else: what is escaped goes on with digits and capitals.
  if (LONE_SURROGATE.test(text)) return `=u${digest(Buffer.from(text, "utf16le"))}`;
  const bytes = Buffer.from(text);
  if (bytes.length > MAX_WORD) return `=h${digest(bytes)}`;
  let word = "";
  for (const byte of bytes) {
    const letter = String.fromCharCode(byte);
    word += /[A-Za-z0-9_-]/.test(letter) ? letter : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  if (word.length > MAX_WORD) return `=h${digest(bytes)}`;
  return word === "" ? "=" : word;
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("base64url");
}

/** @throws MicroError `invalid_argument` */
export function checkKey(key: string): void {
  if (key.length <= MAX_KEY && KEY.test(key)) return;
  const rule = "a key is words of A-Z a-z 0-9 _ - = joined by dots, 200 characters at most";
  throw new MicroError("invalid_argument", `"${shown(key)}" cannot be a key: ${rule}`);
}

/** @throws MicroError `invalid_argument` */
export function checkPrefix(prefix: string): void {
  if (prefix === "" || (prefix.endsWith(".") && prefix.length <= MAX_KEY && KEY.test(prefix.slice(0, -1)))) return;
  throw new MicroError("invalid_argument", `"${shown(prefix)}" cannot be a prefix: it ends with a dot, or is empty`);
}

/** The value is not repeated: nobody knows what is in it. @throws MicroError `invalid_argument` */
export function checkValue(key: string, value: string): void {
  const bytes = Buffer.byteLength(value);
  if (bytes > MAX_VALUE_BYTES) {
    const most = `${MAX_VALUE_BYTES} bytes is the most`;
    throw new MicroError("invalid_argument", `the value of "${key}" has ${bytes} bytes; ${most}`);
  }
  if (LONE_SURROGATE.test(value)) {
    throw new MicroError("invalid_argument", `the value of "${key}" is no text: half a character stands alone in it`);
  }
}

/** @throws MicroError `invalid_argument` */
export function checkRevision(key: string, revision: number): void {
  if (Number.isSafeInteger(revision) && revision > 0) return;
  throw new MicroError("invalid_argument", `${revision} is no revision of "${key}": those are whole numbers from 1 on`);
}

/** The first key behind all that begin so; the prefix is not empty. */
export function afterPrefix(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
