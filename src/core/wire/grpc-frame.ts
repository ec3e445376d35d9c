import { frameName, goName } from "../transport/header-names.ts";
import type { Frame } from "../transport/transport.ts";
import { fieldSize, readFields, writeFieldHead } from "./fields.ts";

/**
 * A frame as go-micro's gRPC transport carries it: `message Message { map<string,string> header = 1; bytes body = 2; }`
 * (`wire.md §3.5`). Names are spelt as Go has them, because they are compared to the letter.
 */
export function encodeFrame({ header, body }: Frame): Buffer {
  const entries: [number, Buffer, Buffer][] = [];
  let size = body.length === 0 ? 0 : fieldSize(body.length);
  for (const name in header) {
    const key = Buffer.from(goName(name), "utf8");
    const value = Buffer.from(header[name] as string, "utf8");
    const length = fieldSize(key.length) + fieldSize(value.length);
    entries.push([length, key, value]);
    size += fieldSize(length);
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  const write = (number: number, content: Uint8Array) => {
    at = writeFieldHead(bytes, at, number, content.length);
    bytes.set(content, at);
    at += content.length;
  };
  for (const [length, key, value] of entries) {
    at = writeFieldHead(bytes, at, 1, length);
    write(1, key);
    write(2, value);
  }
  if (body.length > 0) write(2, body);
  return bytes;
}

/** @throws MicroError `invalid_argument` */
export function decodeFrame(message: Uint8Array): Frame {
  const header: Record<string, string> = {};
  let body: Uint8Array = NOTHING;
  for (const field of readFields(message)) {
    if (field.wire !== 2) continue;
    if (field.number === 2) body = field.bytes;
    else if (field.number === 1) {
      let name = "";
      let value = "";
      for (const part of readFields(field.bytes)) {
        if (part.wire !== 2) continue;
        if (part.number === 1) name = part.bytes.toString("utf8");
        else if (part.number === 2) value = part.bytes.toString("utf8");
      }
      header[frameName(name)] = value;
    }
  }
  return { header, body };
}

const NOTHING = new Uint8Array(0);
