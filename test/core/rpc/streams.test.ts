import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { createService, defineEndpoint, type Service } from "../../../src/core/service.ts";
import { createFrameReader } from "../../../src/core/transport/http-framing.ts";
import type { Frame } from "../../../src/core/transport/transport.ts";
import { answer, rawPeer } from "../../fakes/raw-peer.ts";

const NAME = "go.micro.srv.ticker";
const count = defineEndpoint({
  service: NAME,
  name: "Ticker.Count",
  input: z.object({ n: z.number().int().max(1_000_000) }),
  output: z.object({ i: z.number().int() }),
  stream: true,
});
/** What the handlers have seen. */
let log: string[];

function ticker(): Service {
  const service = createService({ name: NAME, registry: memoryRegistry()(), address: "127.0.0.1:0", drainMs: 500 });
  service.handleStream(count, async (stream, { signal }) => {
    for await (const { n } of stream) {
      log.push(`asked ${n}`);
      for (let i = 0; i < n && !signal.aborted; i++) await stream.send({ i });
      return;
    }
    log.push("never asked");
  });
  service.server.handleRaw("Ticker.Once", async () => ({ once: true }));
  return service;
}

const eventually = async (check: () => void): Promise<void> => {
  for (let left = 200; ; left--) {
    try {
      return check();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
};

beforeEach(() => {
  log = [];
});

describe("a stream on the wire", () => {
  let service: Service;
  let socket: Socket;
  let frames: Frame[];
  let text: string;

  beforeEach(async () => {
    service = ticker();
    await service.start();
    const [host, port] = service.server.address.split(":");
    socket = connect({ host: host as string, port: Number(port) });
    await once(socket, "connect");
    frames = [];
    text = "";
    const reader = createFrameReader();
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      for (const { frame } of reader.push(chunk)) frames.push(frame);
    });
  });
  afterEach(async () => {
    socket.destroy();
    await service.stop();
  });

  const post = (body: string, more: Record<string, string> = {}) => {
    const header: Record<string, string> = {
      "Content-Type": "application/json",
      "Micro-Service": NAME,
      "Micro-Endpoint": "Ticker.Count",
      "Micro-Method": "Ticker.Count",
      "Micro-Id": "7",
      ...more,
    };
    const lines = Object.entries(header).map(([name, value]) => `${name}: ${value}\r\n`);
    const length = body === "" ? "Transfer-Encoding: chunked\r\n" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\n${length}${lines.join("")}\r\n${body === "" ? "0\r\n\r\n" : body}`);
  };

  it("follows the script of v1.9 and later: an opening that is not read, messages, and an end (wire.md §3.2)", async () => {
    post('{"n":9}\n', { "Micro-Stream": "7" });
    post('{"n":2}\n', { "Micro-Stream": "7" });
    await eventually(() => expect(frames).toHaveLength(3));
    expect(log).toEqual(["asked 2"]);
    expect(frames.slice(0, 2).map(({ body }) => Buffer.from(body).toString())).toEqual(['{"i":0}\n', '{"i":1}\n']);
    const end = frames[2]?.header ?? {};
    expect([end["micro-error"], end["x-micro-error"], end["micro-id"], end["x-micro-id"]]).toEqual([
      "EOS",
      "EOS",
      "7",
      "7",
    ]);
    expect(frames[2]?.body).toHaveLength(0);
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
  });

  it("takes all frames of a connection for the one stream of a client before v1.9, which names none", async () => {
    post("{}\n");
    post('{"n":1}\n');
    await eventually(() => expect(frames).toHaveLength(2));
    expect(log).toEqual(["asked 1"]);
  });

  it("ignores the late end of a stream that is over, and answers a call on the same connection after it", async () => {
    post("{}\n", { "Micro-Stream": "7" });
    post('{"n":1}\n', { "Micro-Stream": "7" });
    await eventually(() => expect(frames).toHaveLength(2));
    post("", { "Micro-Stream": "7", "Micro-Error": "EOS" });
    post('{"n":5}\n', { "Micro-Stream": "7" });
    // A stale Micro-Stream on a unary request is harmless (wire.md §4.2).
    post("{}\n", {
      "Micro-Stream": "8",
      "Micro-Endpoint": "Ticker.Once",
      "Micro-Method": "Ticker.Once",
      "Micro-Id": "9",
    });
    await eventually(() => expect(frames).toHaveLength(3));
    expect(Buffer.from(frames[2]?.body ?? []).toString()).toBe('{"once":true}\n');
    expect(log).toEqual(["asked 1"]);
  });

  it("ends its input when the caller just hangs up, as clients before v1.9 do", async () => {
    post("{}\n", { "Micro-Stream": "7" });
    await eventually(() => expect(log).toEqual([]));
    socket.end();
    await eventually(() => expect(log).toEqual(["never asked"]));
  });

  it("speaks the envelope of 2016, with the end inside it", async () => {
    const envelope = (params: string, id: number) => `{"method":"Ticker.Count","params":[${params}],"id":${id}}\n`;
    for (const [id, params] of ["{}", '{"n":1}'].entries()) {
      const body = envelope(params, id);
      socket.write(
        `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    }
    await eventually(() => expect(frames).toHaveLength(2));
    expect(JSON.parse(Buffer.from(frames[0]?.body ?? []).toString())).toMatchObject({ result: { i: 0 }, error: null });
    expect(JSON.parse(Buffer.from(frames[1]?.body ?? []).toString())).toMatchObject({ error: "EOS" });
  });
});

describe("a stream towards a server of another age", () => {
  const read = async (service: Service, address: string): Promise<unknown[]> => {
    const stream = await service.client.stream(NAME, "Ticker.Count", { address });
    await stream.send({ n: 2 });
    const seen: unknown[] = [];
    for await (const value of stream) seen.push(value);
    return seen;
  };

  it("ends with the connection, where no end is said (v0.25 to v1.2)", async () => {
    await using peer = await rawPeer((socket, _question, number) => {
      if (number === 1) socket.end(answer('{"i":0}') + answer('{"i":1}'));
    });
    const service = ticker();
    try {
      expect(await read(service, peer.address)).toEqual([{ i: 0 }, { i: 1 }]);
      const [opening, message] = peer.questions;
      expect(Buffer.from(opening?.frame.body ?? []).toString()).toBe("{}\n");
      expect(Buffer.from(message?.frame.body ?? []).toString()).toBe('{"n":2}\n');
      expect(opening?.frame.header["micro-stream"]).toBe(opening?.frame.header["micro-id"]);
      expect(opening?.frame.header["timeout"]).toBeUndefined();
    } finally {
      await service.client.close();
    }
  });

  it("is cut off, and not complete, where a server that says its end has not said it", async () => {
    await using peer = await rawPeer((socket, _question, number) => {
      if (number === 1) socket.end(answer('{"i":0}'));
    });
    const service = ticker();
    const node = { id: "n", address: peer.address, metadata: { protocol: "mucp", server: "mucp" } };
    try {
      const stream = await service.client.stream(NAME, "Ticker.Count", { node });
      await stream.send({ n: 2 });
      const seen: unknown[] = [];
      const reading = (async () => {
        for await (const value of stream) seen.push(value);
      })();
      await expect(reading).rejects.toMatchObject({ code: "unavailable" });
      expect(seen).toEqual([{ i: 0 }]);
    } finally {
      await service.client.close();
    }
  });

  it("is closed, and not cut off, for who closes it and still reads", async () => {
    await using peer = await rawPeer((socket, _question, number) => {
      if (number === 1) socket.write(answer('{"i":0}'));
    });
    const service = ticker();
    const node = { id: "n", address: peer.address, metadata: { protocol: "mucp", server: "mucp" } };
    try {
      const stream = await service.client.stream(NAME, "Ticker.Count", { node });
      await stream.send({ n: 1 });
      const reading = (async () => {
        for await (const _ of stream) void stream.close();
      })();
      await expect(reading).rejects.toThrow(/the stream .* is closed/);
    } finally {
      await service.client.close();
    }
  });

  it("does not trust what a response echoes, and ends at EOS (wire.md §11 trap 2)", async () => {
    await using peer = await rawPeer((socket, _question, number) => {
      if (number === 1)
        socket.write(
          answer('{"i":0}', { "Micro-Stream": "99", "Micro-Id": "99" }) + answer("", { "Micro-Error": "EOS" }),
        );
    });
    const service = ticker();
    try {
      expect(await read(service, peer.address)).toEqual([{ i: 0 }]);
    } finally {
      await service.client.close();
    }
  });
});
