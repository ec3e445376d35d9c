import { deflateSync, inflateSync } from "node:zlib";
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Packet, type Question } from "dns-packet";
import { readEndpoint, readMetadata, writeEndpoint } from "../wire/record.ts";
import { memo } from "./memo.ts";
import type { EndpointRecord, ServiceNode, ServiceRecord } from "./registry.ts";

/** A TXT record's payload: everything about a node but its address (`wire.md §2.2`). */
export interface TxtPayload {
  readonly service: string;
  readonly version: string;
  readonly endpoints: readonly EndpointRecord[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** What may come out of a TXT record. The largest packet could hold a zlib stream that inflates to 32 MiB. */
const MAX_PAYLOAD_BYTES = 1 << 20;
const MAX_STRING_BYTES = 255;
/** Decoded TXT records that are remembered: a node's is the same each time it answers. */
const MAX_REMEMBERED = 2000;

/** A packet, or nothing when the bytes are not one: anybody on the link may send anything. */
export function decodePacket(bytes: Buffer): Packet | undefined {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}

/** `PTR` for one name: what `get` and `list` send. */
export function encodeQuery(id: number, name: string): Buffer {
  return encode({ type: "query", id, questions: [{ type: "PTR", class: "IN", name }] });
}

/** Asks whether somebody has the instance already; the records proposed stand in the authority section. */
export function encodeProbe(name: string, authorities: readonly Answer[]): Buffer {
  return encode({ type: "query", questions: [{ type: "PTR", class: "IN", name }], authorities: [...authorities] });
}

/** An unsolicited response, flags 0x8000. */
export function encodeAnnouncement(answers: readonly Answer[]): Buffer {
  return encode({ type: "response", answers: [...answers] });
}

/**
 * The answer to `query`: id 0, flags 0x8400, and the question section byte for byte, since v2.9 clients discard an answer
 * whose first question differs from theirs. (Names in it may only point back into it, so it can be moved as a whole.)
 */
export function encodeReply(query: Buffer, answers: readonly Answer[]): Buffer {
  const reply = encode({ type: "response", flags: AUTHORITATIVE_ANSWER, answers: [...answers] });
  query.copy(reply, 4, 4, 6);
  return Buffer.concat([reply.subarray(0, 12), questionSection(query), reply.subarray(12)]);
}

/** For a question with or without the "unicast please" bit, which the packet library leaves in the class. */
export function isInternet(question: Question): boolean {
  const name: string = question.class ?? "IN";
  return name === "IN" || name === "ANY" || name === `UNKNOWN_${0x8001}`;
}

/** Hex of zlib of JSON with capitalised keys, in strings of 255, the rest last (`wire.md §2.2`). */
export function encodeTxt(service: ServiceRecord, node: ServiceNode): Buffer[] {
  const json = JSON.stringify({
    Service: service.name,
    Version: service.version,
    Endpoints: service.endpoints.map(writeEndpoint),
    Metadata: node.metadata,
  });
  const hex = Buffer.from(deflateSync(json).toString("hex"));
  const strings: Buffer[] = [];
  for (let at = 0; at < hex.length; at += MAX_STRING_BYTES) strings.push(hex.subarray(at, at + MAX_STRING_BYTES));
  return strings;
}

/** The payload, or nothing when it is somebody else's TXT record (or an attempt to fill our memory). */
export function decodeTxt(strings: string | Buffer | readonly (string | Buffer)[]): TxtPayload | undefined {
  const parts = typeof strings === "string" || Buffer.isBuffer(strings) ? [strings] : strings;
  return decodeHex(parts.map((part) => part.toString("latin1")).join(""));
}

const decodeHex = memo(MAX_REMEMBERED, (hex): TxtPayload | undefined => {
  if (!/^78(?:[0-9a-f]{2})+$/i.test(hex)) return undefined;
  try {
    const json = inflateSync(Buffer.from(hex, "hex"), { maxOutputLength: MAX_PAYLOAD_BYTES }).toString();
    const { Service: service, Version: version, Endpoints: endpoints, Metadata: metadata } = JSON.parse(json);
    if (typeof service !== "string" || service === "") return undefined;
    return {
      service,
      version: typeof version === "string" ? version : "",
      endpoints: Object.freeze(Array.isArray(endpoints) ? endpoints.map(readEndpoint) : []),
      metadata: readMetadata(metadata, "metadata"),
    };
  } catch {
    return undefined;
  }
});

function questionSection(packet: Buffer): Buffer {
  let at = 12;
  for (let left = packet.readUInt16BE(4); left > 0; left -= 1) {
    let length = packet[at] ?? 0;
    while (length > 0 && length < 0xc0) {
      at += length + 1;
      length = packet[at] ?? 0;
    }
    at += (length === 0 ? 1 : 2) + 4;
  }
  return packet.subarray(12, at);
}
