import { decode, encode } from "@msgpack/msgpack";
import { MicroError } from "../errors.ts";
import type { Codec, EnvelopeFormat } from "./codec.ts";
import { checkMsgpack } from "./msgpack-check.ts";

/**
 * Go's `msgpack-rpc` plugin (`wire.md §5.8`): `[0, id, method, [message]]` asks and `[1, id, error or nil, message]` answers.
 * @param contentType the application chooses it
 */
export function msgpackCodec(contentType = "application/msgpack-rpc"): Codec {
  return { contentType, encode: pack, decode: unpack, envelope: ENVELOPE };
}

/** Whole numbers beyond 2^53 are BigInt, both ways. */
const OPTIONS = { useBigInt64: true } as const;

function pack(value: unknown): Uint8Array {
  try {
    return encode(value ?? {}, { ...OPTIONS, ignoreUndefined: true });
  } catch (error) {
    throw new MicroError("invalid_argument", `cannot be written as MessagePack: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function unpack(bytes: Uint8Array): unknown {
  checkMsgpack(bytes);
  try {
    return small(decode(bytes, OPTIONS));
  } catch (error) {
    throw new MicroError("invalid_argument", `not MessagePack: ${(error as Error).message}`, { cause: error });
  }
}

/** BigInt only where a number would lose digits. */
function small(value: unknown): unknown {
  if (typeof value === "bigint") {
    const exact = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
    return exact ? Number(value) : value;
  }
  if (Array.isArray(value)) return value.map(small);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, small(one)]));
}

const ENVELOPE: EnvelopeFormat = {
  encodeRequest: (method, id, payload) => Buffer.concat([ASK, pack(id), pack(method), ONE, payload]),
  decodeRequest: (body) => {
    const [type, id, method, params] = list(body);
    if (type !== 0 || !Array.isArray(params))
      throw new MicroError("invalid_argument", "the body is no msgpack-rpc request");
    return { method: text(method), id: text(id), payload: pack(params[0]) };
  },
  encodeResponse: (_method, id, { error, payload }) =>
    Buffer.concat([ANSWER, pack(id), error === "" ? NIL : pack(error), error === "" ? payload : NIL]),
  decodeResponse: (body) => {
    const [type, , error, result] = list(body);
    if (type !== 1) throw new MicroError("invalid_argument", "the answer is no msgpack-rpc response");
    return {
      error: typeof error === "object" && error !== null ? "the service answered with an error" : text(error),
      payload: pack(result ?? {}),
    };
  },
};

/** A string, or a number where old plugins have one; anything else is nobody's. */
function text(value: unknown): string {
  return typeof value === "object" ? "" : String(value ?? "");
}

/** The heads of a list of four with its type, of a list of one, and nothing. */
const ASK = Buffer.of(0x94, 0x00);
const ANSWER = Buffer.of(0x94, 0x01);
const ONE = Buffer.of(0x91);
const NIL = Buffer.of(0xc0);

function list(body: Uint8Array): readonly unknown[] {
  const value = unpack(body);
  if (!Array.isArray(value)) throw new MicroError("invalid_argument", "the body is no msgpack-rpc message");
  return value;
}
