import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Broker, BrokerEvent } from "../../../src/core/broker/broker.ts";
import { type HttpBrokerInit, httpBroker } from "../../../src/core/broker/http.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { Registry, ServiceRecord } from "../../../src/core/registry/registry.ts";
import { eventually, message, textOf } from "../../contract/broker.contract.ts";
import { HOSTILE } from "./hostile.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

/** How publishers of each era find subscribers, and what they send (`wire.md §8.1`). */
const ERAS = [
  { era: "v0.1", service: "topic:events", path: "/_sub", mark: ":topic" },
  { era: "v1.13", service: "events", path: "/_sub", mark: ":topic" },
  { era: "v1.18", service: "go.micro.http.broker", path: "/_sub", mark: ":topic" },
  { era: "v2.5", service: "micro.http.broker", path: "/", mark: "Micro-Topic" },
] as const;

/** The worked example of `wire.md §8.1`, which a v1.18.0 publisher wrote. */
const EXAMPLE =
  '{"Header":{":topic":"events","Content-Type":"application/json","Micro-From-Service":"go.micro.api","Micro-Id":"d8668b6c-d33c-4153-8f14-be0d620c85c6","Micro-Topic":"events","X-User-Id":"u1","lower-key":"v"},"Body":"eyJuYW1lIjoiSm9obiJ9Cg=="}';

describe("http broker and Go", () => {
  let registry: Registry;
  let broker: Broker;
  const closing: (() => Promise<unknown>)[] = [];

  const brokerWith = (init: HttpBrokerInit): Broker => {
    const made = httpBroker({ address: "127.0.0.1:0", ...init })({ registry });
    closing.push(() => made.stop());
    return made;
  };
  beforeEach(async () => {
    registry = memoryRegistry()();
    await registry.start();
    broker = brokerWith({ eras: ["v0.1", "v1.13", "v1.18", "v2.5"] });
    await broker.start();
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    await registry.stop();
  });

  /** What comes back for bytes on a connection of their own. */
  const exchange = async (address: string, bytes: string): Promise<string> => {
    const socket = connect(Number(address.split(":")[1]), "127.0.0.1");
    let said = "";
    socket.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (/\r\n\r\n/.test(said)) socket.end();
    });
    socket.write(bytes);
    await once(socket, "close");
    return said;
  };
  const post = (id: string, path: string, body: string, address: string, method = "POST") =>
    exchange(
      address,
      `${method} ${path}?id=${encodeURIComponent(id)} HTTP/1.1\r\nHost: ${address}\r\nUser-Agent: Go-http-client/1.1\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n${body}`,
    );
  const nodeOf = async (service: string) => {
    const node = (await registry.get(service))[0]?.nodes[0];
    if (node === undefined) throw new Error(`nobody is registered as ${service}`);
    return node;
  };
  /** A subscriber as Go's would be: keeps what is sent to it. */
  const subscriber = async () => {
    const requests: { readonly url: string; readonly head: IncomingMessage["headers"]; readonly body: string }[] = [];
    const server: Server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on("end", () => {
        requests.push({ url: `${request.method} ${request.url}`, head: request.headers, body });
        response.end();
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    return { requests, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
  };
  const labels = { broker: "http", secure: "false", topic: "events" };
  const register = (name: string, version: string, nodes: ServiceRecord["nodes"]) =>
    registry.register({ name, version, metadata: {}, endpoints: [], nodes });

  it("registers what v1.18 registers", async () => {
    await broker.subscribe("events", () => {}, { queue: "q1" });
    const records = await registry.get("go.micro.http.broker");
    const node = await nodeOf("go.micro.http.broker");
    expect(node.id).toMatch(/^events-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(node.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(records).toEqual([
      {
        name: "go.micro.http.broker",
        version: "q1",
        metadata: {},
        endpoints: [],
        nodes: [{ ...node, metadata: labels }],
      },
    ]);
  });

  it("registers everybody's version without a queue, an advertised address, and takes itself out again", async () => {
    const other = brokerWith({ advertise: "broker.example:80", eras: ["v0.1", "v1.13"] });
    await other.start();
    const subscription = await other.subscribe("events", () => {});
    expect((await registry.get("topic:events"))[0]).toMatchObject({
      version: "ff.http.broadcast",
      nodes: [{ address: "broker.example:80", metadata: { secure: "false" } }],
    });
    expect((await registry.get("events"))[0]?.nodes[0]?.id).toMatch(/^broker-[0-9a-f-]{36}\.[0-9a-f-]{36}$/);
    await subscription.close();
    expect(await registry.list()).toEqual([]);
  });

  it.each(ERAS)("hears publishers of $era", async ({ service, path, mark }) => {
    const seen: BrokerEvent[] = [];
    await broker.subscribe("events", (event) => void seen.push(event));
    const { id, address } = await nodeOf(service);
    const body = `{"Header":{"${mark}":"events","Content-Type":"application/json"},"Body":"eyJuYW1lIjoiSm9obiJ9Cg=="}`;
    expect(await post(id, path, body, address)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Content-Length: 0\r\n\r\n$/s);
    expect(seen.map(textOf)).toEqual(['{"name":"John"}\n']);
    expect(seen[0]?.topic).toBe("events");
    expect(Object.keys(seen[0]?.header ?? {})).not.toContain(":topic");
  });

  it("hears the worked example, byte by byte", async () => {
    const seen: BrokerEvent[] = [];
    await broker.subscribe("events", (event) => void seen.push(event));
    const { id, address } = await nodeOf("go.micro.http.broker");
    expect(Buffer.byteLength(EXAMPLE)).toBe(240);
    await post(id, "/_sub", EXAMPLE, address);
    expect({ ...seen[0]?.header }).toEqual({
      "content-type": "application/json",
      "micro-from-service": "go.micro.api",
      "micro-id": "d8668b6c-d33c-4153-8f14-be0d620c85c6",
      "micro-topic": "events",
      "x-user-id": "u1",
      "lower-key": "v",
    });
  });

  it("refuses other methods, what is no envelope and what has no topic; accepts any path and unknown ids", async () => {
    const seen: BrokerEvent[] = [];
    await broker.subscribe("events", (event) => void seen.push(event));
    const { id, address } = await nodeOf("micro.http.broker");
    expect(await post(id, "/", EXAMPLE, address, "PUT")).toMatch(/^HTTP\/1\.1 405 /);
    for (const payload of HOSTILE.filter((each) => typeof each === "string")) {
      expect(await post(id, "/", payload as string, address)).toMatch(/^HTTP\/1\.1 500 .*"code":500,"detail":"/s);
    }
    expect(await post(id, "/", '{"Header":{"a":"b"},"Body":"aGVsbG8="}', address)).toMatch(/^HTTP\/1\.1 500 /);
    expect(await post("nobody", "/_sub", EXAMPLE, address)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await post(id, "/", EXAMPLE.replaceAll('"events"', '"other"'), address)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await exchange(address, "hello\r\n\r\n")).toMatch(/^HTTP\/1\.1 405 /);
    expect(await exchange(address, "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n")).toMatch(/^HTTP\/1\.1 500 /);
    expect(seen).toEqual([]);
    expect(await post(id, "/whatever/else", EXAMPLE, address)).toMatch(/^HTTP\/1\.1 200 /);
    expect(seen.length).toBe(1);
  });

  it("answers requests that come one behind the other, in their order", async () => {
    const seen: BrokerEvent[] = [];
    await broker.subscribe("events", (event) => void seen.push(event));
    const { id, address } = await nodeOf("micro.http.broker");
    const request = (body: string, last = false) =>
      `POST /?id=${id} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${last ? "Connection: close\r\n" : ""}\r\n${body}`;
    const socket = connect(Number(address.split(":")[1]), "127.0.0.1");
    let said = "";
    socket.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    socket.write(request(EXAMPLE) + request("nonsense") + request(EXAMPLE, true));
    await once(socket, "close");
    expect([...said.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(["200", "500", "200"]);
    expect(seen.length).toBe(2);
  });

  it.each(ERAS)("reaches subscribers of $era", async ({ era, service, path }) => {
    const { requests, address } = await subscriber();
    const id = "events-a b/ü";
    const metadata: Record<string, string> = era === "v0.1" ? { secure: "false" } : labels;
    await register(service, "ff.http.broadcast", [{ id, address, metadata }]);
    const header = {
      "micro-from-service": "go.micro.api",
      "micro-id": "d8668b6c-d33c-4153-8f14-be0d620c85c6",
      "x-user-id": "u1",
    };
    await broker.publish("events", message('{"name":"John"}\n', header));
    await eventually(5000, () => expect(requests.length).toBe(1));
    const [request] = requests;
    expect(request?.url).toBe(`POST ${path}?id=events-a+b%2F%C3%BC`);
    expect(request?.head).toMatchObject({ host: address, "content-type": "application/json" });
    const expected = EXAMPLE.replace(',"lower-key":"v"', "");
    expect(request?.body).toBe(path === "/" ? expected.replace('":topic":"events",', "") : expected);
  });

  it("sends once to who is registered under several names", async () => {
    const { requests, address } = await subscriber();
    const [one, two] = [
      { id: "events-1", address, metadata: labels },
      { id: "events-2", address, metadata: labels },
    ];
    for (const name of ["go.micro.http.broker", "micro.http.broker"]) {
      await register(name, "ff.http.broadcast", [one, two]);
      await register(name, "q1", [{ ...one, id: "events-3" }]);
    }
    await register("events", "ff.http.broadcast", [{ ...one, id: "broker-1" }]);
    await broker.publish("events", message("x"));
    await eventually(5000, () => expect(requests.length).toBe(3));
    await broker.publish("events", message("x"));
    await eventually(5000, () => expect(requests.length).toBe(6));
    expect(requests.map(({ url }) => url.slice(-8)).sort()).toEqual(
      ["1", "1", "2", "2", "3", "3"].map((each) => `events-${each}`),
    );
  });

  it.skipIf(!hasOpenssl)(
    `reaches subscribers with TLS, if it trusts them${hasOpenssl ? "" : " (no openssl here)"}`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "micro-tls-"));
      const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
      const subject = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"];
      const made = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        key,
        "-out",
        cert,
        ...subject,
      ];
      expect(spawnSync("openssl", made).status).toBe(0);
      const pem = { key: await readFile(key), cert: await readFile(cert) };
      await rm(folder, { recursive: true });
      const requests: string[] = [];
      const server = createTlsServer(pem, (request, response) => {
        requests.push(`${request.method} ${request.url}`);
        request.resume();
        request.on("end", () => response.end());
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      closing.push(async () => {
        server.closeAllConnections();
        server.close();
      });
      const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const metadata = { ...labels, secure: "true" };
      await register("micro.http.broker", "ff.http.broadcast", [{ id: "events-1", address, metadata }]);
      await broker.publish("events", message("distrusted"));
      const trusting = brokerWith({ tls: { ca: pem.cert } });
      await trusting.start();
      await trusting.publish("events", message("trusted"));
      await eventually(5000, () => expect(requests).toEqual(["POST /?id=events-1"]));
    },
  );

  it("leaves alone what only has the topic's name, and other topics", async () => {
    const { requests, address } = await subscriber();
    const rpc = { protocol: "mucp", server: "mucp", broker: "http", transport: "http" };
    await register("events", "latest", [{ id: "events-rpc", address, metadata: rpc }]);
    await register("micro.http.broker", "ff.http.broadcast", [
      { id: "other-1", address, metadata: { ...labels, topic: "other" } },
      { id: "events-1", address, metadata: labels },
    ]);
    await broker.publish("events", message("x"));
    await eventually(5000, () => expect(requests.map(({ url }) => url)).toEqual(["POST /?id=events-1"]));
  });

  it("sends to another of a queue when one cannot be reached, and keeps what reached nobody for the next", async () => {
    const [living, late] = [await subscriber(), await subscriber()];
    const dead = "127.0.0.1:1";
    const node = (id: string, address: string) => ({ id, address, metadata: labels });
    await register("micro.http.broker", "q1", [
      node("dead-1", dead),
      node("dead-2", dead),
      node("q-1", living.address),
    ]);
    await register("micro.http.broker", "ff.http.broadcast", [node("all-1", dead)]);
    for (let index = 0; index < 6; index++) {
      await broker.publish("events", message(`m${index}`));
      await eventually(5000, () => expect(living.requests.length).toBe(index + 1));
    }
    expect(late.requests).toEqual([]);
    // Its process is there again, at another address.
    await register("micro.http.broker", "ff.http.broadcast", [node("all-1", late.address)]);
    await broker.publish("events", message("m6"));
    await eventually(5000, () => expect(late.requests.length).toBe(7));
    const texts = late.requests.map(({ body }) => Buffer.from(JSON.parse(body).Body, "base64").toString());
    expect(texts).toEqual(["m0", "m1", "m2", "m3", "m4", "m5", "m6"]);
  });

  it("notices at once who comes, goes and moves", async () => {
    const [one, two] = [await subscriber(), await subscriber()];
    const at = (address: string) => ({ id: "events-1", address, metadata: labels });
    await broker.publish("events", message("nobody"));
    await register("micro.http.broker", "ff.http.broadcast", [at(one.address)]);
    await broker.publish("events", message("one"));
    await register("micro.http.broker", "ff.http.broadcast", [at(two.address)]);
    await broker.publish("events", message("two"));
    await registry.deregister({
      ...{ name: "micro.http.broker", version: "ff.http.broadcast", metadata: {}, endpoints: [] },
      nodes: [at(two.address)],
    });
    await broker.publish("events", message("nobody"));
    await eventually(5000, () => expect([one.requests.length, two.requests.length]).toEqual([1, 1]));
  });
});
