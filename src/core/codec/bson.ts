import { Binary, deserialize, Long, serialize } from "bson";
import { MicroError } from "../errors.ts";
import type { Codec, EnvelopeFormat } from "./codec.ts";

/**
 * Go's `bson-rpc` plugin (`wire.md §5.8`): strings travel as binary of subtype 0, whole numbers as int64, and a call is two
 * documents, one behind the other. A binary that is no UTF-8 is read as bytes.
 * @param contentType the application chooses it
 */
export function bsonCodec(contentType = "application/bson-rpc"): Codec {
  return { contentType, encode: encodeBson, decode: decodeBson, envelope: ENVELOPE };
}

function encodeBson(value: unknown): Uint8Array {
  try {
    return serialize(toGo(value ?? {}, 0) as Record<string, unknown>);
  } catch (error) {
    throw new MicroError("invalid_argument", `cannot be written as BSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function decodeBson(bytes: Uint8Array): unknown {
  try {
    return fromGo(deserialize(bytes, { promoteLongs: false, promoteBuffers: false }));
  } catch (error) {
    throw new MicroError("invalid_argument", `not BSON: ${(error as Error).message}`, { cause: error });
  }
}

/** The header document and then the payload's. Errors travel in the header `Micro-Error` only: Go's plugin writes none. */
const ENVELOPE: EnvelopeFormat = {
  encodeRequest: (method, id, payload) => joined({ ServiceMethod: method, Seq: id }, payload),
  decodeRequest: (body) => {
    const [header, payload] = split(body);
    return { method: text(header["ServiceMethod"]), id: text(header["Seq"]), payload };
  },
  encodeResponse: (method, id, { error, payload }) =>
    error === "" ? joined({ ServiceMethod: method, Seq: id }, payload) : NOTHING,
  decodeResponse: (body) => {
    if (body.length === 0) return { error: "", payload: encodeBson({}) };
    const [header, payload] = split(body);
    return { error: text(header["Error"]), payload };
  },
};

const NOTHING = new Uint8Array(0);

function joined(header: Readonly<Record<string, string>>, payload: Uint8Array): Uint8Array {
  return Buffer.concat([encodeBson(header), payload]);
}

/** A string, or a number where old plugins have one; anything else is nobody's. */
function text(value: unknown): string {
  return typeof value === "object" ? "" : String(value ?? "");
}

/** A document begins with its length as four little-endian bytes. */
function split(body: Uint8Array): readonly [Readonly<Record<string, unknown>>, Uint8Array] {
  const length = body.length < 5 ? 0 : new DataView(body.buffer, body.byteOffset, body.byteLength).getUint32(0, true);
  if (length < 5 || length > body.length) {
    throw new MicroError("invalid_argument", "the body is no bson-rpc message: it ends too early");
  }
  return [decodeBson(body.subarray(0, length)) as Readonly<Record<string, unknown>>, body.subarray(length)];
}

const MAX_DEPTH = 100;

function toGo(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new Error("it is nested too deeply");
  if (typeof value === "string") return new Binary(Buffer.from(value, "utf8"), 0);
  if (typeof value === "bigint") return Long.fromBigInt(value);
  if (typeof value === "number") return Number.isSafeInteger(value) ? Long.fromNumber(value) : value;
  if (value instanceof Uint8Array) return new Binary(value, 0);
  if (Array.isArray(value)) return value.map((one) => toGo(one, depth + 1));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, toGo(one, depth + 1)]));
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function fromGo(value: unknown): unknown {
  if (value instanceof Binary) {
    const bytes = value.buffer.subarray(0, value.position);
    try {
      return utf8.decode(bytes);
    } catch {
      return bytes;
    }
  }
  if (Long.isLong(value)) {
    const whole = value.toBigInt();
    return whole >= BigInt(Number.MIN_SAFE_INTEGER) && whole <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(whole) : whole;
  }
  if (Array.isArray(value)) return value.map(fromGo);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fromGo(one)]));
}
