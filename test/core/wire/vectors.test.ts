import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { inflateSync } from "node:zlib";
import { decode as decodeDns } from "dns-packet";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { BrokerEvent } from "../../../src/core/broker/broker.ts";
import { type HttpBrokerInit, httpBroker } from "../../../src/core/broker/http.ts";
import type { Client } from "../../../src/core/client/client.ts";
import { rpcClient } from "../../../src/core/client/rpc.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { bsonCodec } from "../../../src/core/codec/bson.ts";
import type { EnvelopeFormat } from "../../../src/core/codec/codec.ts";
import { parseProto } from "../../../src/core/codec/proto.ts";
import { decodeHealth } from "../../../src/core/registry/consul-health.ts";
import { decodeTags, encodeTags } from "../../../src/core/registry/consul-tags.ts";
import { decodeUpdate, encodeUpdate } from "../../../src/core/registry/gossip-update.ts";
import {
  decodePacket,
  decodeTxt,
  encodeQuery,
  encodeReply,
  encodeTxt,
} from "../../../src/core/registry/mdns-packet.ts";
import { answers, heardNames, heardNodes, markerZone, nodeZone } from "../../../src/core/registry/mdns-zone.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { Registry } from "../../../src/core/registry/registry.ts";
import { staticSelector } from "../../../src/core/selector/static.ts";
import { createService, defineEndpoint, type Service } from "../../../src/core/service.ts";
import { httpTransport } from "../../../src/core/transport/http.ts";
import { decodeEnvelope, encodeEnvelope } from "../../../src/core/wire/envelope.ts";
import { MessageReader, writeMessage } from "../../../src/core/wire/grpc-messages.ts";
import { readService, writeService } from "../../../src/core/wire/record.ts";
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "../../../src/core/wire/rpc.ts";
import { eventually, message, textOf } from "../../contract/broker.contract.ts";
import { record } from "../../contract/registry.contract.ts";
import tagData from "../../data/consul-tags.json" with { type: "json" };
import mdnsData from "../../data/mdns-packets.json" with { type: "json" };
import data from "../../data/wire-vectors.json" with { type: "json" };
import { bodyOf, type RawClient, rawClient } from "../../fakes/raw-client.ts";
import { answer, type RawPeer, rawPeer } from "../../fakes/raw-peer.ts";

const hex = (text: string) => Buffer.from(text, "hex");
const utf8 = (text: string) => Buffer.from(text, "utf8");
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
const asHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const NAME = "go.micro.srv.greeter";
const proto = parseProto(`syntax = "proto3";
  message HelloRequest { string name = 1; int64 user_id = 2; } message HelloResponse { string msg = 1; int64 count = 2; }`);
const count = defineEndpoint({
  service: NAME,
  name: "Greeter.Count",
  input: z.object({ n: z.number() }),
  output: z.object({ i: z.number() }),
  stream: true,
});

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function greeter(): Promise<Service> {
  const service = createService({ name: NAME, registry: memoryRegistry()(), address: "127.0.0.1:0", drainMs: 100 });
  service.server.handleRaw("Greeter.Hello", async (input) => {
    const { name = "", user_id = 0 } = input as { name?: string; user_id?: number };
    if (name === "nobody") throw new Error("boom: plain text");
    return { msg: `Hello ${name}`, count: user_id };
  });
  service.handleStream(count, async (stream) => {
    for await (const { n } of stream) {
      if (n < 0) throw new Error("boom: plain text");
      for (let i = 0; i < n; i++) await stream.send({ i });
      if (n > 0) return;
    }
    await stream.send({ i: -1 });
  });
  await service.start();
  closing.push(() => service.stop());
  return service;
}
async function raw(address: string): Promise<RawClient> {
  const client = await rawClient(address);
  closing.push(() => client.close());
  return client;
}
async function peer(behave: Parameters<typeof rawPeer>[0]): Promise<RawPeer> {
  const made = await rawPeer(behave);
  closing.push(() => made.close());
  return made;
}
/** A client, and how long it waited between its attempts. */
function client(): { client: Client; waits: number[] } {
  const waits: number[] = [];
  const sleep: typeof systemClock.sleep = async (ms) => void waits.push(ms);
  const made = rpcClient({ timeoutMs: 5000 })({
    transport: httpTransport(),
    selector: staticSelector(),
    clock: { ...systemClock, sleep },
  });
  closing.push(() => made.close());
  return { client: made, waits };
}
const modern = {
  "Content-Type": "application/json",
  "Micro-Service": NAME,
  "Micro-Endpoint": "Greeter.Hello",
  "Micro-Method": "Greeter.Hello",
  "Micro-Id": "0",
};
const untilFrames = (client: RawClient, many: number) =>
  eventually(5000, () => expect(client.frames.length).toBeGreaterThanOrEqual(many));

describe("wire.md §12.4", () => {
  describe("1: every hex and base64 example decodes to the stated value and round-trips", () => {
    it.each(tagData.vectors)("1: §2.1, the consul tag of $plain", ({ plain, go, byNode }) => {
      for (const tag of byNode === undefined ? [go] : [go, byNode]) {
        expect(inflateSync(hex(tag.slice(2))).toString()).toBe(plain);
        const facts = decodeTags([tag, ...(go.startsWith("v-") ? [] : ["v-789c33d433d033000002ce00ee"])]);
        const service = { name: "x", version: facts.version, metadata: {}, endpoints: facts.endpoints, nodes: [] };
        const written = encodeTags(service, { id: "x-1", address: "h:1", metadata: facts.metadata });
        const same = written.filter((each) => each.startsWith(go.slice(0, 2)));
        expect(same.map((each) => inflateSync(hex(each.slice(2))).toString())).toEqual([plain]);
      }
    });

    it("1: §2.1, the registration", () => {
      const { Tags, Address, Port, ID } = tagData.registration;
      expect(decodeTags(Tags)).toEqual({
        version: "1.0.0",
        metadata: { protocol: "mucp", transport: "http" },
        endpoints: [],
      });
      const node = { id: ID, address: `${Address}:${Port}`, metadata: decodeTags(Tags).metadata };
      const service = { name: tagData.registration.Name, version: "1.0.0", metadata: {}, endpoints: [], nodes: [node] };
      expect(decodeTags(encodeTags(service, node))).toEqual(decodeTags(Tags));
    });

    it("1: §2.2, mDNS: the query, the TXT and the list reply", () => {
      const { payload, query, listQuery, listReply, txt } = mdnsData;
      const service = readService({
        name: payload.Service,
        version: payload.Version,
        endpoints: payload.Endpoints,
        nodes: [{ id: `${NAME}-1`, address: "127.0.0.1:9090", metadata: payload.Metadata }],
      });
      const node = service.nodes[0] as (typeof service.nodes)[number];
      expect(query).toHaveLength(2 * 44);
      expect(decodeDns(hex(query)).questions).toEqual([{ type: "PTR", class: "IN", name: `${NAME}.micro` }]);
      expect(asHex(encodeQuery(0x1234, `${NAME}.micro`))).toBe(query);
      expect(asHex(encodeQuery(0x1234, "_services.micro"))).toBe(listQuery);
      expect(txt).toHaveLength(436);
      expect(decodeTxt([utf8(txt.slice(0, 255)), utf8(txt.slice(255))])).toEqual({
        service: NAME,
        version: "1.0.0",
        endpoints: service.endpoints,
        metadata: payload.Metadata,
      });
      const written = Buffer.concat(encodeTxt(service, node)).toString();
      expect(inflateSync(hex(written))).toEqual(inflateSync(hex(txt)));
      const at = { ip: "127.0.0.1", port: 9090, host: "vmhost", domain: "micro" };
      const [asked] = decodeDns(hex(query)).questions ?? [];
      const reply = decodePacket(encodeReply(hex(query), answers(nodeZone(service, node, at), asked as never)));
      expect(heardNodes(reply as never, "micro")).toEqual([{ service, ttl: 120 }]);
      expect(listReply).toHaveLength(2 * 122);
      expect(heardNames(decodePacket(hex(listReply)) as never, "micro")).toEqual([NAME]);
      const [listed] = decodeDns(hex(listQuery)).questions ?? [];
      const own = encodeReply(hex(listQuery), answers(markerZone(NAME, "vmhost", "micro"), listed as never));
      expect(decodeDns(own).answers).toEqual(decodeDns(hex(listReply)).answers);
    });

    it("1: §2.6, the gossip update", () => {
      const { hex: bytes, expires, action, service } = data.gossipUpdate;
      expect(hex(bytes)).toHaveLength(data.gossipUpdate.bytes);
      const update = { expires: BigInt(expires), action: action as "create", service: readService(service) };
      expect(decodeUpdate(hex(bytes))).toEqual(update);
      expect(decodeUpdate(encodeUpdate(update))).toEqual(update);
    });

    it.each(data.protobuf)("1: §5.2, $message in protobuf", ({ message: name, value, hex: bytes }) => {
      const codec = proto.message(name);
      expect(codec.toJson(codec.decode(hex(bytes)))).toEqual(JSON.parse(JSON.stringify(value), bigs));
      expect(asHex(codec.encode(value))).toBe(bytes);
    });

    it.each(data.jsonRpcRequests)("1: §5.3, the request with id $id", ({ body, method, id, payload }) => {
      const request = decodeRequest("json-rpc", utf8(body));
      expect({ ...request, payload: text(request.payload) }).toEqual({ method, id, payload });
      // Ours always has a text for an id, which every server takes.
      const written = text(encodeRequest("json-rpc", method, String(JSON.parse(id)), request.payload));
      expect(written).toBe(body.replace(/"id":0/, '"id":"0"'));
    });

    it.each(data.jsonRpcResponses)("1: §5.3, the answer with id $id", ({ body, id, error, payload }) => {
      const response = decodeResponse("json-rpc", utf8(body));
      expect({ ...response, payload: text(response.payload) }).toEqual({ error, payload });
      expect(text(encodeResponse("json-rpc", "", id, response))).toBe(body);
    });

    it("1: §5.4, proto-rpc", () => {
      const { hex: asked, method, id, payload } = data.protoRpcRequest;
      const request = decodeRequest("proto-rpc", hex(asked));
      expect({ ...request, payload: asHex(request.payload) }).toEqual({ method, id, payload });
      expect(asHex(encodeRequest("proto-rpc", method, id, request.payload))).toBe(asked);
      for (const { hex: answered, id: seq, error, payload: bytes } of data.protoRpcResponses) {
        const response = decodeResponse("proto-rpc", hex(answered));
        expect({ ...response, payload: asHex(response.payload) }).toEqual({ error, payload: bytes });
        expect(asHex(encodeResponse("proto-rpc", "", seq, response))).toBe(answered);
      }
    });

    it("1: §5.8, bson-rpc", () => {
      const { header, body, method, id, value } = data.bsonRpcRequest;
      const codec = bsonCodec();
      const envelope = codec.envelope as EnvelopeFormat;
      const request = envelope.decodeRequest(hex(header + body));
      expect(request).toMatchObject({ method, id });
      expect(codec.decode(request.payload)).toEqual(value);
      expect(asHex(envelope.encodeRequest(method, id, codec.encode(value)))).toBe(header + body);
    });

    it.each(data.grpcMessages)("1: §7, the gRPC message $hex", ({ hex: bytes, payload }) => {
      const reader = new MessageReader(1 << 20);
      reader.push(hex(bytes));
      expect(asHex(reader.next() as Uint8Array)).toBe(payload);
      expect(reader.empty).toBe(true);
      expect(asHex(writeMessage(hex(payload)))).toBe(bytes);
    });

    it.each(data.envelopes)("1: §3.3 and §8, the envelope $text", ({ text: json, header, body, bytes }) => {
      if (bytes !== undefined) expect(Buffer.byteLength(json)).toBe(bytes);
      const found = decodeEnvelope(utf8(json));
      expect({ header: { ...found.header }, body: text(found.body) }).toEqual({ header, body });
      expect(text(encodeEnvelope(found.header, found.body))).toBe(json);
    });

    it("1: §8.1, the subscriber's record", () => {
      expect(writeService(readService(data.subscriber))).toEqual(data.subscriber);
    });
  });

  it("2: the request of §3.1 is answered with 200, JSON and a line feed; a second one on the connection, chunks and lower case too", async () => {
    const { server } = await greeter();
    const client = await raw(server.address);
    const body = '{"name":"John","user_id":12}\n';
    client.write(
      `POST / HTTP/1.1\r\nHost: 127.0.0.1:7201\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: ${body.length}\r\nAccept: application/json\r\nContent-Type: application/json\r\nLower-Key: v\r\nMicro-Endpoint: Greeter.Hello\r\nMicro-From-Service: go.micro.api\r\nMicro-Id: 0\r\nMicro-Method: Greeter.Hello\r\nMicro-Service: go.micro.srv.greeter\r\nTimeout: 700000000\r\nX-User-Id: u1\r\n\r\n${body}`,
    );
    await untilFrames(client, 1);
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(client.text).toMatch(/\r\nContent-Length: 32\r\n/);
    expect(bodyOf(client.frames[0])).toBe('{"msg":"Hello John","count":12}\n');
    client.post(modern, ""); // written in chunks
    await untilFrames(client, 2);
    expect(bodyOf(client.frames[1])).toBe('{"msg":"Hello ","count":0}\n');
    const lower = Object.fromEntries(Object.entries(modern).map(([name, value]) => [name.toLowerCase(), value]));
    client.post(lower, '{"name":"Ann"}');
    await untilFrames(client, 3);
    expect(bodyOf(client.frames[2])).toBe('{"msg":"Hello Ann","count":0}\n');
    expect(client.closed).toBe(false);
  });

  it.each([
    ['{"id":"svc","code":404,"detail":"no jo","status":"Not Found"}', "not_found", "no jo", 404, []],
    ["boom: plain text", "internal", "boom: plain text", 0, []],
    ['{"id":"svc","code":500,"detail":"broken","status":"Internal Server Error"}', "internal", "broken", 500, [10]],
    ['{"id":"svc","code":408,"detail":"late","status":"Request Timeout"}', "timeout", "late", 408, [10]],
  ] as const)("3: %s is an error, tried again when it may be", async (error, code, words, number, expected) => {
    const go = await peer((socket) => socket.write(answer("", { "Micro-Error": error })));
    const { client: caller, waits } = client();
    await expect(caller.request("svc", "A.B", {}, { address: go.address, idempotent: true })).rejects.toMatchObject({
      code,
      message: words,
      details: { record: { code: number } },
    });
    expect(waits).toEqual(expected);
    expect(go.questions).toHaveLength(1 + expected.length);
  });

  describe("4: the stream of §3.2", () => {
    const stream = {
      ...modern,
      "Micro-Endpoint": "Greeter.Count",
      "Micro-Method": "Greeter.Count",
      "Micro-Stream": "0",
    };

    it("4: the server ends it", async () => {
      const client = await raw((await greeter()).server.address);
      client.post(stream, '{"n":9}\n');
      client.post(stream, '{"n":2}\n');
      await untilFrames(client, 3);
      expect(client.frames.map(bodyOf)).toEqual(['{"i":0}\n', '{"i":1}\n', ""]);
      expect(client.frames[2]?.header).toMatchObject({ "micro-error": "EOS", "x-micro-error": "EOS" });
    });
    it("4: the server fails", async () => {
      const client = await raw((await greeter()).server.address);
      client.post(stream, "{}\n");
      client.post(stream, '{"n":-1}\n');
      await untilFrames(client, 1);
      expect(client.frames[0]?.header).toMatchObject({ "micro-error": "boom: plain text", "micro-id": "0" });
      expect(client.frames[0]?.body).toHaveLength(0);
    });
    it("4: the client ends it", async () => {
      const client = await raw((await greeter()).server.address);
      client.post(stream, "{}\n");
      client.post(stream, '{"n":0}\n');
      client.post({ ...stream, "Micro-Error": "EOS" }, "");
      await untilFrames(client, 1);
      expect(bodyOf(client.frames[0])).toBe('{"i":-1}\n');
    });
    it.each([
      ["EOS", (answered: string) => answered + answer("", { "Micro-Error": "EOS", "X-Micro-Error": "EOS" })],
      ["FIN instead of EOS", (answered: string) => answered],
    ])("4: a server ends it with %s", async (how, ending) => {
      const go = await peer((socket, _question, number) => {
        if (number !== 1) return;
        socket.write(ending(answer('{"i":0}\n') + answer('{"i":1}\n')));
        if (how !== "EOS") socket.end();
      });
      const opened = await client().client.stream(NAME, "Greeter.Count", { address: go.address });
      await opened.send({ n: 2 });
      const seen: unknown[] = [];
      for await (const value of opened) seen.push(value);
      expect(seen).toEqual([{ i: 0 }, { i: 1 }]);
      expect(go.questions.map(({ frame }) => bodyOf(frame))).toEqual(["{}\n", '{"n":2}\n']);
      const [opening, asked] = go.questions.map(({ frame }) => frame.header["micro-stream"]);
      expect(opening).toMatch(/^\d+$/);
      expect(asked).toBe(opening);
    });
    it("4: a server fails in it", async () => {
      const error = '{"id":"svc","code":404,"detail":"no jo","status":"Not Found"}';
      const go = await peer((socket, _question, number) => {
        if (number === 1) socket.write(answer('{"i":0}\n') + answer("", { "Micro-Error": error }));
      });
      const opened = await client().client.stream(NAME, "Greeter.Count", { address: go.address });
      await opened.send({ n: 2 });
      const seen: unknown[] = [];
      const read = async () => {
        for await (const value of opened) seen.push(value);
      };
      await expect(read()).rejects.toMatchObject({ code: "not_found", message: "no jo" });
      expect(seen).toEqual([{ i: 0 }]);
    });
  });

  it("5: an id of 2016 comes back with its type: a number, a string, null for none; an unknown method closes", async () => {
    const { server } = await greeter();
    const client = await raw(server.address);
    const json = { "Content-Type": "application/json" };
    const ids = ["7", '"7"', undefined];
    for (const [at, id] of ids.entries()) {
      client.post(json, `{"method":"Greeter.Hello","params":[{"name":"John"}]${id ? `,"id":${id}` : ""}}`);
      await untilFrames(client, at + 1);
      expect(bodyOf(client.frames[at])).toBe(
        `{"id":${id ?? "null"},"result":{"msg":"Hello John","count":0},"error":null}\n`,
      );
    }
    client.post(json, '{"method":"Greeter.Hello","params":[{"name":"nobody"}],"id":8}');
    await untilFrames(client, 4);
    expect(bodyOf(client.frames[3])).toBe('{"id":8,"result":{},"error":"boom: plain text"}\n');
    expect(client.closed).toBe(false);
    client.post(json, '{"method":"Greeter.Nope","params":[{}],"id":9}');
    await eventually(5000, () => expect(client.closed).toBe(true));
    expect(JSON.parse(bodyOf(client.frames[4]))).toMatchObject({ id: 9, error: "rpc: can't find method Nope" });
  });

  it("6: two versions with two nodes each are two services; a critical check drops one node; deregister is a delete", async () => {
    const entry = (version: string, id: string, status = "passing") => ({
      Node: { Node: "n", Address: "10.0.0.1" },
      Service: { ID: id, Service: NAME, Port: 9090, Tags: encodeTags({ ...record(NAME, version, 1) }, node(id)) },
      Checks: [{ Node: "n", CheckID: `service:${id}`, Status: status }],
    });
    const node = (id: string) => ({ id, address: "10.0.0.1:9090", metadata: { protocol: "mucp" } });
    const read = (status: string) => {
      const all = [entry("1", "a"), entry("1", "b"), entry("2", "c"), entry("2", "d", status)];
      const { versions } = decodeHealth(NAME, utf8(JSON.stringify(all)));
      return versions.map(({ version, nodes }) => `${version}: ${nodes.map(({ id }) => id)}`);
    };
    expect(read("passing")).toEqual(["1: a,b", "2: c,d"]);
    expect(read("warning")).toEqual(["1: a,b", "2: c,d"]);
    expect(read("critical")).toEqual(["1: a,b", "2: c"]);

    const registry = memoryRegistry()();
    await registry.start();
    closing.push(() => registry.stop());
    const services = ["1", "2"].map((version) => ({
      ...{ name: NAME, version, metadata: {}, endpoints: [] },
      nodes: ["x", "y"].map((id) => node(`${id}${version}`)),
    }));
    for (const service of services) await registry.register(service);
    const found = await registry.get(NAME);
    expect(found.map(({ version, nodes }) => [version, nodes.length])).toEqual([
      ["1", 2],
      ["2", 2],
    ]);
    const watcher = await registry.watch();
    closing.push(() => watcher.close());
    const next = watcher[Symbol.asyncIterator]().next();
    await registry.deregister(services[1] as (typeof services)[number]);
    const event = (await next).value;
    expect(event).toMatchObject({ action: "delete", service: { name: NAME, version: "2" } });
    expect((await registry.get(NAME)).map(({ version }) => version)).toEqual(["1"]);
  });

  describe("7: the http broker", () => {
    const network = async () => {
      const registry: Registry = memoryRegistry()();
      await registry.start();
      closing.push(() => registry.stop());
      const broker = async (init: HttpBrokerInit = {}) => {
        const made = httpBroker({ address: "127.0.0.1:0", ...init })({ registry });
        await made.start();
        closing.push(() => made.stop());
        return made;
      };
      return { registry, broker };
    };

    it("7: reaches all without a queue, and one of a queue", async () => {
      const { broker } = await network();
      const seen: string[] = [];
      const keep = (name: string) => (event: BrokerEvent) => void seen.push(`${name} ${textOf(event)}`);
      for (const name of ["a", "b"]) await (await broker()).subscribe("events", keep(name));
      for (const name of ["q", "q"]) await (await broker()).subscribe("events", keep(name), { queue: "queue" });
      const publisher = await broker();
      for (const text of ["1", "2", "3"]) await publisher.publish("events", message(text));
      const all = ["1", "2", "3"].flatMap((text) => [`a ${text}`, `b ${text}`, `q ${text}`]).sort();
      await eventually(5000, () => expect([...seen].sort()).toEqual(all));
    });

    it.each([
      ["v1.18", "go.micro.http.broker", "/_sub", true],
      ["v2.5", "micro.http.broker", "/", false],
    ] as const)("7: the naming of %s, both ways; no topic is a 500", async (era, name, path, marked) => {
      const { registry, broker } = await network();
      const seen: BrokerEvent[] = [];
      const subscriber = await broker({ eras: [era] });
      await subscriber.subscribe("heard", (event) => void seen.push(event), { queue: "q1" });
      const [found] = await registry.get(name);
      const [node] = found?.nodes ?? [];
      expect(await registry.list()).toEqual([name]);
      expect([found?.version, node?.metadata]).toEqual(["q1", { broker: "http", secure: "false", topic: "heard" }]);
      const post = (header: object) =>
        fetch(`http://${node?.address}${path}?id=${encodeURIComponent(node?.id ?? "")}`, {
          method: "POST",
          headers: { connection: "close" },
          body: JSON.stringify({ Header: header, Body: "eyJuYW1lIjoiSm9obiJ9Cg==" }),
        });
      expect((await post({ [marked ? ":topic" : "Micro-Topic"]: "heard" })).status).toBe(200);
      await eventually(5000, () => expect(seen.map(textOf)).toEqual(['{"name":"John"}\n']));
      const refused = await post({ "Content-Type": "application/json" });
      expect(refused.status).toBe(500);
      expect(await refused.json()).toMatchObject({ id: "go.micro.broker", code: 500, detail: "Topic not found" });

      // A subscriber of Go's.
      const posted: { url: string | undefined; body: string }[] = [];
      const server = createServer(async (request: IncomingMessage, response) => {
        let body = "";
        for await (const chunk of request) body += String(chunk);
        posted.push({ url: request.url, body });
        response.end();
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      closing.push(() => server.close());
      const theirs = { broker: "http", secure: "false", topic: "events" };
      const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      await registry.register({
        ...{ name, version: "ff.http.broadcast", metadata: {}, endpoints: [] },
        nodes: [{ id: "events-39416b5e", address, metadata: theirs }],
      });
      await (await broker()).publish("events", message('{"name":"John"}\n'));
      await eventually(5000, () => expect(posted).toHaveLength(1));
      expect(posted[0]?.url).toBe(`${path}?id=events-39416b5e`);
      const { Header, Body } = JSON.parse(posted[0]?.body ?? "{}") as { Header: Record<string, string>; Body: string };
      expect(Header).toMatchObject({ "Micro-Topic": "events", "Content-Type": "application/json" });
      expect(Header[":topic"]).toBe(marked ? "events" : undefined);
      expect(Buffer.from(Body, "base64").toString()).toBe('{"name":"John"}\n');
    });
  });
});

/** Whole numbers of messages are BigInts. */
function bigs(_key: string, value: unknown): unknown {
  return typeof value === "number" ? BigInt(value) : value;
}
