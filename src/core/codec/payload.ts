import type { Codec, MessageCodec } from "./codec.ts";
import { jsonCodec, RawJson } from "./json.ts";

/**
 * The codec that reads one message of an endpoint: JSON and protobuf are the endpoint's own where it has described its
 * messages, anything else is known by its content type. `undefined`: it cannot be read here.
 */
export function payloadCodec(
  contentType: string,
  codecs: ReadonlyMap<string, Codec>,
  message: MessageCodec | undefined,
): Codec | undefined {
  if (message === undefined) return codecs.get(contentType);
  if (contentType === "application/protobuf") return message;
  return contentType === "application/json" ? jsonOf(message) : codecs.get(contentType);
}

const JSON_OF = new WeakMap<MessageCodec, Codec>();

/** A message in JSON. What is JSON text already travels as it is. */
function jsonOf(message: MessageCodec): Codec {
  let codec = JSON_OF.get(message);
  if (codec === undefined) {
    codec = {
      contentType: jsonCodec.contentType,
      encode: (value) => jsonCodec.encode(value instanceof RawJson ? value : message.toJson(value)),
      decode: (bytes) => message.fromJson(jsonCodec.decode(bytes)),
    };
    JSON_OF.set(message, codec);
  }
  return codec;
}
