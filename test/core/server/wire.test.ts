import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { greeter } from "../../../examples/greeter.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { Service } from "../../../src/core/service.ts";

/* What a peer of any age puts on the wire, byte by byte, and what it gets back (wire.md §3.1, §4.2, §5). */

let service: Service;
let socket: Socket;
let received: string;
let closed: boolean;
const aborted: boolean[] = [];
let asked = 0;

beforeEach(async () => {
  service = greeter({ registry: memoryRegistry()(), address: "127.0.0.1:0", drainMs: 100 });
  service.server.handleRaw("Say.Boom", async () => {
    throw new Error("boom: plain text");
  });
  service.server.handleRaw("Say.Wait", async (_input, { signal }) => {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 2000);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    aborted.push(signal.aborted);
    return {};
  });
  service.server.handleRaw("Say.Much", async () => {
    asked++;
    return { much: "x".repeat(10_000) };
  });
  service.server.handleRaw("Say.Long", async () => {
    throw new MicroError("not_found", "€".repeat(300_000));
  });
  await service.start();
  const [host, port] = service.server.address.split(":");
  socket = connect({ host: host as string, port: Number(port) });
  await once(socket, "connect");
  received = "";
  closed = false;
  aborted.length = 0;
  socket.on("data", (data) => {
    received += data.toString("latin1");
  });
  socket.on("close", () => {
    closed = true;
  });
  socket.on("error", () => {});
});
afterEach(async () => {
  socket.destroy();
  await service.stop();
});

const answers = () => received.split("HTTP/1.1 200 OK").length - 1;
const answer = async (count = 1) => {
  await expect.poll(answers).toBe(count);
  await new Promise((resolve) => setTimeout(resolve, 20));
  return received;
};
function post(header: Record<string, string>, body: string): void {
  const lines = Object.entries(header).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(
    `POST / HTTP/1.1\r\nHost: x\r\n${lines.join("")}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
const modern = {
  "Content-Type": "application/json",
  "Micro-Service": "go.micro.srv.greeter",
  "Micro-Endpoint": "Say.Hello",
  "Micro-Id": "0",
};

describe("a modern call", () => {
  it("is answered with 200, its content type, JSON and a line feed; and the next one on the same connection", async () => {
    post(modern, '{"name":"John"}\n');
    const first = await answer();
    expect(first).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(first).toContain("Content-Type: application/json\r\n");
    expect(first).toContain("Micro-Id: 0\r\n");
    expect(first).toContain("X-Micro-Id: 0\r\n");
    expect(first.endsWith('\r\n\r\n{"msg":"Hello John"}\n')).toBe(true);
    post({ ...modern, "Micro-Id": "1" }, '{"name":"Ann"}\n');
    expect(await answer(2)).toContain("Hello Ann");
    expect(closed).toBe(false);
  });

  it("may name its endpoint in any of the four ways, in lower case, and in chunks", async () => {
    socket.write(
      'POST /any/path HTTP/1.1\r\ncontent-type: application/json\r\nx-micro-service: x\r\nx-micro-method: Say.Hello\r\ntransfer-encoding: chunked\r\n\r\nf\r\n{"name":"John"}\r\n0\r\n\r\n',
    );
    expect(await answer()).toContain("Hello John");
  });

  it("with an empty JSON body means an empty message", async () => {
    post({ ...modern, "Micro-Endpoint": "Debug.Health" }, "");
    expect(await answer()).toContain('{"status":"ok"}\n');
  });

  it.each([
    ["Say.Nope", "rpc: can't find method Nope"],
    ["Foo.Bar", "rpc: can't find service Foo"],
    ["Foo", "rpc: service/endpoint request ill-formed: Foo"],
    ["Say.Boom", "boom: plain text"],
  ])(
    "that fails (%s) says so in both headers with 200 and an empty body, and keeps the connection",
    async (endpoint, words) => {
      post({ ...modern, "Micro-Endpoint": endpoint }, "{}");
      const text = await answer();
      expect(text).toContain(`\r\nMicro-Error: ${words}\r\n`);
      expect(text).toContain(`\r\nX-Micro-Error: ${words}\r\n`);
      expect(text).toContain("Content-Length: 0\r\n\r\n");
      post(modern, '{"name":"John"}');
      expect(await answer(2)).toContain("Hello John");
    },
  );

  it("of a content type with parameters is refused (wire.md §11 trap 4)", async () => {
    post({ ...modern, "Content-Type": "application/json; charset=utf-8" }, "{}");
    expect(await answer()).toContain("Micro-Error: Unsupported Content-Type: application/json; charset=utf-8\r\n");
  });

  it("with a body that is no JSON, or not of its schema, gets a 400", async () => {
    post(modern, '{"name":');
    expect(await answer()).toContain('"code":400');
    post(modern, '{"name":7}');
    expect(await answer(2)).toMatch(/"code":400,"detail":"Say.Hello: name: /);
  });

  it("with a leaked Micro-Topic is still a call (wire.md §8.5)", async () => {
    post({ ...modern, "Micro-Topic": "events" }, '{"name":"John"}');
    expect(await answer()).toContain("Hello John");
  });
});

describe("a call of 2016", () => {
  it.each([
    ["7", '{"id":7,"result":{"msg":"Hello John"},"error":null}\n'],
    ['"7"', '{"id":"7","result":{"msg":"Hello John"},"error":null}\n'],
  ])("in JSON gets its id %s back with its type", async (id, expected) => {
    post({ "Content-Type": "application/json" }, `{"method":"Say.Hello","params":[{"name":"John"}],"id":${id}}`);
    expect((await answer()).endsWith(expected)).toBe(true);
  });

  it("in JSON that fails has the error in the envelope, and the connection stays", async () => {
    post({ "Content-Type": "application/json" }, '{"method":"Say.Boom","params":[{}],"id":1}');
    expect((await answer()).endsWith('{"id":1,"result":{},"error":"boom: plain text"}\n')).toBe(true);
    expect(closed).toBe(false);
  });

  it.each([
    ['{"method":"Say.Nope","params":[{}],"id":1}', '"error":"rpc: can\'t find method Nope"'],
    ['{"params":[{}]}', '"id":null'],
  ])("that cannot be dispatched closes the connection: %s", async (body, words) => {
    post({ "Content-Type": "application/json" }, body);
    expect(await answer()).toContain(words);
    await expect.poll(() => closed).toBe(true);
  });

  it("by a v1 client behind a static selector: json-rpc with modern headers", async () => {
    post({ ...modern, "Content-Type": "application/json-rpc" }, '{"method":"x","params":[{"name":"John"}],"id":"4"}');
    expect((await answer()).endsWith('{"id":"4","result":{"msg":"Hello John"},"error":null}\n')).toBe(true);
  });
});

describe("who else comes by", () => {
  it.each([
    ["a browser", "GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
    ["garbage", "\0\0\0\0\r\n\r\n"],
    ["two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"],
  ])("%s does no harm", async (_who, bytes) => {
    socket.write(bytes, "latin1");
    await expect.poll(() => closed || answers() > 0).toBe(true);
    expect(await service.client.request("x", "Say.Hello", { name: "J" }, { address: service.server.address })).toEqual({
      msg: "Hello J",
    });
  });

  it("tells a handler when its caller is gone, and when its deadline has passed", async () => {
    post({ ...modern, "Micro-Endpoint": "Say.Wait", Timeout: "50000000" }, "{}");
    await expect.poll(() => aborted).toEqual([true]);
    post({ ...modern, "Micro-Endpoint": "Say.Wait", "Micro-Id": "9" }, "{}");
    await new Promise((resolve) => setTimeout(resolve, 30));
    socket.destroy();
    await expect.poll(() => aborted, { timeout: 1500 }).toEqual([true, true]);
  });
});

describe("a peer", () => {
  it("that asks and never reads is not read any more either", async () => {
    asked = 0;
    socket.pause();
    const header = "Content-Type: application/json\r\nMicro-Service: s\r\nMicro-Endpoint: Say.Much\r\nMicro-Id: 1\r\n";
    const questions = `POST / HTTP/1.1\r\n${header}Content-Length: 2\r\n\r\n{}`.repeat(200);
    let sent = 0;
    for (; sent < 60_000 && socket.writableLength < 1 << 20; sent += 200) {
      socket.write(questions);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Some megabytes of answers that nobody reads fit into the system's own buffers.
    expect(asked).toBeLessThan(10_000);
  });

  it("is told of an error that is too long for a header by its beginning", async () => {
    post({ "Content-Type": "application/json", "Micro-Service": "s", "Micro-Endpoint": "Say.Long" }, "{}");
    await answer();
    const head = received.slice(0, received.indexOf("\r\n\r\n"));
    expect(head.length).toBeLessThan(1 << 20);
    const record = Buffer.from(/\r\nMicro-Error: (.*)\r\n/.exec(head)?.[1] ?? "", "latin1").toString("utf8");
    expect(JSON.parse(record)).toMatchObject({ code: 404, detail: expect.stringMatching(/^€+…$/) });
  });
});
