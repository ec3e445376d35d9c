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
 *
 * @param spell how a header's name is to be spelt; as it is when missing. No two may become the same
 * @param more one more header, spelt as it is to be (a copy of the header with one more costs as much as all the rest)
 */
export function encodeEnvelope(
  header: Readonly<Record<string, string>>,
  body: Uint8Array,
  spell: (name: string) => string = asItIs,
  more?: { readonly name: string; readonly value: string },
): Uint8Array {
  const members: Member[] = [];
  let sorted = true;
  let previous = "";
  for (const name in header) {
    const member = headerMember(spell(name), header[name] as string);
    if (member.name < previous) sorted = false;
    previous = member.name;
    members.push(member);
  }
  if (more !== undefined) {
    members.push(headerMember(more.name, more.value));
    sorted &&= more.name > previous;
  }
  if (!sorted) members.sort((a, b) => (a.name < b.name ? -1 : 1));
  let json = '{"Header":{';
  let encoding: "latin1" | "utf8" = "latin1";
  for (let at = 0; at < members.length; at++) {
    const { text, isAscii } = members[at] as Member;
    json += at === 0 ? text : `,${text}`;
    if (!isAscii) encoding = "utf8";
  }
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return Buffer.from(`${json}},"Body":"${bytes.toString("base64")}"}`, encoding);
}

function asItIs(name: string): string {
  return name;
}

interface Member {
  readonly name: string;
  readonly value: string;
  /** `"Name":"value"` */
  readonly text: string;
  readonly isAscii: boolean;
}

/** Most headers are the same as in the message before. */
const lastMembers = new Map<string, Member>();

function headerMember(name: string, value: string): Member {
  const last = lastMembers.get(name);
  if (last !== undefined && last.value === value) return last;
  const isAscii = PLAIN.test(value) && PLAIN.test(name);
  const text = isAscii ? `"${name}":"${value}"` : `${JSON.stringify(name)}:${JSON.stringify(value)}`;
  const member = { name, value, text, isAscii };
  if ((last !== undefined || lastMembers.size < 1000) && value.length < 1000) lastMembers.set(name, member);
  return member;
}

/** Text that stands in JSON as it is, in one byte for each sign. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/**
 * Reads what `encodeEnvelope` or Go wrote. As in Go, `null` stands for an empty header, value or body, the two names count in
 * any case, and unknown members are let be.
 *
 * @param spell how a header's name is to be spelt; as it is when missing
 * @throws MicroError `invalid_argument` for what is no envelope
 */
export function decodeEnvelope(bytes: Uint8Array, spell?: (name: string) => string): WireEnvelope {
  return decodeQuickly(bytes, spell) ?? decodeSlowly(bytes, spell);
}

const START = '{"Header":';
const MIDDLE = '},"Body":"';

/**
 * What we and Go write, without reading the body as JSON. `undefined`: it is written otherwise, or wrongly. A body has no
 * quotes and a header's texts have none that are not escaped, so what stands before `MIDDLE` is all of the header if it is JSON.
 */
function decodeQuickly(bytes: Uint8Array, spell: ((name: string) => string) | undefined): WireEnvelope | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const middle = text.lastIndexOf(MIDDLE);
  if (middle === -1 || !text.startsWith(START) || !text.endsWith('"}')) return undefined;
  const header = text.slice(START.length, middle + 1);
  const base64 = text.slice(middle + MIDDLE.length, -2);
  const body = base64 === "" ? EMPTY : Buffer.from(base64, "base64");
  if (body.length !== decodedLength(base64) || !ASCII.test(header)) return undefined;
  try {
    return { header: readHeader(JSON.parse(header), spell), body };
  } catch {
    return undefined;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const ASCII = /^[\x00-\x7f]*$/;

/** NaN: that is no base64. */
function decodedLength(base64: string): number {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return base64.length % 4 === 0 ? (base64.length / 4) * 3 - padding : Number.NaN;
}

function decodeSlowly(bytes: Uint8Array, spell: ((name: string) => string) | undefined): WireEnvelope {
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
  // Node steps over what is no base64, so what is left is then too short; Go lets line ends be.
  const base64 = /[\r\n]/.test(value.slice(0, 100)) ? value.replace(/[\r\n]/g, "") : value;
  if (body.length !== decodedLength(base64)) throw broken("Body is no base64");
  return body;
}

function broken(what: string): MicroError {
  return new MicroError("invalid_argument", `the message is no envelope: ${what}`);
}
