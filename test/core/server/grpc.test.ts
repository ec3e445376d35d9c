import { once } from "node:events";
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from "node:http2";
import { connect as dialTcp } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseProto } from "../../../src/core/codec/proto.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { grpcDoor } from "../../../src/core/server/grpc.ts";
import { createService, type Service } from "../../../src/core/service.ts";
import { httpTransport } from "../../../src/core/transport/http.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const framed = (text: string | Buffer) => {
  const body = Buffer.from(text as string);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
};

describe("a gRPC server, asked with handmade frames,", () => {
  let service: Service;
  let log: string[] = [];
  let sessions: ClientHttp2Session[] = [];

  beforeEach(async () => {
    log = [];
    sessions = [];
    const proto = parseProto(`syntax = "proto3"; message Request { string name = 1; int64 age = 2; }
      message Response { string msg = 1; } service Greeter { rpc Hello(Request) returns (Response); }`);
    const { Hello } = proto.endpoints("Greeter", "go.micro.srv.greeter");
    service = createService({
      name: "go.micro.srv.greeter",
      registry: memoryRegistry()(),
      address: "127.0.0.1:0",
      door: grpcDoor({ maxUnreadBytes: 8 << 20 }),
      drainMs: 200,
    });
    const { server } = service;
    if (Hello) service.handle(Hello, (input) => ({ msg: `Hello ${(input as { name: string }).name}` }));
    server.handleRaw("Greeter.Echo", async (input, { header, deadlineAt }) => ({
      input,
      header,
      leftMs: deadlineAt === undefined ? null : deadlineAt - Date.now(),
    }));
    server.handleRaw("Greeter.Fail", async (input) => {
      if (input instanceof Uint8Array) throw new Error("boom: plain text");
      throw new MicroError("not_found", "user jo not found");
    });
    server.handleRaw("Greeter.Bytes", async (input) => input);
    server.handleRaw("Greeter.Slow", async (_input, { signal }) => {
      await once(signal, "abort");
      log.push("aborted");
      return {};
    });
    server.handleRawStream("Greeter.Chat", async (stream) => {
      for await (const message of stream) await stream.send(message);
      log.push("ended");
    });
    server.handleRawStream("Greeter.Deaf", async (_stream, { signal }) => {
      await once(signal, "abort");
    });
    await service.start();
  });
  afterEach(async () => {
    for (const session of sessions) session.destroy();
    await service.stop();
  });

  const session = async (): Promise<ClientHttp2Session> => {
    const made = connect(`http://${service.server.address}`);
    made.on("error", () => {});
    sessions.push(made);
    await once(made, "remoteSettings");
    return made;
  };
  const open = (on: ClientHttp2Session, path: string, headers: OutgoingHttpHeaders = {}) => {
    const request = on.request(
      { ":method": "POST", ":path": path, "content-type": "application/grpc+json", te: "trailers", ...headers },
      { endStream: false },
    );
    const found = {
      headers: {} as Record<string, unknown>,
      trailers: {} as Record<string, unknown>,
      body: Buffer.alloc(0),
    };
    request.on("error", () => {});
    request.on("response", (got) => Object.assign(found.headers, got));
    request.on("trailers", (got) => Object.assign(found.trailers, got));
    request.on("data", (chunk) => {
      found.body = Buffer.concat([found.body, chunk]);
    });
    const closed = new Promise<typeof found & { rst: number | undefined }>((resolve) =>
      request.on("close", () => resolve({ ...found, rst: request.rstCode })),
    );
    return { request, closed };
  };
  const ask = async (path: string, body: Buffer, headers: OutgoingHttpHeaders = {}) => {
    const { request, closed } = open(await session(), path, headers);
    request.end(body);
    return closed;
  };

  it("answers the captured call to the letter (wire.md §7), whatever stands before the service's name", async () => {
    for (const path of ["/go.micro.srv.greeter.Greeter/Hello", "/Greeter/Hello", "/pkg.v1.Greeter/Hello"]) {
      const answer = await ask(path, hex("0000000008 0a044a6f686e100c"), {
        "content-type": "application/grpc+proto",
        "grpc-timeout": "994187u",
        "x-content-type": "application/grpc+proto",
        timeout: "1000000000",
        "micro-from-service": "go.micro.api",
        "x-user-id": "u1",
      });
      expect(answer.headers).toMatchObject({ ":status": 200, "content-type": "application/grpc+proto" });
      expect(answer.body.toString("hex")).toBe("000000000c0a0a48656c6c6f204a6f686e");
      expect(answer.trailers).toMatchObject({ "grpc-status": "0" });
    }
  });

  it("shows the metadata to the handler, and the earlier one of two deadlines", async () => {
    const answer = await ask("/Greeter/Echo", framed(""), {
      "x-user-id": ["a", "b"],
      "x-content-type": "application/json",
      "grpc-timeout": "3S",
      timeout: "9000000000",
    });
    const { input, header, leftMs } = JSON.parse(answer.body.subarray(5).toString());
    expect(input).toEqual({});
    expect(header).toMatchObject({ "x-user-id": "a, b", "content-type": "application/json" });
    expect(Object.keys(header).filter((name) => name.startsWith("grpc-") || name === "te")).toEqual([]);
    expect(leftMs).toBeGreaterThan(500);
    expect(leftMs).toBeLessThanOrEqual(3000);
  });

  it("tells errors as Go does", async () => {
    const record = '{"id":"go.micro.srv.greeter","code":404,"detail":"user jo not found","status":"Not Found"}';
    expect((await ask("/Greeter/Fail", framed("{}"))).headers).toMatchObject({
      ":status": 200,
      "grpc-status": "5",
      "grpc-message": record,
    });
    const status = async (path: string, body: Buffer, type = "application/grpc+json") =>
      (await ask(path, body, { "content-type": type })).headers;
    expect(await status("/Greeter/Fail", framed("x"), "application/grpc+bytes")).toMatchObject({
      "grpc-status": "2",
      "grpc-message": "boom: plain text",
    });
    expect(await status("/Greeter/Nope", framed("{}"))).toMatchObject({
      "grpc-status": "12",
      "grpc-message": "unknown service Greeter.Nope",
    });
    expect(await status("/Hello", framed("{}"))).toMatchObject({ "grpc-status": "3" });
    expect(await status("/Greeter/Echo", framed("x"), "application/grpc+proto")).toMatchObject({ "grpc-status": "3" });
    expect(await status("/Greeter/Echo", framed("x"), "application/grpc+thrift")).toMatchObject({
      "grpc-status": "12",
    });
    expect(await status("/Greeter/Echo", framed("{"))).toMatchObject({ "grpc-status": "13" });
    expect(await status("/Greeter/Echo", framed(hex("22 ff fe 22")))).toMatchObject({ "grpc-status": "13" });
    expect(await status("/Greeter/Echo", Buffer.alloc(0))).toMatchObject({ "grpc-status": "13" });
    expect(await status("/Greeter/Echo", framed("{}").subarray(0, 6))).toMatchObject({ "grpc-status": "13" });
    expect(await status("/Greeter/Echo", framed("{}"), "text/html")).toMatchObject({ ":status": 415 });
    // v1's clients may send protobuf where they say JSON, once.
    expect(await status("/Greeter/Hello", hex("0000000008 0a044a6f686e100c"))).toMatchObject({ "grpc-status": "13" });
  });

  it("unpacks gzip", async () => {
    const packed = framed(gzipSync('{"a":1}'));
    packed[0] = 1;
    const answer = await ask("/Greeter/Echo", packed, { "grpc-encoding": "gzip" });
    expect(JSON.parse(answer.body.subarray(5).toString())).toMatchObject({ input: { a: 1 } });
    expect((await ask("/Greeter/Echo", packed, { "grpc-encoding": "snappy" })).headers).toMatchObject({
      "grpc-status": "12",
    });
  });

  it("begins before its caller half-closes, and lets go of one that never does", async () => {
    const { request, closed } = open(await session(), "/Greeter/Hello");
    request.write(framed('{"name":"Jo"}'));
    expect(await closed).toMatchObject({ trailers: { "grpc-status": "0" }, rst: constants.NGHTTP2_NO_ERROR });
  });

  it("carries a stream without an opening message until the caller half-closes", async () => {
    const { request, closed } = open(await session(), "/any.Greeter/Chat");
    request.write(framed('{"a":1}'));
    await once(request, "data");
    request.write(framed('{"a":2}').subarray(0, 4));
    request.write(framed('{"a":2}').subarray(4));
    await once(request, "data");
    request.end();
    const { body, trailers } = await closed;
    expect(body).toEqual(Buffer.concat([framed('{"a":1}\n'), framed('{"a":2}\n')]));
    expect(trailers).toMatchObject({ "grpc-status": "0" });
    expect(log).toEqual(["ended"]);
  });

  it("tells a handler that its caller gave up", async () => {
    const { request, closed } = open(await session(), "/Greeter/Slow");
    request.end(framed("{}"));
    await wait(100);
    request.close(constants.NGHTTP2_CANCEL);
    await closed;
    await expect.poll(() => log, { timeout: 5000 }).toEqual(["aborted"]);
  });

  it("refuses messages that are too large or lie about their length, before they have come", async () => {
    for (const path of ["/Greeter/Echo", "/Greeter/Chat"]) {
      const { request, closed } = open(await session(), path);
      request.write(hex("00 7fffffff 00"));
      expect((await closed).headers).toMatchObject({ "grpc-status": "8" });
    }
    const large = framed(Buffer.alloc((4 << 20) + 1));
    expect((await ask("/Greeter/Bytes", large, { "content-type": "application/grpc+bytes" })).headers).toMatchObject({
      "grpc-status": "8",
    });
    const most = framed(Buffer.alloc(4 << 20, 7));
    const answer = await ask("/Greeter/Bytes", most, { "content-type": "application/grpc+bytes" });
    expect(answer.body.equals(most)).toBe(true);
  });

  it("bounds what the streams of one connection may hold together", async () => {
    const on = await session();
    const calls = Array.from({ length: 4 }, () => {
      const call = open(on, "/Greeter/Bytes", { "content-type": "application/grpc+bytes" });
      call.request.write(framed(Buffer.alloc(4 << 20)).subarray(0, 3 << 20));
      return call;
    });
    const first = await Promise.race(calls.map(({ closed }) => closed));
    expect(first.headers).toMatchObject({ "grpc-status": "8" });
    expect((await ask("/Greeter/Hello", framed("{}"))).trailers).toMatchObject({ "grpc-status": "0" });
  });

  it("holds back a caller whose messages nobody reads", async () => {
    const { request } = open(await session(), "/Greeter/Deaf");
    let written = 0;
    const chunk = framed("x".repeat(10_000));
    const end = performance.now() + 700;
    while (performance.now() < end) {
      if (request.writableLength < 100_000) {
        request.write(chunk, () => {
          written += chunk.length;
        });
      }
      await wait(0);
    }
    expect(written).toBeLessThan(4 << 20);
  });

  it("refuses a header that is too large, and answers the others", async () => {
    const on = await session();
    const { closed } = open(on, "/Greeter/Hello", { "x-large": "x".repeat(60_000), "x-larger": "y".repeat(60_000) });
    const { headers, rst } = await Promise.race([closed, wait(5000).then(() => ({ headers: {}, rst: -1 }))]);
    expect(headers).toEqual({});
    expect(rst).not.toBe(-1);
    expect((await ask("/Greeter/Hello", framed("{}"))).trailers).toMatchObject({ "grpc-status": "0" });
  });

  it("ends the connection of who sends a header without an end, or resets without an end", async () => {
    const header = (length: number, type: number, flags: number, id: number) => {
      const bytes = Buffer.alloc(9);
      bytes.writeUIntBE(length, 0, 3);
      bytes[3] = type;
      bytes[4] = flags;
      bytes.writeUInt32BE(id, 5);
      return bytes;
    };
    const preface = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), header(0, 4, 0, 0)]);
    const flood = async (first: Buffer, frame: (round: number) => Buffer, rounds: number): Promise<number> => {
      const [host, port] = service.server.address.split(":");
      const socket = dialTcp({ host: host as string, port: Number(port) });
      let ended = false;
      let sent = 0;
      socket.on("error", () => {});
      socket.on("close", () => {
        ended = true;
      });
      socket.resume();
      socket.write(Buffer.concat([preface, first]));
      for (let round = 0; round < rounds && !ended; round++) {
        sent += frame(round).length;
        if (!socket.write(frame(round)))
          await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => {});
      }
      await Promise.race([ended || once(socket, "close"), wait(5000)]).catch(() => {});
      expect(ended).toBe(true);
      return sent;
    };
    // 100 MB of CONTINUATION.
    const part = Buffer.concat([header(16_384, 9, 0, 1), Buffer.alloc(16_384)]);
    expect(await flood(header(0, 1, 0, 1), () => part, 6400)).toBeLessThan(20 << 20);
    // :method POST, :scheme http, :path /Greeter/Slow, content-type application/grpc+json; then RST_STREAM.
    const literal = (name: string, value: string) =>
      Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
    const block = Buffer.concat([
      Buffer.of(0x83, 0x86),
      literal(":path", "/Greeter/Slow"),
      literal("content-type", "application/grpc+json"),
    ]);
    const body = framed("{}");
    await flood(
      Buffer.alloc(0),
      (round) => {
        const id = 2 * round + 1;
        const opened = [header(block.length, 1, 4, id), block, header(body.length, 0, 1, id), body];
        return Buffer.concat([...opened, header(4, 3, 0, id), hex("00000008")]);
      },
      100_000,
    );
    expect((await ask("/Greeter/Hello", framed("{}"))).trailers).toMatchObject({ "grpc-status": "0" });
  }, 60_000);

  it("says to go-micro's own RPC that it is at the wrong door, and ends what is nonsense", async () => {
    await using connection = await httpTransport().dial(service.server.address);
    await connection.send({
      header: { "micro-service": "x", "micro-endpoint": "Greeter.Hello" },
      body: Buffer.from("{}"),
    });
    const read = async () => {
      for await (const _ of connection);
    };
    await expect(read()).rejects.toThrow(/505 .*gRPC/);
    const [host, port] = service.server.address.split(":");
    const socket = dialTcp({ host: host as string, port: Number(port) });
    socket.end(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense and more nonsense"));
    socket.resume();
    await once(socket, "close");
  });

  it("stops with streams open, and leaves no socket behind", async () => {
    const before = process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP")).length;
    const { request, closed } = open(await session(), "/Greeter/Chat");
    request.write(framed("{}"));
    await once(request, "data");
    await service.server.stop();
    await closed;
    await expect
      .poll(() => process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP")).length, { timeout: 5000 })
      .toBeLessThan(before);
    expect(log).toEqual(["ended"]);
  });
});
