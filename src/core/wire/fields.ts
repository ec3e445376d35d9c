import { MicroError } from "../errors.ts";

/** One field of a protobuf message, as far as it can be read without knowing its type. */
export interface Field {
  readonly number: number;
  /** Its type on the wire: 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wire: number;
  /** Of a field that is no varint, for which it is empty. */
  readonly bytes: Buffer;
  /** Of a varint, the lower 53 bits; 0 for the others. */
  readonly value: number;
}

/**
 * The fields of a message in their order, for the few messages of the protocol itself that are too small for a description.
 * @throws MicroError `invalid_argument` for what is no message
 */
export function readFields(message: Uint8Array): readonly Field[] {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      if (shift < 53) value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw noMessage();
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    let value = 0;
    let length = 0;
    switch (tag % 8) {
      case 0:
        value = varint();
        break;
      case 1:
        length = 8;
        break;
      case 2:
        length = varint();
        break;
      case 5:
        length = 4;
        break;
      default:
        throw noMessage();
    }
    if (number === 0 || at + length > bytes.length) throw noMessage();
    fields.push({ number, wire: tag % 8, value, bytes: length > 0 ? bytes.subarray(at, at + length) : NOTHING });
    at += length;
  }
  return fields;
}

/** How many bytes a length-delimited field takes. Its number is below 16. */
export function fieldSize(length: number): number {
  let size = 2 + length;
  for (let rest = length; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Writes what stands before the content of such a field; the place behind it. */
export function writeFieldHead(to: Buffer, at: number, number: number, length: number): number {
  let end = at;
  to[end++] = (number << 3) | 2;
  let rest = length;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) to[end++] = (rest & 0x7f) | 0x80;
  to[end++] = rest;
  return end;
}

const NOTHING = Buffer.alloc(0);

function noMessage(): MicroError {
  return new MicroError("invalid_argument", "not a protobuf message: it ends too early");
}
