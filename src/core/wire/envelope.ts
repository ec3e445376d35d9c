import { MicroError } from "../errors.ts";

/** A message as go-micro writes it where the carrier has no headers of its own. */
export interface WireEnvelope {
  /** Names as they were spelt, unless `decodeEnvelope` was given a spelling. Has no prototype. */
  readonly header: Record<string, string>;
  readonly body: Uint8Array;
}

const EMPTY = new Uint8Array(0);
const decoder = new TextDecoder("utf-8");

/**
 * `{"Header":{…},"Body":"<std base64>"}`, headers in the order of their names as Go writes a map (`wire.md §3.3`, §8).
 * Names are written as they are given.
 */
export function encodeEnvelope(header: Readonly<Record<string, string>>, body: Uint8Array): Uint8Array {
  const sorted: Record<string, string> = {};
  for (const name of Object.keys(header).sort()) {
    // A plain assignment of this one name would be lost.
    if (name === "__proto__") Object.defineProperty(sorted, name, { value: header[name], enumerable: true });
    else sorted[name] = header[name] as string;
  }
  const base64 = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("base64");
  return Buffer.from(`{"Header":${JSON.stringify(sorted)},"Body":"${base64}"}`, "utf8");
}

/**
 * Reads what `encodeEnvelope` or Go wrote. As in Go, `null` stands for an empty header, value or body, the two names count in
 * any case, and unknown members are let be.
 *
 * @param spell how a header's name is to be spelt; as it is when missing
 * @throws MicroError `invalid_argument` for what is no envelope
 */
export function decodeEnvelope(bytes: Uint8Array, spell?: (name: string) => string): WireEnvelope {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (error) {
    throw new MicroError("invalid_argument", "the message is no envelope: it is no JSON", { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw broken("it is no object");
  const members = value as Record<string, unknown>;
  return { header: readHeader(member(members, "Header"), spell), body: readBody(member(members, "Body")) };
}

function member(members: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(members, name)) return members[name];
  const lower = name.toLowerCase();
  for (const other in members) if (other.toLowerCase() === lower) return members[other];
  return undefined;
}

/** Makes an object without inherited names, faster to fill than one of `Object.create(null)`. */
const Header = function Header() {} as unknown as new () => Record<string, string>;
Header.prototype = Object.create(null);

function readHeader(value: unknown, spell: ((name: string) => string) | undefined): Record<string, string> {
  const header = new Header();
  if (value === null || value === undefined) return header;
  if (typeof value !== "object" || Array.isArray(value)) throw broken("Header is no object");
  const given = value as Record<string, unknown>;
  for (const name in given) {
    const text = given[name] ?? "";
    if (typeof text !== "string") throw broken("a header's value is no text");
    header[spell === undefined ? name : spell(name)] = text;
  }
  return header;
}

function readBody(value: unknown): Uint8Array {
  if (value === null || value === undefined || value === "") return EMPTY;
  if (typeof value !== "string") throw broken("Body is no base64");
  const body = Buffer.from(value, "base64");
  const padding = value.endsWith("==") ? 2 : value.endsWith("=") ? 1 : 0;
  // Node steps over what is no base64, so what is left is then too short; Go lets line ends be.
  const length = /[\r\n]/.test(value.slice(0, 100)) ? value.replace(/[\r\n]/g, "").length : value.length;
  if (length % 4 !== 0 || body.length !== (length / 4) * 3 - padding) throw broken("Body is no base64");
  return body;
}

function broken(what: string): MicroError {
  return new MicroError("invalid_argument", `the message is no envelope: ${what}`);
}
