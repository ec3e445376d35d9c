import { readFileSync } from "node:fs";
import { Socket } from "node:net";
import { decode as decodeDns, encode as encodeDns } from "dns-packet";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { BrokerEvent } from "../../../src/core/broker/broker.ts";
import { httpBroker } from "../../../src/core/broker/http.ts";
import { memoryBroker } from "../../../src/core/broker/memory.ts";
import { outgoing } from "../../../src/core/broker/message.ts";
import type { Client } from "../../../src/core/client/client.ts";
import { rpcClient } from "../../../src/core/client/rpc.ts";
import { jsonCodec } from "../../../src/core/codec/json.ts";
import { parseProto } from "../../../src/core/codec/proto.ts";
import { goDuration } from "../../../src/core/duration.ts";
import { decodeHealth } from "../../../src/core/registry/consul-health.ts";
import { decodeTags, encodeTags } from "../../../src/core/registry/consul-tags.ts";
import { decodeUpdate } from "../../../src/core/registry/gossip-update.ts";
import { decodePacket, encodeAnnouncement, encodeReply } from "../../../src/core/registry/mdns-packet.ts";
import { answers, heardNames, heardNodes, nodeZone, ownRecords } from "../../../src/core/registry/mdns-zone.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { ServiceNode } from "../../../src/core/registry/registry.ts";
import { withRecord } from "../../../src/core/registry/versions.ts";
import { defaultSelector } from "../../../src/core/selector/default.ts";
import { advertised } from "../../../src/core/server/address.ts";
import { grpcDoor } from "../../../src/core/server/grpc.ts";
import { createService, defineEndpoint, type Service, type ServiceInit } from "../../../src/core/service.ts";
import { httpTransport } from "../../../src/core/transport/http.ts";
import { decodeEnvelope, encodeEnvelope } from "../../../src/core/wire/envelope.ts";
import { readService } from "../../../src/core/wire/record.ts";
import { eventually, message, textOf } from "../../contract/broker.contract.ts";
import { rich } from "../../contract/registry.contract.ts";
import mdnsData from "../../data/mdns-packets.json" with { type: "json" };
import vectors from "../../data/wire-vectors.json" with { type: "json" };
import { bodyOf, type RawClient, rawClient } from "../../fakes/raw-client.ts";
import { answer, type RawPeer, rawPeer } from "../../fakes/raw-peer.ts";

const NAME = "go.micro.srv.greeter";
const utf8 = (text: string) => new TextEncoder().encode(text);
const proto = parseProto(`syntax = "proto3";
  message Request { string name = 1; int64 user_id = 2; } message Response { string msg = 1; int64 count = 2; }
  service Greeter { rpc Greet(Request) returns (Response); }`);
const greet = proto.endpoints("Greeter", NAME)["Greet"];
if (greet === undefined) throw new Error("no endpoint");
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

/** What its stream has been given, and the header of the last call. */
const seen: { streamed: unknown[]; header: Readonly<Record<string, string>>; leftMs: number } = {
  streamed: [],
  header: {},
  leftMs: 0,
};
async function greeter(init: Partial<ServiceInit> = {}): Promise<Service> {
  seen.streamed = [];
  const service = createService({
    ...{ name: NAME, registry: memoryRegistry()(), address: "127.0.0.1:0", drainMs: 100 },
    ...init,
  });
  const { server } = service;
  server.handleRaw("Greeter.Hello", async (input, { header, deadlineAt }) => {
    seen.header = header;
    seen.leftMs = (deadlineAt ?? Number.POSITIVE_INFINITY) - Date.now();
    return { msg: `Hello ${(input as { name?: string }).name ?? ""}` };
  });
  server.handleRaw("Greeter.Nothing", async () => undefined);
  server.handleRaw("Greeter.Boom", () => {
    throw new TypeError("boom: plain text");
  });
  service.handle(greet as NonNullable<typeof greet>, (input) => {
    const { name, user_id } = input as { name: string; user_id: bigint };
    return name === "" ? {} : { msg: `Hello ${name}`, count: user_id };
  });
  service.handleStream(count, async (stream) => {
    for await (const { n } of stream) {
      seen.streamed.push(n);
      await stream.send({ i: n });
      if (n === 2) return;
    }
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
/** A client that knows these nodes as `svc`. */
async function clientOf(...nodes: readonly ServiceNode[]): Promise<Client> {
  const registry = memoryRegistry({
    services: [{ name: "svc", version: "1", metadata: {}, endpoints: [], nodes }],
  })();
  await registry.start();
  const selector = defaultSelector({ strategy: () => (all) => all[0] as ServiceNode })({ registry });
  const client = rpcClient({ timeoutMs: 5000 })({ transport: httpTransport(), selector });
  closing.push(async () => {
    await client.close();
    await registry.stop();
  });
  return client;
}
const nodeAt = ({ address }: RawPeer, metadata: Record<string, string> = { protocol: "mucp" }): ServiceNode => ({
  id: `svc-${address}`,
  address,
  metadata,
});
const modern = {
  "Content-Type": "application/json",
  "Micro-Service": NAME,
  "Micro-Endpoint": "Greeter.Hello",
  "Micro-Id": "0",
};
async function asked(client: RawClient, header: Record<string, string>, body: string | Uint8Array) {
  const before = client.frames.length;
  client.post(header, body);
  await eventually(5000, () => expect(client.frames.length).toBe(before + 1));
  return client.frames[before] as RawClient["frames"][number];
}

describe("wire.md §11", () => {
  it("trap 1: no Micro-Id twice, one call at a time on a connection of Go's, and a new connection after silence", async () => {
    let silent = 0;
    const go = await peer((socket, { frame }) => {
      if (frame.header["micro-endpoint"] === "A.Silent" && silent++ === 0) return;
      setTimeout(() => socket.write(answer("{}\n")), 5);
    });
    const client = await clientOf(nodeAt(go));
    for (let call = 0; call < 3; call++) await client.request("svc", "A.B", {});
    expect(go.connections).toBe(1);
    await Promise.all([1, 2, 3].map(() => client.request("svc", "A.B", {})));
    expect(go.connections).toBe(3);
    await expect(client.request("svc", "A.Silent", {}, { timeoutMs: 100 })).rejects.toMatchObject({ code: "timeout" });
    // Whatever that connection still says belongs to nobody.
    await Promise.all([1, 2, 3].map(() => client.request("svc", "A.Silent", {})));
    expect(go.connections).toBe(4);
    const ids = go.questions.map(({ frame }) => frame.header["micro-id"]);
    expect(new Set(ids).size).toBe(10);
    expect(ids.every((id) => /^\d+$/.test(id ?? ""))).toBe(true);
  });

  it("trap 2: what a response echoes is not believed", async () => {
    const stale = { "Micro-Id": "999", "Micro-Service": "other", Timeout: "1", "Micro-Stream": "7" };
    const go = await peer((socket) => socket.write(answer('{"a":1}\n', stale)));
    const client = await clientOf(nodeAt(go));
    for (let call = 0; call < 2; call++) expect(await client.request("svc", "A.B", {})).toEqual({ a: 1 });
    expect(go.connections).toBe(1);
  });

  it("trap 3: empty JSON is no answer but a question; empty protobuf is both", async () => {
    const go = await peer((socket) => socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
    const client = await clientOf(nodeAt(go));
    await expect(client.request("svc", "A.B", {})).rejects.toThrow("not JSON");
    const { messages } = greet as NonNullable<typeof greet>;
    const options = { contentType: "application/protobuf", ...(messages && { messages }) };
    expect(await client.request("svc", "A.B", {}, options)).toEqual({ msg: "", count: 0n });
    const { server } = await greeter();
    const mine = await raw(server.address);
    expect(bodyOf(await asked(mine, modern, ""))).toBe('{"msg":"Hello "}\n');
    const greeted = { ...modern, "Content-Type": "application/protobuf", "Micro-Endpoint": "Greeter.Greet" };
    const empty = await asked(mine, greeted, "");
    expect([empty.body.length, empty.header["micro-error"]]).toEqual([0, undefined]);
    // A handler that gives nothing answers with a value all the same.
    expect(bodyOf(await asked(mine, { ...modern, "Micro-Endpoint": "Greeter.Nothing" }, "{}"))).toBe("{}\n");
  });

  it("trap 4: a content type counts exactly, and comes back", async () => {
    const mine = await raw((await greeter()).server.address);
    const refused = await asked(mine, { ...modern, "Content-Type": "application/json; charset=utf-8" }, "{}");
    expect(refused.header["micro-error"]).toBe("Unsupported Content-Type: application/json; charset=utf-8");
    for (const type of ["application/json", "application/json-rpc"]) {
      const body = type === "application/json" ? "{}" : '{"method":"Greeter.Hello","params":[{}],"id":1}';
      expect((await asked(mine, { ...modern, "Content-Type": type }, body)).header["content-type"]).toBe(type);
    }
  });

  it("trap 5: the status is always 200, nothing comes before it, and any other is an error", async () => {
    const mine = await raw((await greeter()).server.address);
    await asked(mine, { ...modern, Expect: "100-continue", "Accept-Encoding": "gzip" }, "{}");
    for (const endpoint of ["Greeter.Nope", "Greeter.Boom", "x"]) {
      await asked(mine, { ...modern, "Micro-Endpoint": endpoint }, "{}");
    }
    expect(mine.text.match(/^HTTP\/1\.1 .*$/gm)).toEqual(Array(4).fill("HTTP/1.1 200 OK"));
    expect(mine.text).not.toMatch(/content-encoding/i);
    for (const status of ["204 No Content", "302 Found", "500 Internal Server Error"]) {
      const go = await peer((socket) => socket.write(answer("{}\n", { Location: "http://127.0.0.1:1/" }, status)));
      await expect((await clientOf(nodeAt(go))).request("svc", "A.B", {})).rejects.toThrow(status);
      expect(go.questions).toHaveLength(1);
    }
  });

  it("trap 6: the first frame of a stream only opens it, and gRPC has none such", async () => {
    for (const init of [{}, { door: grpcDoor() }]) {
      const service = await greeter(init);
      const stream = await service.client.open(count);
      for (const n of [1, 2]) await stream.send({ n });
      const back: unknown[] = [];
      for await (const value of stream) back.push(value);
      expect([seen.streamed, back]).toEqual([
        [1, 2],
        [{ i: 1 }, { i: 2 }],
      ]);
    }
    const mine = await raw((await greeter()).server.address);
    const stream = { ...modern, "Micro-Endpoint": "Greeter.Count", "Micro-Stream": "0" };
    mine.post(stream, '{"n":7}\n');
    mine.post(stream, '{"n":2}\n');
    await eventually(5000, () => expect(mine.frames).toHaveLength(2));
    expect(seen.streamed).toEqual([2]);
  });

  it("trap 7: a Micro-Error is a failure, whatever the body; no success has one, and none is passed on", async () => {
    const go = await peer((socket) => socket.write(answer('{"fine":true}\n', { "Micro-Error": "boom" })));
    const client = await clientOf(nodeAt(go));
    const metadata = { "Micro-Error": "old", "X-Micro-Error": "old", "X-User-Id": "u1" };
    await expect(client.request("svc", "A.B", {}, { metadata })).rejects.toThrow("boom");
    const header: Readonly<Record<string, string>> = go.questions[0]?.frame.header ?? {};
    expect([header["micro-error"], header["x-micro-error"], header["x-user-id"]]).toEqual([undefined, undefined, "u1"]);
    const mine = await raw((await greeter()).server.address);
    await asked(mine, { ...modern, "Micro-Error": "stale" }, "{}");
    expect(bodyOf(mine.frames[0])).toBe('{"msg":"Hello "}\n');
    expect(mine.text).not.toMatch(/micro-error/i);
    // Present, but empty: no failure.
    const empty = await peer((socket) => socket.write(answer('{"fine":true}\n', { "Micro-Error": "" })));
    expect(await (await clientOf(nodeAt(empty))).request("svc", "A.B", {})).toEqual({ fine: true });
  });

  it("trap 8: a JSON-RPC id keeps its type; an empty one, or 0, comes with v1's errors", async () => {
    const mine = await raw((await greeter()).server.address);
    for (const id of ["7", '"7"', '""', "null"]) {
      const body = `{"method":"Greeter.Boom","params":[{}],"id":${id}}`;
      const back = bodyOf(await asked(mine, { "Content-Type": "application/json" }, body));
      expect(back).toBe(`{"id":${id},"result":{},"error":"boom: plain text"}\n`);
    }
    const json = await peer((socket) => socket.write(answer('{"id":"","result":null,"error":"boom"}\n')));
    const old = (await clientOf(nodeAt(json, {}))).request("svc", "A.B", {});
    await expect(old).rejects.toMatchObject({ message: "boom" });
    const error = Buffer.from(vectors.protoRpcResponses[1]?.hex ?? "", "hex");
    const binary = await peer((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${error.length}\r\n\r\n`);
      socket.write(error);
    });
    const { messages } = greet as NonNullable<typeof greet>;
    const options = { contentType: "application/protobuf", ...(messages && { messages }) };
    const protoRpc = (await clientOf(nodeAt(binary, {}))).request("svc", "A.B", {}, options);
    await expect(protoRpc).rejects.toMatchObject({ message: "boom: plain text" });
    expect(binary.questions[0]?.frame.header["content-type"]).toBe("application/proto-rpc");
  });

  it("trap 9: 64-bit integers lose nothing, as numbers or texts", () => {
    const big = 9223372036854775807n;
    expect(jsonCodec.decode(utf8(`{"count":${big}}`))).toEqual({ count: big });
    expect(Buffer.from(jsonCodec.encode({ count: big })).toString()).toBe(`{"count":${big}}\n`);
    const response = proto.message("Response");
    for (const said of [`${big}`, `"${big}"`]) {
      expect(response.fromJson(jsonCodec.decode(utf8(`{"count":${said}}`)))).toMatchObject({ count: big });
    }
    expect(Buffer.from(jsonCodec.encode(response.toJson({ count: big }))).toString()).toBe(`{"count":${big}}\n`);
  });

  it("trap 10: no field is written that a message does not have; those of others are passed over", () => {
    const request = proto.message("Request");
    expect(request.toJson({ name: "John", nope: 1, userId: 3 })).toEqual({ name: "John" });
    expect(request.fromJson({ name: "John", nope: { deep: 1 }, userId: 3 })).toEqual({ name: "John", user_id: 3n });
  });

  it("trap 11: names of headers mean the same in any case, and go out as Go spells them", async () => {
    const mine = await raw((await greeter()).server.address);
    const shouted = Object.fromEntries(Object.entries(modern).map(([name, value]) => [name.toUpperCase(), value]));
    const back = await asked(mine, { ...shouted, "MICRO-ID": "4", "lower-key": "v" }, "{}");
    expect([back.header["micro-id"], seen.header["lower-key"]]).toEqual(["4", "v"]);
    expect(mine.text).toContain("\r\nMicro-Id: 4\r\n");
    const lower = (name: string) => name.toLowerCase();
    for (const name of ["Micro-Id", "Micro-ID", "micro-id"]) {
      const { header } = decodeEnvelope(encodeEnvelope({ [name]: "4" }, new Uint8Array(0)), lower);
      expect(header["micro-id"]).toBe("4");
    }
    expect(outgoing("events", { header: { "content-type": "x", "micro-ID": "4" }, body: utf8("") })).toEqual({
      ...{ "Content-Type": "x", "Micro-Id": "4", "Micro-Topic": "events" },
    });
  });

  it("trap 12: header values are raw UTF-8, and may be longer than 16 KiB", async () => {
    const detail = `weg über ${"€".repeat(20_000)}`;
    const record = JSON.stringify({ id: "svc", code: 404, detail, status: "Not Found" });
    const go = await peer((socket) => socket.write(Buffer.from(answer("", { "Micro-Error": record }))));
    const metadata = { "X-Name": "Jörg €" };
    const call = (await clientOf(nodeAt(go))).request("svc", "A.B", {}, { metadata });
    await expect(call).rejects.toMatchObject({ code: "not_found", message: detail });
    expect(go.questions[0]?.frame.header["x-name"]).toBe("Jörg €");
    const mine = await raw((await greeter()).server.address);
    await asked(mine, { ...modern, "X-Name": "Jörg €" }, "{}");
    expect(seen.header["x-name"]).toBe("Jörg €");
  });

  it("trap 13: what is registered can be reached: no wildcard, no loopback beside an address of the network", () => {
    const at = (address: string, internal = false) => ({ address, internal }) as never;
    const interfaces = { lo: [at("127.0.0.1", true), at("::1", true)], eth0: [at("fe80::1"), at("10.1.2.3")] };
    for (const everywhere of ["0.0.0.0:80", "[::]:80", ":80"]) {
      expect(advertised(everywhere, interfaces)).toBe("10.1.2.3:80");
      expect(advertised(everywhere, { eth0: [at("8.8.8.8")], eth1: [at("fd00::2")] })).toBe("[fd00::2]:80");
    }
    expect(advertised("192.0.2.7:80", interfaces)).toBe("192.0.2.7:80");
    expect(advertised("queue-of-foo", interfaces)).toBe("queue-of-foo");
  });

  it("trap 14: null, {}, [] and nothing are one; without a protocol, or with an empty one, it is the envelope of 2016", async () => {
    const empty = { name: "foo", version: "", metadata: {}, endpoints: [], nodes: [] };
    for (const nothing of [undefined, null, {}, []]) {
      expect(readService({ name: "foo", metadata: nothing, endpoints: nothing, nodes: nothing })).toEqual(empty);
    }
    const go = await peer((socket, { frame }) =>
      socket.write(
        answer(/rpc$/.test(frame.header["content-type"] ?? "") ? '{"id":1,"result":{},"error":null}\n' : "{}"),
      ),
    );
    const types: unknown[] = [];
    for (const metadata of [{}, { protocol: "" }, { protocol: "mucp" }]) {
      await (await clientOf(nodeAt(go, metadata as Record<string, string>))).request("svc", "A.B", {});
      types.push(go.questions.at(-1)?.frame.header["content-type"]);
    }
    expect(types).toEqual(["application/json-rpc", "application/json-rpc", "application/json"]);
  });

  it("trap 15: nodes of brokers and of plain web servers are not called", async () => {
    const wrong = await peer((socket) => socket.write(answer('{"wrong":true}\n')));
    const right = await peer((socket) => socket.write(answer('{"right":true}\n')));
    const broker = { ...nodeAt(wrong, { broker: "http", secure: "false", topic: "svc" }), id: "a" };
    const web = { ...nodeAt(wrong, { server: "http" }), id: "b" };
    const client = await clientOf(broker, web, nodeAt(right));
    expect(await client.request("svc", "A.B", {})).toEqual({ right: true });
    await expect((await clientOf(broker, web)).request("svc", "A.B", {})).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(wrong.connections).toBe(0);
  });

  it("trap 16: a Micro-Topic that leaked makes no event of a call, and ours does not leak", async () => {
    const service = await greeter({ broker: memoryBroker()() });
    const events: BrokerEvent[] = [];
    const mine = await raw(service.server.address);
    const leaked = await asked(mine, { ...modern, "Micro-Topic": "events" }, '{"name":"John"}');
    expect(bodyOf(leaked)).toBe('{"msg":"Hello John"}\n');
    const go = await peer((socket) => socket.write(answer("{}\n")));
    const metadata = { "Micro-Topic": "events", "x-micro-topic": "events", other: "1" };
    await (await clientOf(nodeAt(go))).request("svc", "A.B", {}, { metadata });
    const header: Readonly<Record<string, string>> = go.questions[0]?.frame.header ?? {};
    expect([header["micro-topic"], header["x-micro-topic"], header["other"]]).toEqual([undefined, undefined, "1"]);
    // Publishing does not write into what its caller gave, as v1 does.
    const own = message("{}", { a: "b" });
    await service.broker?.subscribe("events", (event) => void events.push(event));
    await service.broker?.publish("events", own);
    expect(own.header).toEqual({ "content-type": "application/json", a: "b" });
    await eventually(5000, () => expect(events[0]?.header["micro-topic"]).toBe("events"));
  });

  it("trap 17: mDNS: either domain, dots make labels, the question echoed but not wanted, an empty TXT", () => {
    const service = rich(NAME, "1");
    const node = service.nodes[0] as ServiceNode;
    const at = { ip: "127.0.0.1", port: 9090, host: "vmhost" };
    for (const domain of ["micro", "local"]) {
      const zone = nodeZone(service, node, { ...at, domain });
      const question = { type: "PTR", name: `${NAME}.${domain}` } as const;
      const query = encodeDns({ type: "query", id: 7, questions: [question] });
      // Each part between dots is a label of its own.
      expect(query.subarray(12, 22).toString("latin1")).toBe("\x02go\x05micro\x03");
      const reply = encodeReply(query, answers(zone, question));
      expect(decodeDns(reply).questions).toMatchObject([question]);
      const bare = encodeDns({ type: "response", flags: 0x400, answers: answers(zone, question) });
      expect(decodeDns(bare).questions).toEqual([]);
      for (const packet of [reply, bare, encodeAnnouncement(ownRecords(zone))]) {
        const heard = heardNodes(decodePacket(packet) as never, domain);
        expect(heard.map((each) => each.service.nodes[0]?.address)).toEqual(["127.0.0.1:9090"]);
        expect(heardNodes(decodePacket(packet) as never, domain === "micro" ? "local" : "micro")).toEqual([]);
      }
    }
    const list = Buffer.from(mdnsData.listReply, "hex");
    expect(list.subarray(-2).toString("hex")).toBe("0000");
    expect(heardNames(decodePacket(list) as never, "micro")).toEqual([NAME]);
  });

  it("trap 18: Consul: foreign tags before ours hide nothing, ours come first, a critical check drops the node", () => {
    const service = rich(NAME, "1.0.0");
    const node = service.nodes[0] as ServiceNode;
    const ours = encodeTags(service, node);
    const foreign = ["env:prod", "traefik.enable=true", "e", "t", "v", "", "e:x", "tv-1"];
    const facts = { version: "1.0.0", metadata: node.metadata, endpoints: service.endpoints };
    expect(decodeTags([...foreign, ...ours])).toEqual(facts);
    expect(decodeTags([...ours, ...foreign])).toEqual(facts);
    expect(ours.every((tag) => /^[tev]-78/.test(tag))).toBe(true);
    const health = (...statuses: string[]) => {
      const Checks = statuses.map((Status, at) => ({ Node: "n", CheckID: `c${at}`, Status }));
      const Service = { ID: node.id, Service: NAME, Port: 1, Address: "10.0.0.5", Tags: ours };
      const entries = [{ Node: { Node: "n", Address: "10.0.0.1" }, Service, Checks }];
      return decodeHealth(NAME, utf8(JSON.stringify(entries))).versions.length;
    };
    expect([health(), health("passing", "warning"), health("passing", "critical")]).toEqual([1, 1, 0]);
  });

  it("trap 19: FIN after an answer is normal; a fresh connection is taken, and nothing repeated that was answered", async () => {
    // As v0.20 to v1.8: the connection ends with any error.
    const go = await peer((socket, { frame }) => {
      if (frame.header["micro-endpoint"] !== "A.Nope") socket.write(answer('{"ok":true}\n'));
      else socket.end(answer("", { "Micro-Error": "rpc: can't find method Nope" }));
    });
    const client = await clientOf(nodeAt(go));
    for (let call = 0; call < 3; call++) {
      expect(await client.request("svc", "A.B", {})).toEqual({ ok: true });
      await expect(client.request("svc", "A.Nope", {})).rejects.toThrow("can't find method Nope");
    }
    expect([go.questions.length, go.connections]).toEqual([6, 3]);
    // We close after what an old caller may have closed for, too.
    const mine = await raw((await greeter()).server.address);
    mine.post({ "Content-Type": "application/json" }, '{"method":"Greeter.Nope","params":[{}],"id":1}');
    await eventually(5000, () => expect(mine.closed).toBe(true));
    expect(bodyOf(mine.frames[0])).toContain("can't find method Nope");
  });

  it("trap 20: a served connection has no idle limit below 60 s, and none is opened before it is needed", async () => {
    const limits = vi.spyOn(Socket.prototype, "setTimeout");
    closing.push(() => limits.mockRestore());
    const mine = await raw((await greeter()).server.address);
    await asked(mine, modern, "{}");
    const set = limits.mock.calls.map(([ms]) => ms).filter((ms) => ms > 0 && ms <= 60_000);
    expect(set).toEqual([]);
    expect(mine.closed).toBe(false);
    const go = await peer((socket) => socket.write(answer("{}\n")));
    const client = await clientOf(nodeAt(go));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(go.connections).toBe(0);
    await client.request("svc", "A.B", {});
    expect(go.connections).toBe(1);
  });

  it("trap 21: a method's name is Type.Method to the letter, without the service before it", async () => {
    const mine = await raw((await greeter()).server.address);
    for (const [endpoint, words] of [
      ["greeter.Hello", "rpc: can't find service greeter"],
      ["Greeter.hello", "rpc: can't find method hello"],
      [`${NAME}.Greeter.Hello`, `rpc: service/endpoint request ill-formed: ${NAME}.Greeter.Hello`],
      ["Hello", "rpc: service/endpoint request ill-formed: Hello"],
    ] as const) {
      expect((await asked(mine, { ...modern, "Micro-Endpoint": endpoint }, "{}")).header["micro-error"]).toBe(words);
    }
    const go = await peer((socket) => socket.write(answer("{}\n")));
    await (await clientOf(nodeAt(go))).request("svc", "Greeter.Hello", {});
    expect(go.questions[0]?.frame.header).toMatchObject({
      ...{ "micro-endpoint": "Greeter.Hello", "micro-method": "Greeter.Hello", "micro-service": "svc" },
    });
  });

  it("trap 22: a Timeout is nanoseconds, of any size; ours is what is left", async () => {
    const mine = await raw((await greeter()).server.address);
    await asked(mine, { ...modern, Timeout: "700000000" }, "{}");
    expect(seen.leftMs).toBeGreaterThan(0);
    expect(seen.leftMs).toBeLessThanOrEqual(700);
    for (const odd of ["9223372036854775807", "99999999999999999999999", "", "soon", "-1", "1e9", "0"]) {
      expect(bodyOf(await asked(mine, { ...modern, Timeout: odd }, "{}")), odd).toBe('{"msg":"Hello "}\n');
    }
    const go = await peer((socket) => socket.write(answer("{}\n")));
    await (await clientOf(nodeAt(go))).request("svc", "A.B", {}, { timeoutMs: 700 });
    const sent = go.questions[0]?.frame.header["timeout"] ?? "";
    expect(sent).toMatch(/^\d+$/);
    expect(Number(sent)).toBeGreaterThan(1e8);
    expect(Number(sent)).toBeLessThanOrEqual(7e8);
  });

  it("trap 23: times are Go's durations in Consul and nanoseconds in gossip", () => {
    expect([30, 60, 65, 90, 95].map((seconds) => goDuration(seconds * 1e9))).toEqual([
      "30s",
      "1m0s",
      "1m5s",
      "1m30s",
      "1m35s",
    ]);
    const expires = decodeUpdate(Buffer.from(vectors.gossipUpdate.hex, "hex"))?.expires ?? 0n;
    expect(new Date(Number(expires / 1_000_000n)).toISOString()).toBe("2019-12-08T10:13:20.000Z");
  });

  it("trap 24: another order of tags or keys is no change", () => {
    const service = rich(NAME, "1.0.0");
    const node = service.nodes[0] as ServiceNode;
    const tags = encodeTags(service, node);
    const [first, ...others] = tags.filter((tag) => tag.startsWith("t-"));
    const turned = [...others, first as string, ...tags.filter((tag) => !tag.startsWith("t-"))];
    expect(turned).not.toEqual(tags);
    expect(decodeTags(turned)).toEqual(decodeTags(tags));
    const reversed = Object.fromEntries(Object.entries(node.metadata).reverse());
    expect(JSON.stringify(reversed)).not.toBe(JSON.stringify(node.metadata));
    const versions = withRecord([], service);
    expect(withRecord(versions, { ...service, nodes: [{ ...node, metadata: reversed }] })).toBe(versions);
    expect(withRecord(versions, { ...service, nodes: [{ ...node, metadata: {} }] })).not.toBe(versions);
  });

  it("trap 25: a topic that is named like a service reaches who subscribed to it, and its calls go on", async () => {
    const registry = memoryRegistry()();
    await registry.start();
    const broker = httpBroker({ address: "127.0.0.1:0", eras: ["v1.13"] })({ registry });
    const service = await greeter({ registry, broker });
    const heard: string[] = [];
    // Nobody subscribes by itself, as Go's servers of v1.17 to v2.2 do.
    await broker.publish(NAME, message("nobody"));
    await broker.subscribe(NAME, (event) => void heard.push(textOf(event)));
    const nodes = (await registry.get(NAME)).flatMap((found) => found.nodes);
    expect(nodes.map(({ metadata }) => metadata["topic"] ?? metadata["server"]).sort()).toEqual([NAME, "mucp"]);
    for (let call = 0; call < 10; call++) {
      expect(await service.client.request(NAME, "Greeter.Hello", { name: "J" })).toEqual({ msg: "Hello J" });
    }
    await broker.publish(NAME, message("all"));
    await eventually(5000, () => expect(heard).toEqual(["all"]));
  });

  it("trap 26: who dies over a call is an error for it, asked once; a handler of ours that throws kills nobody", async () => {
    const go = await peer((socket) => socket.destroy());
    await expect((await clientOf(nodeAt(go))).request("svc", "Pay.Now", {})).rejects.toMatchObject({
      code: "unavailable",
    });
    expect(go.questions).toHaveLength(1);
    const mine = await raw((await greeter()).server.address);
    const failed = await asked(mine, { ...modern, "Micro-Endpoint": "Greeter.Boom" }, "{}");
    expect(failed.header["micro-error"]).toBe("boom: plain text");
    expect(bodyOf(await asked(mine, modern, "{}"))).toBe('{"msg":"Hello "}\n');
  });

  it("trap 27: JSON ends with a line feed, in base64 too, and what comes without one is read", async () => {
    const body = jsonCodec.encode({ name: "John" });
    expect(Buffer.from(body).toString()).toBe('{"name":"John"}\n');
    expect(Buffer.from(encodeEnvelope({}, body)).toString()).toBe('{"Header":{},"Body":"eyJuYW1lIjoiSm9obiJ9Cg=="}');
    const mine = await raw((await greeter()).server.address);
    for (const end of ["", "\n", "\r\n", " \n\n"]) {
      expect(bodyOf(await asked(mine, modern, `{"name":"John"}${end}`))).toBe('{"msg":"Hello John"}\n');
    }
    expect(jsonCodec.decode(body)).toEqual({ name: "John" });
  });
});

describe("what is proven of wire.md", () => {
  /** The numbers at the beginning of the names of tests. */
  const numbersIn = (file: string, pattern: RegExp) => {
    const source = readFileSync(new URL(file, import.meta.url), "utf8");
    return new Set([...source.matchAll(pattern)].map((match) => Number(match[1])));
  };

  it("has all 27 traps of §11, once each", () => {
    const source = readFileSync(new URL(import.meta.url), "utf8");
    const numbers = [...source.matchAll(/^ {2}it\("trap (\d+): /gm)].map((match) => Number(match[1]));
    expect(numbers).toEqual(Array.from({ length: 27 }, (_, at) => at + 1));
  });

  it("has all 7 vectors of §12.4", () => {
    const numbers = numbersIn("./vectors.test.ts", /\b(?:it|describe)(?:\.each\([^)]*\))?\(\s*"(\d): /g);
    const tables = numbersIn("./vectors.test.ts", /\] as const\)\("(\d): /g);
    expect(new Set([...numbers, ...tables])).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]));
  });
});
