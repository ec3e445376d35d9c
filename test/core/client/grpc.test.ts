import { once } from "node:events";
import {
  constants,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from "node:http2";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import type { RequestOptions } from "../../../src/core/client/client.ts";
import { rpcClient } from "../../../src/core/client/rpc.ts";
import { RawJson } from "../../../src/core/codec/json.ts";
import { staticSelector } from "../../../src/core/selector/static.ts";
import { memoryTransport } from "../../../src/core/transport/memory.ts";

const framed = (text: string | Buffer) => {
  const body = Buffer.from(text as string);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
};
type Behave = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, number: number) => void;
const JSON_ANSWER = { ":status": 200, "content-type": "application/grpc+json" };

const answer = (stream: ServerHttp2Stream, body: Buffer, trailers: Record<string, string> = { "grpc-status": "0" }) => {
  stream.respond(JSON_ANSWER, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(body);
};

describe("a client of gRPC", () => {
  const after: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const clean of after.splice(0).reverse()) await clean();
  });

  /** A server out of Node's own http2 that does what a test wants. */
  const peer = async (behave: Behave, settings: Settings = {}) => {
    const sessions: ServerHttp2Session[] = [];
    const server = createServer({ settings });
    let number = 0;
    server.on("session", (session) => {
      sessions.push(session);
      session.on("error", () => {});
    });
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      behave(stream, headers, number++);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    after.push(async () => {
      for (const session of sessions) session.destroy();
      server.close();
    });
    return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, sessions };
  };
  const client = () => {
    const made = rpcClient({ name: "go.micro.api", profile: "grpc", retries: 0 })({
      transport: memoryTransport(),
      selector: staticSelector(),
    });
    after.push(() => made.close());
    return made;
  };
  const ask = async (behave: Behave, options: RequestOptions = {}, body: unknown = {}) => {
    const { address } = await peer(behave);
    return client().request("go.micro.srv.greeter", "Greeter.Hello", body, { address, ...options });
  };

  it("asks as Go's does, and takes JSON as it comes", async () => {
    const seen: IncomingHttpHeaders[] = [];
    const bodies: Buffer[] = [];
    const found = await ask(
      (stream, headers) => {
        seen.push(headers);
        stream.on("data", (chunk: Buffer) => bodies.push(chunk));
        stream.on("end", () => answer(stream, framed('{"userId":"9007199254740993","n":9007199254740993}')));
      },
      { metadata: { "X-User-Id": "u1", Timeout: "1", "Micro-Topic": "x" }, timeoutMs: 3000 },
      { name: "John" },
    );
    expect(found).toEqual({ userId: "9007199254740993", n: 9007199254740993n });
    const [headers = {}] = seen;
    expect(headers).toMatchObject({
      ":method": "POST",
      ":path": "/go.micro.srv.greeter.Greeter/Hello",
      ":scheme": "http",
      "content-type": "application/grpc+json",
      te: "trailers",
      "x-content-type": "application/json",
      "micro-from-service": "go.micro.api",
      "x-user-id": "u1",
    });
    expect(headers["grpc-timeout"]).toMatch(/^[1-3]\d{3}m$/);
    expect(headers["timeout"]).toMatch(/^[1-3]\d{3}000000$/);
    expect(headers["micro-topic"]).toBeUndefined();
    expect(Buffer.concat(bodies)).toEqual(framed('{"name":"John"}\n'));
  });

  it("gives the text of an answer where it is asked for, and unpacks gzip", async () => {
    const text = '{"b": 1.0, "a": 12345678901234567890}';
    expect(await ask((stream) => answer(stream, framed(text)), { raw: true })).toEqual(new RawJson(text));
    const packed = framed(gzipSync(text));
    packed[0] = 1;
    const zipped = await ask((stream) => {
      stream.respond({ ...JSON_ANSWER, "grpc-encoding": "gzip" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(packed);
    });
    expect(zipped).toEqual({ b: 1, a: 12345678901234567890n });
  });

  it("sends bytes as they are", async () => {
    const options = { contentType: "application/octet-stream" };
    const found = await ask(
      (stream) => stream.on("data", (all: Buffer) => answer(stream, all)),
      options,
      Buffer.from("\xff\0"),
    );
    expect(found).toEqual(Buffer.from("\xff\0"));
  });

  it.each<[string, Behave, object]>([
    [
      "an error at once",
      (stream) => stream.respond({ ...JSON_ANSWER, "grpc-status": 5, "grpc-message": "gone" }, { endStream: true }),
      { code: "not_found", message: "gone" },
    ],
    [
      "an error after a message",
      (stream) => answer(stream, framed("{}"), { "grpc-status": "2", "grpc-message": "boom%3A plain" }),
      { code: "internal", message: "boom: plain" },
    ],
    ["no message", (stream) => answer(stream, Buffer.alloc(0)), { code: "internal" }],
    ["two messages", (stream) => answer(stream, Buffer.concat([framed("{}"), framed("{}")])), { code: "internal" }],
    ["what is no JSON", (stream) => answer(stream, framed("<html>")), { code: "internal" }],
    ["bad UTF-8", (stream) => answer(stream, framed(Buffer.from([0x22, 0xff, 0x22]))), { code: "internal" }],
    [
      "a length that is a lie",
      (stream) => {
        stream.respond(JSON_ANSWER);
        stream.write(Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 0]));
      },
      { code: "exhausted" },
    ],
    [
      "the page of a proxy",
      (stream) => {
        stream.respond({ ":status": 503, "content-type": "text/html" });
        stream.end("<h1>busy</h1>");
      },
      { code: "unavailable", message: expect.stringContaining("503") },
    ],
    [
      "a web page",
      (stream) => {
        stream.respond({ ":status": 200, "content-type": "text/html" });
        stream.end("<h1>hello</h1>");
      },
      { code: "internal", message: expect.stringContaining("text/html") },
    ],
    ["a reset", (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR), { code: "internal" }],
    ["a cancellation", (stream) => stream.close(constants.NGHTTP2_CANCEL), { code: "cancelled" }],
    [
      "a refusal",
      (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM),
      { code: "unavailable", details: { notBegun: true } },
    ],
    [
      "the end of the connection",
      (stream) => stream.session?.destroy(),
      { code: "unavailable", details: { notBegun: false } },
    ],
  ])("says what is wrong with %s", async (_what, behave, error) => {
    await expect(ask(behave)).rejects.toMatchObject(error);
  });

  it("repeats what was not begun: a refused call, one beyond the last that a leaving server takes", async () => {
    let leaving = 0;
    const { address } = await peer((stream, _headers, number) => {
      if (number === 0) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      else if (number === 1) {
        leaving++;
        stream.session?.goaway(constants.NGHTTP2_NO_ERROR, 1);
      } else stream.on("data", () => {}).on("end", () => answer(stream, framed('{"n":1}')));
    });
    const caller = client();
    const again = { address, retries: 1 };
    await expect(caller.request("x", "Greeter.Hello", {}, again)).rejects.toMatchObject({
      code: "unavailable",
      details: { notBegun: true },
    });
    expect(await caller.request("x", "Greeter.Hello", {}, again)).toEqual({ n: 1 });
    expect(leaving).toBe(1);
  });

  it("says that nobody is there, and that something else is", async () => {
    await expect(client().request("x", "A.B", {}, { address: "127.0.0.1:1" })).rejects.toMatchObject({
      code: "unavailable",
      details: { notBegun: true },
    });
    const other = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    });
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    after.push(() => void other.close());
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    await expect(client().request("x", "A.B", {}, { address })).rejects.toMatchObject({
      code: "unavailable",
      details: { notBegun: true },
    });
  });

  it("goes on over one connection, over another one beyond the limit, and over a new one after GOAWAY", async () => {
    const held: ServerHttp2Stream[] = [];
    let hold = true;
    const behave: Behave = (stream) => {
      if (hold) held.push(stream);
      else answer(stream, framed("{}"));
    };
    const { address, sessions } = await peer(behave, { maxConcurrentStreams: 3 });
    const caller = client();
    const calls = Array.from({ length: 3 }, () => caller.request("x", "A.B", {}, { address }));
    await expect.poll(() => held.length).toBe(3);
    expect(sessions).toHaveLength(1);
    calls.push(...Array.from({ length: 2 }, () => caller.request("x", "A.B", {}, { address })));
    await expect.poll(() => held.length).toBe(5);
    expect(sessions).toHaveLength(2);
    for (const stream of held) answer(stream, framed("{}"));
    await Promise.all(calls);
    hold = false;
    for (const session of sessions) session.close();
    await wait(50);
    expect(await caller.request("x", "A.B", {}, { address })).toEqual({});
    expect(sessions).toHaveLength(3);
  });

  it("gives up in time, tells the service, and does not go there again over a line that is silent", async () => {
    const closed: number[] = [];
    const { address, sessions } = await peer((stream) => {
      stream.on("close", () => closed.push(stream.rstCode ?? -1));
    });
    const caller = client();
    for (const _ of [1, 2]) {
      const asked = caller.request("x", "A.B", {}, { address, timeoutMs: 100 });
      await expect(asked).rejects.toMatchObject({ code: "timeout" });
    }
    await expect.poll(() => closed).toEqual([constants.NGHTTP2_CANCEL, constants.NGHTTP2_CANCEL]);
    expect(sessions).toHaveLength(2);
  });

  it("holds back a service whose messages nobody reads", async () => {
    let written = 0;
    const chunk = framed(`"${"x".repeat(10_000)}"`);
    const { address } = await peer((stream) => {
      stream.respond(JSON_ANSWER);
      const timer = setInterval(() => {
        if (stream.destroyed) clearInterval(timer);
        else if (stream.writableLength < 100_000) {
          stream.write(chunk, () => {
            written += chunk.length;
          });
        }
      }, 0);
    });
    const stream = await client().stream("x", "A.B", { address });
    await stream.send({});
    await wait(500);
    expect(written).toBeLessThan(4 << 20);
    const before = written;
    let seen = 0;
    for await (const text of stream) if ((text as string).length === 10_000 && ++seen === 500) break;
    expect(written).toBeGreaterThan(before);
  });

  it("ends a stream as the service ends it", async () => {
    const { address } = await peer((stream, headers) => {
      const [, last] = (headers[":path"] as string).split("A/");
      stream.respond(JSON_ANSWER, { waitForTrailers: last !== "Reset" });
      stream.on("wantTrailers", () => {
        stream.sendTrailers(
          last === "Well" || last === "Cut" ? { "grpc-status": "0" } : { "grpc-status": "5", "grpc-message": "gone" },
        );
      });
      stream.write(framed('{"n":1}'));
      stream.write(framed('{"n":2}').subarray(0, last === "Cut" ? 7 : undefined), () => {
        if (last === "Reset") setTimeout(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR), 50);
        else stream.end();
      });
    });
    const caller = client();
    const read = async (endpoint: string) => {
      const seen: unknown[] = [];
      try {
        for await (const message of await caller.stream("x", endpoint, { address })) seen.push(message);
      } catch (error) {
        seen.push((error as { code: string }).code);
      }
      return seen;
    };
    expect(await read("A.Well")).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await read("A.Badly")).toEqual([{ n: 1 }, { n: 2 }, "not_found"]);
    expect(await read("A.Cut")).toEqual([{ n: 1 }, "internal"]);
    expect(await read("A.Reset")).toEqual([{ n: 1 }, { n: 2 }, "internal"]);
  });

  it("leaves nothing behind when it is closed", async () => {
    const { address, sessions } = await peer(() => {});
    const caller = client();
    const asked = caller.request("x", "A.B", {}, { address }).catch((error) => error);
    const stream = await caller.stream("x", "A.B", { address });
    await expect.poll(() => sessions.length).toBe(1);
    await wait(50);
    await caller.close();
    expect(await asked).toMatchObject({ code: "unavailable" });
    await expect(stream.send({})).rejects.toMatchObject({ code: "unavailable" });
    await expect.poll(() => sessions.every(({ destroyed }) => destroyed)).toBe(true);
  });
});
