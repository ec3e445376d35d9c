import type { Type } from "protobufjs";
import { MicroError } from "../errors.ts";
import type { Codec } from "./codec.ts";

/**
 * `application/protobuf` for one message type of `protobufjs`: plain objects in and out, field names as the type was loaded
 * with (`keepCase` keeps snake_case), 64-bit integers as BigInt. An empty message is an empty body (`wire.md §5.2`).
 */
export function protobufCodec(type: Type): Codec {
  return {
    contentType: "application/protobuf",
    encode: (value) => {
      try {
        return type.encode(type.fromObject((value ?? {}) as Record<string, unknown>)).finish();
      } catch (error) {
        throw new MicroError("invalid_argument", `not a ${type.name}: ${(error as Error).message}`, { cause: error });
      }
    },
    decode: (bytes) => {
      try {
        return type.toObject(type.decode(bytes), { longs: BigInt, defaults: true });
      } catch (error) {
        throw new MicroError("invalid_argument", `not a ${type.name}: ${(error as Error).message}`, { cause: error });
      }
    },
  };
}
