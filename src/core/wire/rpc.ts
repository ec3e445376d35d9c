import type { Codec, EnvelopeFormat, RequestBody, ResponseBody } from "../codec/codec.ts";
import { MicroError } from "../errors.ts";
import type { ServiceNode } from "../registry/registry.ts";
import { readFields } from "./fields.ts";
import { members, skipBlanks, valueEnd } from "./members.ts";

/** How a payload stands in a body: bare, in one of the 2016 envelopes (`wire.md §5`), or in that of a codec plugin. */
export type Envelope = "bare" | "json-rpc" | "proto-rpc" | EnvelopeFormat;

/** What a content type means: its envelope, and the content type of the codec that reads the payload. */
export interface BodyKind {
  readonly envelope: Envelope;
  readonly payload: string;
}

const kind = (envelope: Envelope, payload: string): BodyKind => ({ envelope, payload });
const JSON_RPC = kind("json-rpc", "application/json");
const PROTO_RPC = kind("proto-rpc", "application/protobuf");

const MODERN: ReadonlyMap<string, BodyKind> = table({
  "application/json": kind("bare", "application/json"),
  "application/protobuf": kind("bare", "application/protobuf"),
  "application/octet-stream": kind("bare", "application/octet-stream"),
  "application/json-rpc": JSON_RPC,
  "application/proto-rpc": PROTO_RPC,
});
const LEGACY: ReadonlyMap<string, BodyKind> = table({
  "application/json": JSON_RPC,
  "application/json-rpc": JSON_RPC,
  "application/protobuf": PROTO_RPC,
  "application/proto-rpc": PROTO_RPC,
  "application/octet-stream": PROTO_RPC,
});

/** A content type comes from the other side, and `constructor` is a key of every object. */
function table(kinds: Readonly<Record<string, BodyKind>>): ReadonlyMap<string, BodyKind> {
  return new Map(Object.entries(kinds));
}

/** The table of `wire.md §4.3`, then what plugins bring; `undefined`: no such content type. Matched exactly. */
export function bodyKind(
  contentType: string,
  legacy: boolean,
  plugins?: ReadonlyMap<string, Codec>,
): BodyKind | undefined {
  const known = (legacy ? LEGACY : MODERN).get(contentType);
  if (known) return known;
  const plugin = plugins?.get(contentType);
  return plugin && kind(plugin.envelope ?? "bare", contentType);
}

/** What a client calls a content type towards a node without `protocol`. */
export function legacyContentType(contentType: string): string {
  if (contentType === "application/json") return "application/json-rpc";
  return contentType === "application/protobuf" ? "application/proto-rpc" : contentType;
}

/**
 * A promise of our servers, in their nodes' metadata: each answer carries the `Micro-Id` of its question, errors too, so one
 * connection may carry many calls at once. Go's servers cannot promise it (`wire.md §3.1`, §11 trap 1).
 */
export const MULTIPLEX = { multiplex: "micro-id" } as const;

/** Whether a node has given that promise. */
export function multiplexes({ metadata }: ServiceNode): boolean {
  return metadata["multiplex"] === MULTIPLEX.multiplex && metadata["protocol"] === "mucp";
}

/** The end of a stream: in the place of an error, from a side that has nothing more to say (`wire.md §3.2`). */
export const END_OF_STREAM = "EOS";

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

export function encodeRequest(envelope: Envelope, method: string, id: string, payload: Uint8Array): Uint8Array {
  if (typeof envelope === "object") return envelope.encodeRequest(method, id, payload);
  switch (envelope) {
    case "bare":
      return payload;
    case "json-rpc": {
      const params = decoder.decode(payload).trim() || "{}";
      return encoder.encode(`{"method":${JSON.stringify(method)},"params":[${params}],"id":${JSON.stringify(id)}}\n`);
    }
    case "proto-rpc":
      return blobs(protoHeader(method, BigInt(id || "0"), undefined), payload);
  }
}

/** @throws MicroError `invalid_argument` */
export function decodeRequest(envelope: Envelope, body: Uint8Array): RequestBody {
  if (typeof envelope === "object") return envelope.decodeRequest(body);
  switch (envelope) {
    case "bare":
      return { id: "", payload: body };
    case "json-rpc": {
      const found = members(decoder.decode(body));
      if (found === undefined) throw new MicroError("invalid_argument", "the body is no JSON-RPC request");
      const params = found.get("params")?.trim() ?? "[]";
      const first = params.startsWith("[") ? params.slice(1, valueEnd(params, skipBlanks(params, 1))) : params;
      return {
        method: unquoted(found.get("method")),
        id: found.get("id")?.trim() ?? "null",
        payload: encoder.encode(first.trim() || "{}"),
      };
    }
    case "proto-rpc": {
      const [header, payload] = twoBlobs(body);
      const { method, seq } = readProtoHeader(header);
      return { method, id: String(seq), payload };
    }
  }
}

/** @param id as `decodeRequest` gave it: a JSON text, or the number of a proto-rpc call */
export function encodeResponse(
  envelope: Envelope,
  method: string,
  id: string,
  { payload, error }: ResponseBody,
): Uint8Array {
  if (typeof envelope === "object") return envelope.encodeResponse(method, id, { payload, error });
  switch (envelope) {
    case "bare":
      return error === "" ? payload : NOTHING;
    case "json-rpc": {
      const result = error === "" ? decoder.decode(payload).trim() || "{}" : "{}";
      return encoder.encode(
        `{"id":${id || "null"},"result":${result},"error":${error === "" ? "null" : JSON.stringify(error)}}\n`,
      );
    }
    case "proto-rpc":
      return blobs(protoHeader(method, BigInt(id || "0"), error), error === "" ? payload : NOTHING);
  }
}

/** @throws MicroError `invalid_argument` */
export function decodeResponse(envelope: Envelope, body: Uint8Array): ResponseBody {
  if (typeof envelope === "object") return envelope.decodeResponse(body);
  switch (envelope) {
    case "bare":
      return { error: "", payload: body };
    case "json-rpc": {
      const found = members(decoder.decode(body));
      if (found === undefined) throw new MicroError("invalid_argument", "the answer is no JSON-RPC response");
      const error = found.get("error")?.trim() ?? "null";
      const text = error === "null" ? "" : (unquoted(error) ?? error);
      return { error: text, payload: encoder.encode(found.get("result")?.trim() ?? "{}") };
    }
    case "proto-rpc": {
      const [header, payload] = twoBlobs(body);
      return { error: readProtoHeader(header).error, payload };
    }
  }
}

function unquoted(text: string | undefined): string | undefined {
  if (!text?.startsWith('"')) return undefined;
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}

/** Two blobs, each behind its length as four big-endian bytes (`wire.md §5.4`). */
function blobs(first: Uint8Array, second: Uint8Array): Uint8Array {
  const out = Buffer.alloc(8 + first.length + second.length);
  out.writeUInt32BE(first.length, 0);
  out.set(first, 4);
  out.writeUInt32BE(second.length, 4 + first.length);
  out.set(second, 8 + first.length);
  return out;
}

function twoBlobs(body: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const blob = (at: number): Uint8Array => {
    if (at + 4 > body.length || at + 4 + view.getUint32(at) > body.length) {
      throw new MicroError("invalid_argument", "the body is no proto-rpc message: it ends too early");
    }
    return body.subarray(at + 4, at + 4 + view.getUint32(at));
  };
  const first = blob(0);
  return [first, blob(4 + first.length)];
}

/** `1: string method, 2: fixed64 seq, 3: string error`; every field is written, as Go up to v2.3 does. */
function protoHeader(method: string, seq: bigint, error: string | undefined): Uint8Array {
  const name = Buffer.from(method, "utf8");
  const seqBytes = Buffer.alloc(9);
  seqBytes[0] = 0x11;
  seqBytes.writeBigUInt64LE(BigInt.asUintN(64, seq), 1);
  const parts = [Buffer.of(0x0a), varint(name.length), name, seqBytes];
  if (error !== undefined) {
    const text = Buffer.from(error, "utf8");
    parts.push(Buffer.of(0x1a), varint(text.length), text);
  }
  return Buffer.concat(parts);
}

/** Fields that it does not know are passed over, as by Go. @throws MicroError `invalid_argument` */
function readProtoHeader(bytes: Uint8Array): { method: string; seq: bigint; error: string } {
  const header = { method: "", seq: 0n, error: "" };
  for (const { number, wire, bytes: content } of readFields(bytes)) {
    if (number === 2 && wire === 1) header.seq = content.readBigUInt64LE(0);
    else if (number === 1 && wire === 2) header.method = content.toString("utf8");
    else if (number === 3 && wire === 2) header.error = content.toString("utf8");
  }
  return header;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
