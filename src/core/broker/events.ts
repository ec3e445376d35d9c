import { randomUUID } from "node:crypto";
import { addMetadata } from "../client/metadata.ts";
import { bytesCodec } from "../codec/bytes.ts";
import type { Codec } from "../codec/codec.ts";
import { jsonCodec } from "../codec/json.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import type { Broker, BrokerEvent } from "./broker.ts";

export interface PublishEventOptions extends CallOptions {
  /** @default JSON */
  readonly codec?: Codec;
  /** What the event says of itself. @default the codec's */
  readonly contentType?: string;
  /** Goes along; names that belong to one message only are left out (`wire.md §4.5`). */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Publishes a value, as a Go service does (`wire.md §8.0`): with its content type, topic and an id of its own.
 *
 * @throws MicroError as `publish` does, and `invalid_argument` for a value that the codec cannot write
 */
export async function publishEvent(
  broker: Broker,
  topic: string,
  value: unknown,
  options: PublishEventOptions = {},
): Promise<void> {
  const { codec = jsonCodec, contentType = codec.contentType, metadata = {}, ...callOptions } = options;
  const header: Record<string, string> = {};
  addMetadata(header, metadata);
  header["content-type"] = contentType;
  header["micro-topic"] = topic;
  header["micro-id"] = randomUUID();
  await broker.publish(topic, { header, body: codec.encode(value) }, callOptions);
}

/** An event never stands in an envelope of RPC, so these say what others do (`wire.md §5.6`). */
const SAME: ReadonlyMap<string, string> = new Map([
  ["application/json-rpc", "application/json"],
  ["application/proto-rpc", "application/protobuf"],
]);

/**
 * The value of an event. An event that does not say what it is counts as protobuf (`wire.md §8.0`).
 *
 * @param codecs beside JSON and bytes
 * @throws MicroError `invalid_argument`
 */
export function readEvent(event: BrokerEvent, codecs: Iterable<Codec> = []): unknown {
  const said = event.header["content-type"] || "application/protobuf";
  const wanted = [said, SAME.get(said)];
  for (const codec of [...codecs, jsonCodec, bytesCodec]) {
    if (wanted.includes(codec.contentType)) return codec.decode(event.body);
  }
  throw new MicroError("invalid_argument", `an event of ${event.topic} is ${said}, for which there is no codec here`);
}
