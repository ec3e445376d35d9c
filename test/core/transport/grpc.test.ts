import { once } from "node:events";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type GrpcTransportInit, grpcTransport } from "../../../src/core/transport/grpc.ts";
import type { Frame } from "../../../src/core/transport/transport.ts";
import { decodeFrame, encodeFrame } from "../../../src/core/wire/grpc-frame.ts";
import { writeMessage } from "../../../src/core/wire/grpc-messages.ts";
import { transportContract } from "../../contract/transport.contract.ts";

transportContract("grpc", { create: () => grpcTransport(), any: "127.0.0.1:0", nobody: "127.0.0.1:1" });
transportContract("grpc of v1", {
  create: () => grpcTransport({ era: "v1" }),
  any: "127.0.0.1:0",
  nobody: "127.0.0.1:1",
});

const OLD = "/go.micro.grpc.transport.Transport/Stream";
const NEW = "/go.micro.transport.grpc.Transport/Stream";

describe("the grpc transport, towards a service that knows one name only,", () => {
  const after: (() => void)[] = [];
  afterEach(() => {
    for (const clean of after.splice(0)) clean();
  });
  /** Says nothing before its first answer, as Go's does, and answers each frame with itself. */
  const peer = async (name: string) => {
    const asked: string[] = [];
    const sessions: ServerHttp2Session[] = [];
    const server = createServer();
    server.on("session", (session) => sessions.push(session));
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      asked.push(headers[":path"] as string);
      if (headers[":path"] !== name) {
        const status = { "grpc-status": "12", "grpc-message": "unknown service" };
        stream.respond({ ":status": 200, "content-type": "application/grpc", ...status }, { endStream: true });
        return;
      }
      stream.on("data", (chunk: Buffer) => stream.write(chunk));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    after.push(() => {
      for (const session of sessions) session.destroy();
      server.close();
    });
    return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
  };
  const frame: Frame = { header: { "micro-id": "7" }, body: Buffer.from("x") };
  const echoed = async (init: GrpcTransportInit, name: string) => {
    const { address, asked } = await peer(name);
    const transport = grpcTransport(init);
    for (const _ of [1, 2]) {
      await using connection = await transport.dial(address);
      await connection.send(frame);
      await connection.send({ ...frame, body: Buffer.from("y") });
      let bodies = "";
      for await (const { header, body } of connection) {
        expect(header).toEqual(frame.header);
        bodies += Buffer.from(body).toString();
        if (bodies.length === 2) break;
      }
      expect(bodies).toBe("xy");
    }
    return asked;
  };

  it("asks by the other name, loses nothing of what it has said, and remembers", async () => {
    expect(await echoed({}, NEW)).toEqual([NEW, NEW]);
    expect(await echoed({}, OLD)).toEqual([NEW, OLD, OLD]);
    expect(await echoed({ era: "v1" }, OLD)).toEqual([OLD, OLD]);
    expect(await echoed({ era: "v1" }, NEW)).toEqual([OLD, NEW, NEW]);
  });

  it("gives up where neither is known", async () => {
    const { address, asked } = await peer("/neither");
    const connection = await grpcTransport().dial(address);
    await connection.send(frame);
    const read = async () => {
      for await (const _ of connection);
    };
    await expect(read()).rejects.toMatchObject({ code: "unavailable", message: "unknown service" });
    await connection.close();
    expect(asked).toEqual([NEW, OLD]);
  });

  it("ends a connection on which nonsense comes", async () => {
    const { address } = await peer(NEW);
    const connection = await grpcTransport({ maxMessageBytes: 100 }).dial(address);
    await expect(connection.send({ header: {}, body: Buffer.alloc(200) })).rejects.toMatchObject({ code: "exhausted" });
    await connection.close();
    const listener = await grpcTransport().listen("127.0.0.1:0", async (it) => {
      for await (const _ of it);
    });
    after.push(() => void listener.close());
    const { connect } = await import("node:http2");
    for (const bytes of [writeMessage(Buffer.of(0xff)), Buffer.of(0, 0xff, 0xff, 0xff, 0xff)]) {
      const session = connect(`http://${listener.address}`);
      session.on("error", () => {});
      after.push(() => session.destroy());
      const stream = session.request({ ":method": "POST", ":path": NEW, "content-type": "application/grpc" });
      stream.on("error", () => {});
      stream.resume();
      stream.write(bytes);
      await once(stream, "close");
    }
    expect(decodeFrame(encodeFrame(frame)).header).toEqual(frame.header);
  });
});
