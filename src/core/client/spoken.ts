import type { Codec } from "../codec/codec.ts";
import { jsonCodec, RawJson } from "../codec/json.ts";
import { MicroError } from "../errors.ts";
import type { Frame } from "../transport/transport.ts";
import { fromRecord, parseErrorText } from "../wire/error.ts";
import { decodeResponse, type Envelope } from "../wire/rpc.ts";
import type { RequestOptions } from "./client.ts";
import { failure } from "./failure.ts";

/** How one call is written and its answer read. */
export interface Spoken {
  readonly envelope: Envelope;
  readonly contentType: string;
  /** What stands on the wire: another name towards a node of 2016. */
  readonly wireType: string;
  /** The codec of what comes back. */
  readonly answers: Codec;
  encode(message: unknown): Uint8Array;
}

/** Protobuf where the endpoint's messages are known, as Go has it, else JSON. */
export function usualContentType({ contentType, messages }: RequestOptions): string {
  return contentType ?? (messages ? "application/protobuf" : jsonCodec.contentType);
}

/**
 * The value in an answer; `END_OF_STREAM` is thrown as any other error is.
 * @throws MicroError what the service answered, or `internal` for an answer that cannot be read
 */
export function readAnswer(
  { header, body }: Frame,
  { envelope, answers }: Pick<Spoken, "envelope" | "answers">,
  raw: boolean | undefined,
): unknown {
  const error = header["micro-error"] || header["x-micro-error"];
  if (error) throw fromRecord(parseErrorText(error));
  let inside: string;
  try {
    const answer = decodeResponse(envelope, body);
    inside = answer.error;
    if (inside === "") return raw ? new RawJson(rawText(answer.payload, answers)) : answers.decode(answer.payload);
  } catch (thrown) {
    const { message } = MicroError.from(thrown);
    throw failure("internal", "go.micro.client.codec", 500, message, { cause: thrown });
  }
  throw fromRecord(parseErrorText(inside));
}

export function rawText(payload: Uint8Array, codec: Codec): string {
  if (codec.contentType === jsonCodec.contentType) return new TextDecoder().decode(payload).trim();
  return new TextDecoder().decode(jsonCodec.encode(codec.decode(payload))).trim();
}
