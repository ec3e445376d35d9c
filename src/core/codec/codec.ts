import type { ValueRecord } from "../registry/registry.ts";

/**
 * Bytes to values and back; stateless. JSON and bytes are always there; others are given to a server and to a client as
 * `codecs`, and serve their own content type. All pass `test/contract/codec.contract.ts`.
 * @throws MicroError `invalid_argument` both ways
 */
export interface Codec {
  /** Matched exactly, without parameters (`wire.md §4.1`). */
  readonly contentType: string;
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
  /** For a codec whose calls stand in an envelope of its own (`wire.md §5.8`). Events never have one. */
  readonly envelope?: EnvelopeFormat;
}

/** The codec of one message type, which also knows how that message stands in JSON (`wire.md §5.1`). */
export interface MessageCodec extends Codec {
  /** A message out of parsed JSON in any of Go's spellings. @throws MicroError `invalid_argument` */
  fromJson(value: unknown): unknown;
  /** What every Go reader understands: proto names, integers as digits. @throws MicroError `invalid_argument` */
  toJson(message: unknown): unknown;
  /** What is registered about it (`wire.md §1.5`). */
  readonly record?: ValueRecord;
}

/** Puts a payload and what belongs to its call into one body. @throws MicroError `invalid_argument` when it decodes */
export interface EnvelopeFormat {
  encodeRequest(method: string, id: string, payload: Uint8Array): Uint8Array;
  decodeRequest(body: Uint8Array): RequestBody;
  encodeResponse(method: string, id: string, answer: ResponseBody): Uint8Array;
  decodeResponse(body: Uint8Array): ResponseBody;
}

export interface RequestBody {
  /** `undefined` in a bare body: the header has it. */
  readonly method?: string | undefined;
  /** The id with its JSON type, to be given back as it came. */
  readonly id: string;
  readonly payload: Uint8Array;
}

export interface ResponseBody {
  /** Empty: none. */
  readonly error: string;
  readonly payload: Uint8Array;
}
