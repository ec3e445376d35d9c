import { MicroError } from "../errors.ts";

/** What the bodies of memberlist's messages are made of. A text is bytes: the old msgpack tells the two not apart. */
export type Flat = number | boolean | Uint8Array | null;

export interface FlatMap {
  readonly fields: ReadonlyMap<string, Flat>;
  /** Where the next thing begins. */
  readonly end: number;
}

/** More fields than any message has. */
const MAX_FIELDS = 32;
/** A field of TCP state may be long; the caller bounds what it collects. */
const MAX_UINT32 = 0xffff_ffff;

/**
 * Writes a map of plain fields as memberlist does: the msgpack of before 2013, which has no binary type and no text of
 * 8-bit length (`wire.md §2.6`).
 */
export function encodeFlat(fields: Readonly<Record<string, Flat | string>>): Buffer {
  const entries = Object.entries(fields);
  const parts: Buffer[] = [Buffer.from([0x80 | entries.length])];
  for (const [key, value] of entries) parts.push(raw(Buffer.from(key)), encodeValue(value));
  return Buffer.concat(parts);
}

/**
 * Reads one map at `at`.
 * @throws MicroError `invalid_argument`; when only bytes are missing, `details.need` is the length it takes at least
 */
export function decodeFlat(bytes: Buffer, at = 0): FlatMap {
  const cursor = { bytes, at };
  const head = take(cursor, 1);
  let count = head & 0x0f;
  if (head === 0xde) count = take(cursor, 2);
  else if (head >> 4 !== 0x8) throw malformed("a map was expected");
  if (count > MAX_FIELDS) throw malformed(`a map has ${count} fields`);
  const fields = new Map<string, Flat>();
  for (let n = 0; n < count; n++) {
    const key = readValue(cursor);
    if (!(key instanceof Uint8Array)) throw malformed("a key is no text");
    fields.set(Buffer.from(key).toString(), readValue(cursor));
  }
  return { fields, end: cursor.at };
}

/** A field that must be a whole number up to `max`; missing is 0, as in Go. */
export function numberField(map: FlatMap, name: string, max = MAX_UINT32): number {
  const value = map.fields.get(name) ?? 0;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max) {
    throw malformed(`${name} must be a number from 0 to ${max}`);
  }
  return value;
}

export function bytesField(map: FlatMap, name: string, max: number): Buffer {
  const value = map.fields.get(name) ?? null;
  if (value === null) return Buffer.alloc(0);
  if (!(value instanceof Uint8Array)) throw malformed(`${name} must be bytes`);
  if (value.length > max) throw malformed(`${name} has ${value.length} bytes, more than ${max}`);
  return Buffer.from(value);
}

export function textField(map: FlatMap, name: string, max = 512): string {
  return bytesField(map, name, max).toString();
}

export function malformed(what: string, details: Readonly<Record<string, unknown>> = {}): MicroError {
  return new MicroError("invalid_argument", `this is no gossip message: ${what}`, { details });
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

function take(cursor: Cursor, size: 1 | 2 | 4): number {
  need(cursor, size);
  const value = cursor.bytes.readUIntBE(cursor.at, size);
  cursor.at += size;
  return value;
}

function need({ bytes, at }: Cursor, size: number): void {
  if (at + size > bytes.length) throw malformed("it is cut short", { need: at + size });
}

function readValue(cursor: Cursor): Flat {
  const head = take(cursor, 1);
  if (head < 0x80) return head;
  if (head >= 0xe0) return head - 0x100;
  if (head >= 0xa0 && head < 0xc0) return readBytes(cursor, head & 0x1f);
  switch (head) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
    case 0xd9:
      return readBytes(cursor, take(cursor, 1));
    case 0xc5:
    case 0xda:
      return readBytes(cursor, take(cursor, 2));
    case 0xc6:
    case 0xdb:
      return readBytes(cursor, take(cursor, 4));
    case 0xcc:
      return take(cursor, 1);
    case 0xcd:
      return take(cursor, 2);
    case 0xce:
      return take(cursor, 4);
    case 0xcf:
      return take(cursor, 4) * 0x1_0000_0000 + take(cursor, 4);
    case 0xd0:
      return (take(cursor, 1) << 24) >> 24;
    case 0xd1:
      return (take(cursor, 2) << 16) >> 16;
    case 0xd2:
      return take(cursor, 4) | 0;
    case 0xd3:
      return (take(cursor, 4) | 0) * 0x1_0000_0000 + take(cursor, 4);
    default:
      throw malformed(`a value of type 0x${head.toString(16)}`);
  }
}

function readBytes(cursor: Cursor, size: number): Buffer {
  need(cursor, size);
  const value = cursor.bytes.subarray(cursor.at, cursor.at + size);
  cursor.at += size;
  return value;
}

function encodeValue(value: Flat | string): Buffer {
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === "boolean") return Buffer.from([value ? 0xc3 : 0xc2]);
  if (typeof value === "string") return raw(Buffer.from(value));
  if (typeof value !== "number") return raw(value);
  if (value < 0x80) return Buffer.from([value]);
  if (value <= 0xff) return Buffer.from([0xcc, value]);
  if (value <= 0xffff) return Buffer.from([0xcd, value >> 8, value & 0xff]);
  const wide = Buffer.alloc(5, 0xce);
  wide.writeUInt32BE(value, 1);
  return wide;
}

function raw(value: Uint8Array): Buffer {
  const { length } = value;
  if (length < 32) return Buffer.concat([Buffer.from([0xa0 | length]), value]);
  if (length <= 0xffff) return Buffer.concat([Buffer.from([0xda, length >> 8, length & 0xff]), value]);
  const head = Buffer.alloc(5, 0xdb);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, value]);
}
