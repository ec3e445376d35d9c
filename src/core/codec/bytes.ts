import { MicroError } from "../errors.ts";
import type { Codec } from "./codec.ts";

/** `application/octet-stream`: what is given is what travels (`wire.md §5.5`). Values are `Uint8Array`. */
export const bytesCodec: Codec = {
  contentType: "application/octet-stream",
  encode: (value) => {
    if (value instanceof Uint8Array) return value;
    throw new MicroError("invalid_argument", "application/octet-stream carries bytes: give a Uint8Array");
  },
  decode: (bytes) => bytes,
};
