import { Readable } from "node:stream";
import { deflateSync, gzipSync } from "node:zlib";
import { encode as encodeDns } from "dns-packet";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bsonCodec } from "../../src/core/codec/bson.ts";
import type { Codec, EnvelopeFormat } from "../../src/core/codec/codec.ts";
import { jsonCodec } from "../../src/core/codec/json.ts";
import { jsonrpc2Codec } from "../../src/core/codec/jsonrpc2.ts";
import { msgpackCodec } from "../../src/core/codec/msgpack.ts";
import { parseProto } from "../../src/core/codec/proto.ts";
import { readDuration } from "../../src/core/duration.ts";
import { MicroError } from "../../src/core/errors.ts";
import { readCatalogue } from "../../src/core/registry/consul-catalogue.ts";
import { decodeHealth } from "../../src/core/registry/consul-health.ts";
import { decodeTags, encodeTags } from "../../src/core/registry/consul-tags.ts";
import { compressLzw, decompressLzw } from "../../src/core/registry/gossip-lzw.ts";
import { decodeFlat, encodeFlat } from "../../src/core/registry/gossip-msgpack.ts";
import { decodePacket as decodeGossip, encodePackets, TYPE, typed } from "../../src/core/registry/gossip-packet.ts";
import { decodeStream, encodeStream } from "../../src/core/registry/gossip-state.ts";
import { decodeUpdate, encodeUpdate } from "../../src/core/registry/gossip-update.ts";
import { lines, readEvent, readPage } from "../../src/core/registry/kubernetes-pods.ts";
import { decodePacket as decodeMdns, decodeTxt, encodeReply, encodeTxt } from "../../src/core/registry/mdns-packet.ts";
import { answers, heardNames, heardNodes, nodeZone } from "../../src/core/registry/mdns-zone.ts";
import { createFrameReader } from "../../src/core/transport/http-framing.ts";
import { decodeEnvelope, encodeEnvelope } from "../../src/core/wire/envelope.ts";
import { parseErrorText } from "../../src/core/wire/error.ts";
import { readFields } from "../../src/core/wire/fields.ts";
import { endpointOfPath, readKind, readTimeout } from "../../src/core/wire/grpc.ts";
import { decodeFrame, encodeFrame } from "../../src/core/wire/grpc-frame.ts";
import { MessageReader, writeMessage } from "../../src/core/wire/grpc-messages.ts";
import { readMetadata } from "../../src/core/wire/grpc-metadata.ts";
import { decodeMessage, readStatus } from "../../src/core/wire/grpc-status.ts";
import { readResult, readService, splitAddress, writeResult, writeService } from "../../src/core/wire/record.ts";
import {
  decodeRequest,
  decodeResponse,
  type Envelope,
  encodeRequest,
  encodeResponse,
} from "../../src/core/wire/rpc.ts";
import { rich } from "../contract/registry.contract.ts";

/*
 * Everything that reads what strangers send, fed with what nobody should: each input gives a value or a MicroError, soon, and
 * nothing else. Samples are changed in a few bytes, cut and joined, so that the fuzz gets behind the first check.
 */

const SEED = 20_261_121;
const RUNS = 100;
/** Of the processor, far beyond what any input of some hundred bytes may take; a busy machine does not count. */
const SLOW_MS = 1000;

/** Whoever reads bytes; what it gives does not matter. */
type Decode = (bytes: Buffer) => unknown;
interface Decoder {
  readonly decode: Decode;
  /** Good input to start from. */
  readonly samples: readonly Uint8Array[];
}

const utf8 = (text: string) => Buffer.from(text, "utf8");
const json = (value: unknown) => utf8(JSON.stringify(value));
const service = rich("go.micro.srv.greeter", "1.0.0");
const node = service.nodes[0] ?? { id: "x-1", address: "127.0.0.1:1", metadata: {} };
const record = writeService(service);
const payload = utf8('{"name":"John","n":[1,2.5,true,null,{"deep":["x"]}],"id":9223372036854775807}\n');

const proto = parseProto(`syntax = "proto3";
  enum Mood { GOOD = 0; BAD = 1; }
  message Inner { Inner inner = 1; map<string, int64> counts = 2; oneof one { string a = 3; bytes b = 4; } }
  message All { string name = 1; int64 id = 2; sint32 s = 3; fixed64 f = 4; double d = 5; bool on = 6; bytes raw = 7;
    repeated int32 packed = 8; repeated string tags = 9; Mood mood = 10; Inner inner = 11; map<string, Inner> inners = 12; }`);
const all = proto.message("All");
const message = {
  ...{ name: "John", id: 2n ** 62n, s: -5, f: 7n, d: 1.5, on: true, raw: utf8("bytes"), packed: [1, 2, 300] },
  ...{ tags: ["a", "b"], mood: 1, inner: { inner: { a: "x" }, counts: { a: 1n } }, inners: { k: { b: utf8("y") } } },
};

const sink = { ip: "127.0.0.1", port: 9090, host: "vmhost", domain: "micro" };
const zone = nodeZone(service, node, sink);
const question = { type: "PTR", name: "go.micro.srv.greeter.micro" } as const;
const query = encodeDns({ type: "query", id: 1, questions: [question] });

const envelopes: Readonly<Record<string, Envelope>> = {
  "json-rpc": "json-rpc",
  "proto-rpc": "proto-rpc",
  bson: bsonCodec().envelope as Envelope,
  msgpack: msgpackCodec().envelope as Envelope,
  jsonrpc2: jsonrpc2Codec().envelope as Envelope,
};
const codecs: Readonly<Record<string, Codec>> = {
  json: jsonCodec,
  bson: bsonCodec(),
  msgpack: msgpackCodec(),
  protobuf: all,
};
const values: Readonly<Record<string, unknown>> = { protobuf: message };
const goodValue = (name: string) =>
  values[name] ?? { name: "John", n: [1, 2.5, true, null, { deep: ["x"] }], big: 2n ** 60n };

const alive = typed(TYPE.alive, {
  Incarnation: 1,
  Node: "a",
  Addr: Buffer.of(127, 0, 0, 1),
  Port: 7,
  Vsn: Buffer.alloc(6),
});
const update = encodeUpdate({ expires: 5n, action: "create", service });
const state = encodeStream({ type: "pushPull", join: true, members: [], state: json({ foo: [record] }) });
const pods = {
  metadata: { resourceVersion: "7", continue: "x" },
  items: [{ metadata: { name: "p", annotations: { a: "b" } }, status: { phase: "Running" } }],
};
const health = [
  {
    Node: { Node: "n", Address: "10.0.0.1" },
    Service: { ID: node.id, Service: service.name, Tags: encodeTags(service, node), Address: "", Port: 9090 },
    Checks: [{ Node: "n", CheckID: "c", Status: "passing" }],
  },
];

/** JSON that is read the way strangers' JSON is: first parsed, which is not what is tested here. */
const ofJson =
  (read: (value: unknown) => unknown): Decode =>
  (bytes) => {
    let value: unknown;
    try {
      value = JSON.parse(bytes.toString("utf8"));
    } catch {
      return undefined;
    }
    return read(value);
  };
const drain = async (items: AsyncIterable<unknown>) => {
  for await (const _ of items);
};
/** In pieces, so that what is between them is tested too. */
const chunks = (bytes: Buffer) => Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]) as AsyncIterable<Buffer>;

const decoders: Readonly<Record<string, Decoder>> = {
  "http framing": {
    decode: (bytes) => {
      const reader = createFrameReader();
      return [...reader.push(bytes.subarray(0, 9)), ...reader.push(bytes.subarray(9))];
    },
    samples: [
      utf8("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
      utf8("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMicro-Error: ü\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n"),
    ],
  },
  "the envelope of brokers and NATS": {
    decode: (bytes) => decodeEnvelope(bytes, (name) => name.toLowerCase()),
    samples: [encodeEnvelope({ "Content-Type": "application/json", ":topic": "ü" }, payload), utf8('{"Body":"YQ=="}')],
  },
  "consul's tags": {
    decode: (bytes) => decodeTags(bytes.toString("latin1").split(",")),
    samples: [utf8(encodeTags(service, node).join(",")), utf8('t={"a":"b"},v=1,e={"name":"x"}')],
  },
  "consul's answers": { decode: (bytes) => decodeHealth(service.name, bytes), samples: [json(health)] },
  "consul's catalogue": {
    decode: (bytes) => readCatalogue(bytes),
    samples: [json({ consul: [], foo: ["v-1", 'a"b'] }), utf8('{ "a\\u0041" : [ "b" , "c" ] }')],
  },
  "mdns packets": {
    decode: (bytes) => {
      const packet = decodeMdns(bytes);
      if (packet === undefined) return undefined;
      for (const asked of packet.questions ?? []) encodeReply(bytes, answers(zone, asked));
      return [heardNames(packet, "micro"), heardNodes(packet, "micro")];
    },
    samples: [query, encodeReply(query, answers(zone, question))],
  },
  "mdns TXT": { decode: (bytes) => decodeTxt(bytes), samples: [Buffer.concat(encodeTxt(service, node))] },
  "error records": {
    decode: (bytes) => parseErrorText(bytes.toString("utf8")),
    samples: [utf8('{"id":"x","code":404,"detail":"no","status":"Not Found"}'), utf8("EOS")],
  },
  "service records": { decode: ofJson(readService), samples: [json(record)] },
  "registry results": {
    decode: ofJson(readResult),
    samples: [json(writeResult({ action: "create", service })), utf8('{"action":"delete","service":{"name":"a"}}')],
  },
  addresses: { decode: (bytes) => splitAddress(bytes.toString("utf8")), samples: [utf8("[fd00::2]:80"), utf8("a:1")] },
  durations: { decode: (bytes) => readDuration(bytes.toString("utf8")), samples: [utf8("1m30.5s")] },
  "protobuf fields": { decode: (bytes) => readFields(bytes), samples: [all.encode(message)] },
  "the gRPC transport's frames": {
    decode: (bytes) => decodeFrame(bytes),
    samples: [encodeFrame({ header: { "micro-id": "7", a: "ü" }, body: payload })],
  },
  "gRPC messages": {
    decode: (bytes) => {
      const reader = new MessageReader(1 << 16);
      reader.encoding = "gzip";
      reader.push(bytes.subarray(0, 3));
      reader.push(bytes.subarray(3));
      for (let left = 100; left > 0 && reader.next() !== undefined; left--);
      return reader.ready;
    },
    samples: [
      Buffer.concat([writeMessage(payload), writeMessage(Buffer.alloc(0))]),
      Buffer.concat([Buffer.of(1, 0, 0, 0, gzipSync(payload).length), gzipSync(payload)]),
    ],
  },
  "gRPC headers": {
    decode: (bytes) => {
      const text = bytes.toString("latin1");
      const [one = "", two = ""] = text.split(",");
      readMetadata({ [one]: two, "a-bin": text });
      readStatus({ "grpc-status": one, "grpc-message": two });
      readStatus({ "grpc-status": "13", "grpc-status-details-bin": bytes.toString("base64") });
      return [decodeMessage(text), readKind(text), readTimeout(text), endpointOfPath(text)];
    },
    samples: [utf8("5,%7B%22id%22:1}"), utf8("/go.micro.srv.greeter.Greeter/Hello"), utf8("99999999H")],
  },
  "gossip packets": {
    decode: (bytes) => decodeGossip(bytes),
    samples: [alive, ...encodePackets([alive, alive, Buffer.concat([Buffer.of(TYPE.user), update])])],
  },
  "gossip streams": { decode: (bytes) => decodeStream(bytes), samples: [state] },
  "gossip updates": { decode: (bytes) => decodeUpdate(bytes), samples: [update] },
  "gossip's msgpack": {
    decode: (bytes) => decodeFlat(bytes),
    samples: [encodeFlat({ A: 1, B: "x", C: true, D: null })],
  },
  "gossip's LZW": { decode: (bytes) => decompressLzw(bytes, 1 << 16), samples: [compressLzw(json(record))] },
  "kubernetes' answers": {
    decode: ofJson((value) => [readPage(value, "kubernetes"), readEvent(value, "kubernetes")]),
    samples: [json(pods)],
  },
  "kubernetes' events": {
    decode: ofJson((value) => readEvent(value, "kubernetes")),
    samples: [json({ type: "MODIFIED", object: pods.items[0] }), json({ type: "ERROR", object: { code: 410 } })],
  },
  "kubernetes' watch": { decode: (bytes) => drain(lines(chunks(bytes), "kubernetes")), samples: [utf8("{}\n{}\n")] },
  ...Object.fromEntries(
    Object.entries(codecs).map(([name, codec]): [string, Decoder] => [
      `${name} values`,
      { decode: (bytes) => codec.decode(bytes), samples: [codec.encode(goodValue(name))] },
    ]),
  ),
  "protobuf messages in JSON": {
    decode: ofJson((value) => all.fromJson(value)),
    samples: [jsonCodec.encode(all.toJson(message))],
  },
  ...Object.fromEntries(
    Object.entries(envelopes).flatMap(([name, envelope]): [string, Decoder][] => {
      const body = (codecs[name] ?? jsonCodec).encode(goodValue(name));
      const answer = encodeResponse(envelope, "A.B", "7", { error: "", payload: body });
      const failure = encodeResponse(envelope, "A.B", "7", { error: "boom", payload: new Uint8Array(0) });
      return [
        [
          `${name} requests`,
          { decode: (bytes) => decodeRequest(envelope, bytes), samples: [encodeRequest(envelope, "A.B", "7", body)] },
        ],
        [`${name} answers`, { decode: (bytes) => decodeResponse(envelope, bytes), samples: [answer, failure] }],
      ];
    }),
  ),
};

/** A value or a MicroError, within a time that no small input should need. */
async function survives(decode: Decode, bytes: Buffer, limitMs = SLOW_MS): Promise<void> {
  const began = process.cpuUsage();
  try {
    await decode(bytes);
  } catch (error) {
    if (!(error instanceof MicroError)) throw error;
  }
  const { user, system } = process.cpuUsage(began);
  expect((user + system) / 1000).toBeLessThan(limitMs);
}

/** JSON with names and values that trip up careless readers. */
const trickyJson = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>(null, 0, -1, 1e300, 70_000, "", "x", true, [], {}, [null], { toString: 1, valueOf: 1 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("toString", "__proto__", "constructor", "name", "length", "metadata"), tie("value")),
  ),
})).value;

/** Somewhere in a good value, a tricky one instead. */
function replaced(value: unknown, path: readonly number[], by: unknown): unknown {
  if (path.length === 0 || typeof value !== "object" || value === null) return by;
  const keys = Object.keys(value);
  const key = keys[(path[0] as number) % Math.max(1, keys.length)];
  if (key === undefined) return by;
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  copy[key] = replaced(copy[key], path.slice(1), by);
  return copy;
}

function changed(samples: readonly Uint8Array[]): fc.Arbitrary<Buffer> {
  return fc
    .record({
      sample: fc.nat(samples.length - 1),
      cut: fc.double({ min: 0, max: 1.2, noNaN: true }),
      bytes: fc.array(fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(0, 0x22, 0x5c, 0x7b, 0x80, 0xff), fc.nat(255))), {
        maxLength: 4,
      }),
      tail: fc.uint8Array({ maxLength: 6 }),
    })
    .map(({ sample, cut, bytes, tail }) => {
      const good = samples[sample] as Uint8Array;
      const copy = Buffer.concat([good.subarray(0, Math.ceil(cut * good.length)), tail]);
      for (const [at, byte] of bytes) if (copy.length > 0) copy[at % copy.length] = byte;
      return copy;
    });
}

describe(`every decoder (seed ${SEED})`, () => {
  it.each(Object.keys(decoders))("%s: a value or a MicroError", async (name) => {
    const { decode, samples } = decoders[name] as Decoder;
    for (const sample of samples) await expect((async () => decode(Buffer.from(sample)))()).resolves.not.toThrow();
    for (const sample of samples) {
      const step = Math.ceil(sample.length / 80);
      for (let end = 0; end < sample.length; end += step) await survives(decode, Buffer.from(sample.subarray(0, end)));
    }
    const inputs = [fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)), changed(samples)];
    for (const input of inputs) {
      await fc.assert(
        fc.asyncProperty(input, (bytes) => survives(decode, bytes)),
        { seed: SEED, numRuns: RUNS },
      );
    }
  });

  const ofText = Object.keys(decoders).filter((name) =>
    (decoders[name] as Decoder).samples.some((sample) => sample[0] === 0x7b || sample[0] === 0x5b),
  );
  it.each(ofText)("%s: JSON of the right kind with something odd in it", async (name) => {
    const { decode, samples } = decoders[name] as Decoder;
    const good = samples.flatMap((sample) => {
      try {
        return [JSON.parse(Buffer.from(sample).toString("utf8")) as unknown];
      } catch {
        return [];
      }
    });
    const odd = fc
      .tuple(fc.nat(100), fc.array(fc.nat(20), { maxLength: 5 }), trickyJson)
      .map(([at, path, by]) => json(replaced(good[at % good.length], path, by)));
    await fc.assert(
      fc.asyncProperty(good.length > 0 ? odd : trickyJson.map(json), (bytes) => survives(decode, bytes)),
      { seed: SEED, numRuns: RUNS },
    );
  });
});

/** Bytes that say that `length` more follow. */
const lying = (...head: number[]) => Buffer.from(head);
const BOMB = 50 << 20;
const bombHex = deflateSync(Buffer.alloc(BOMB, "x")).toString("hex");
const deepJson = utf8(`${"[".repeat(50_000)}${"]".repeat(50_000)}`);
const deepObject = utf8(`${'{"name":"x","values":['.repeat(10_000)}1${"]}".repeat(10_000)}`);
const invalidUtf8 = Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0xc0, 0x80, 0x22, 0x3a, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x7d]);

/** Runs it, and says how much memory the process took for it at its end. */
async function grown(run: () => unknown): Promise<number> {
  const before = process.memoryUsage().rss;
  await run();
  return process.memoryUsage().rss - before;
}

describe("what is hostile on purpose", () => {
  it.each(Object.keys(decoders))("%s: deep JSON, invalid UTF-8, nothing but one byte", async (name) => {
    const { decode } = decoders[name] as Decoder;
    const repeated = [0x00, 0x08, 0x0b, 0x22, 0x5c, 0x80, 0x81, 0x91, 0xff].map((byte) => Buffer.alloc(5000, byte));
    for (const bytes of [deepJson, deepObject, invalidUtf8, ...repeated]) await survives(decode, bytes, 5 * SLOW_MS);
  });

  it("JSON within JSON's envelopes, and a long number in it, is refused or read at any depth", async () => {
    const long = utf8(`{"n":12345678901234567890,"d":${deepJson.toString()}}`);
    await survives((bytes) => jsonCodec.decode(bytes), long, 5 * SLOW_MS);
    for (const envelope of ["json-rpc", envelopes["jsonrpc2"] as Envelope] as const) {
      const asked = utf8(`{"method":"A.B","params":${deepJson.toString()},"id":1}`);
      await survives((bytes) => decodeRequest(envelope, bytes), asked, 5 * SLOW_MS);
      await survives(
        (bytes) => decodeResponse(envelope, bytes),
        utf8(`{"result":${deepJson.toString()}}`),
        5 * SLOW_MS,
      );
    }
    let list: unknown = 1;
    let inner: unknown = {};
    for (let depth = 0; depth < 100_000; depth++) [list, inner] = [[list], { inner }];
    // Newer engines write JSON of any depth; what cannot be written is a MicroError, never a RangeError.
    for (const codec of Object.values(codecs))
      await survives(() => codec.encode({ list, inner }), utf8(""), 5 * SLOW_MS);
  });

  it("names in envelopes that are no text, or cannot be one, are no crash", async () => {
    const odd = { toString: 1, valueOf: 1 };
    const { bson, msgpack, jsonrpc2 } = envelopes as Readonly<Record<string, EnvelopeFormat>>;
    const header = bsonCodec().encode({ ServiceMethod: odd, Seq: [odd], Error: odd });
    expect(bson?.decodeRequest(header)).toMatchObject({ method: "", id: "" });
    expect(bson?.decodeResponse(header)).toMatchObject({ error: "" });
    expect(msgpack?.decodeRequest(msgpackCodec().encode([0, odd, odd, [{}]]))).toMatchObject({ method: "", id: "" });
    expect(msgpack?.decodeResponse(msgpackCodec().encode([1, 7, odd, {}])).error).not.toBe("");
    for (const body of ['{"\\x":1}', '{"a\u0000":1}', '{"\\u12":1}'].map(utf8)) {
      expect(() => decodeRequest("json-rpc", body)).toThrow(MicroError);
      expect(() => decodeResponse("json-rpc", body)).toThrow(MicroError);
      expect(() => jsonrpc2?.decodeRequest(body)).toThrow(MicroError);
    }
  });

  it("zlib and gzip bombs are given up at their bound", async () => {
    const tags = [`t-${bombHex}`, `e-${bombHex}`, `v-${bombHex}`];
    const txt = Buffer.from(bombHex);
    const bomb = gzipSync(Buffer.alloc(BOMB));
    const head = Buffer.of(1, 0, 0, 0, 0);
    head.writeUInt32BE(bomb.length, 1);
    const began = performance.now();
    const bytes = await grown(() => {
      expect(decodeTags(tags)).toEqual({ version: "", metadata: {}, endpoints: [] });
      expect(decodeTxt(txt)).toBeUndefined();
      const reader = new MessageReader(4 << 20);
      reader.encoding = "gzip";
      reader.push(Buffer.concat([head, bomb]));
      expect(() => reader.next()).toThrow(expect.objectContaining({ code: "exhausted" }));
    });
    expect(bytes).toBeLessThan(BOMB);
    expect(performance.now() - began).toBeLessThan(5 * SLOW_MS);
  });

  it("gossip that grows without end when unpacked is given up at its bound", async () => {
    const packed = typed(TYPE.compress, { Algo: 0, Buf: compressLzw(Buffer.alloc(4 << 20)) });
    for (const decode of [decodeGossip, decodeStream]) await survives(decode, packed, 5 * SLOW_MS);
    expect(() => decodeGossip(packed)).toThrow(MicroError);
    // Compound in compound, 255 times 255 times.
    let nested: Buffer = typed(TYPE.ping, { SeqNo: 1, Node: "a" });
    for (let level = 0; level < 3; level++) {
      const count = Math.min(255, Math.floor(60_000 / nested.length));
      const sizes = Buffer.alloc(2 * count);
      for (let n = 0; n < count; n++) sizes.writeUInt16BE(nested.length, 2 * n);
      nested = Buffer.concat([Buffer.of(TYPE.compound, count), sizes, ...Array<Buffer>(count).fill(nested)]);
    }
    await survives(decodeGossip, nested);
  });

  it("100 MB of headers are given up after the first of them", () => {
    const reader = createFrameReader();
    const line = utf8(`X-Header: ${"x".repeat(65_000)}\r\n`);
    reader.push(utf8("POST / HTTP/1.1\r\n"));
    let pushed = 0;
    const push = () => {
      for (; pushed < 100 << 20; pushed += line.length) reader.push(line);
    };
    expect(push).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    expect(pushed).toBeLessThan(2 << 20);
  });

  it("lengths that lie cost no memory", async () => {
    const bytes = await grown(async () => {
      for (let run = 0; run < 20; run++) {
        await survives(
          (b) => createFrameReader().push(b),
          utf8("POST / HTTP/1.1\r\nContent-Length: 60000000\r\n\r\nx"),
        );
        await survives(
          (b) => createFrameReader().push(b),
          utf8("P / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3ffffff\r\nx"),
        );
        await survives((b) => decodeRequest("proto-rpc", b), lying(0xff, 0xff, 0xff, 0xff, 1));
        await survives(
          (b) => decodeRequest("proto-rpc", b),
          lying(0, 0, 0, 6, 0x0a, 0xff, 0xff, 0xff, 0x7f, 1, 0, 0, 0, 0),
        );
        await survives((b) => decodeRequest(envelopes["bson"] as Envelope, b), lying(0xff, 0xff, 0xff, 0x7f, 0, 0));
        await survives((b) => msgpackCodec().decode(b), lying(0xdd, 0xff, 0xff, 0xff, 0xff));
        await survives((b) => msgpackCodec().decode(b), lying(0xdf, 0xff, 0xff, 0xff, 0xff));
        await survives((b) => msgpackCodec().decode(b), lying(0xc6, 0xff, 0xff, 0xff, 0xff));
        await survives((b) => all.decode(b), lying(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f));
        await survives((b) => all.decode(b), lying(0x42, 0xff, 0xff, 0xff, 0x7f, 1));
        await survives((b) => readFields(b), lying(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f));
        await survives(decodeGossip, lying(TYPE.compound, 255, 0xff, 0xff));
        await survives(decodeStream, lying(TYPE.encrypt, 0xff, 0xff, 0xff, 0xff, 1));
        const reader = new MessageReader(4 << 20);
        reader.push(lying(0, 0, 0x3f, 0xff, 0xff, 1));
        expect(reader.next()).toBeUndefined();
      }
    });
    expect(bytes).toBeLessThan(100 << 20);
  });

  it("protobuf that is cut in a number, or has a wrong type, is a MicroError; unknown fields are passed over", () => {
    for (const cut of [
      "08",
      "10",
      "10ff",
      "10ffffffffffffffffffff",
      "0a",
      "0aff",
      "21010203",
      "2901",
      "4205ffffffffff",
    ]) {
      expect(() => all.decode(Buffer.from(cut, "hex")), cut).toThrow(MicroError);
    }
    const known = all.encode({ name: "John" });
    // Fields 100 to 103, of each wire type.
    const unknown = Buffer.from("a00601a9060102030405060708b2060161bd0601020304", "hex");
    expect(all.decode(Buffer.concat([unknown, known, unknown]))).toEqual(all.decode(known));
    expect(readFields(unknown).map(({ number }) => number)).toEqual([100, 101, 102, 103]);
    const asked = encodeRequest("proto-rpc", "A.B", "7", known);
    const header = asked.subarray(4, 4 + Buffer.from(asked).readUInt32BE(0));
    const longer = Buffer.concat([Buffer.alloc(4), unknown, header, unknown, asked.subarray(4 + header.length)]);
    longer.writeUInt32BE(2 * unknown.length + header.length);
    expect(decodeRequest("proto-rpc", longer)).toMatchObject({ method: "A.B", id: "7" });
  });

  it("deep protobuf is a MicroError", () => {
    const heads: Buffer[] = [];
    for (let level = 20_000, length = 0; level > 0; level--) {
      const head = [level === 1 ? 0x5a : 0x0a];
      let rest = length;
      for (; rest > 0x7f; rest = Math.floor(rest / 128)) head.push((rest & 0x7f) | 0x80);
      heads.push(Buffer.from([...head, rest]));
      length += head.length + 1;
    }
    const deep = Buffer.concat(heads.reverse());
    expect(() => all.decode(deep)).toThrow(MicroError);
  });
});
