import { connect, createInbox, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { natsTransport } from "../../../src/core/transport/nats.ts";
import type { Connection, Frame } from "../../../src/core/transport/transport.ts";
import { transportContract } from "../../contract/transport.contract.ts";
import { freePort } from "../../fakes/free-port.ts";
import { hasNats, type NatsServer, startNats } from "../../fakes/nats-server.ts";

const frame = (text: string, header: Record<string, string> = {}): Frame => ({ header, body: Buffer.from(text) });
const textOf = (found: Frame) => Buffer.from(found.body).toString();
const echo = async (connection: Connection) => {
  for await (const found of connection) await connection.send(found);
};
/** The next frame. */
const next = async (connection: Connection): Promise<Frame> => {
  const { value } = await connection[Symbol.asyncIterator]().next();
  return value as Frame;
};
const ended = async (connection: Connection): Promise<unknown> => {
  try {
    for await (const _ of connection);
    return undefined;
  } catch (error) {
    return error;
  }
};

for (const binary of ["nats-server", "nats-server-next"] as const) {
  const there = hasNats(binary);

  describe.skipIf(!there)(there ? binary : `${binary} is not installed`, () => {
    let server: NatsServer;
    beforeAll(async () => {
      server = await startNats(binary);
    }, 60_000);
    afterAll(() => server?.stop());

    transportContract("nats", {
      create: () => natsTransport({ addresses: [server.address] }),
      any: ":0",
      nobody: "nobody.listens.here",
      largestBody: 700_000,
      without: {
        farewell: "a reply subject has no end that others could see",
        greeting: "a subject has no connection to be refused",
      },
    });

    describe("on the wire (wire.md §3.3)", () => {
      let bare: NatsConnection;
      beforeEach(async () => {
        bare = await connect({ servers: server.address });
      });
      afterEach(() => bare.close());

      it("asks as Go does", async () => {
        const seen: { subject: string; reply: string | undefined; text: string; plain: boolean }[] = [];
        bare.subscribe("greeter.node", {
          callback: (_error, message) => {
            const plain = message.headers === undefined;
            seen.push({ subject: message.subject, reply: message.reply, text: message.string(), plain });
            message.respond(
              '{"Header":{"Content-Type":"application/json","Micro-ID":"0"},"Body":"eyJtc2ciOiJIZWxsbyBKb2huIn0K"}',
            );
          },
        });
        await bare.flush();
        await using connection = await natsTransport({ addresses: [server.address] }).dial("greeter.node");
        const header = {
          accept: "application/json",
          "content-type": "application/json",
          "micro-service": "greeter",
          "micro-method": "Greeter.Hello",
          "micro-endpoint": "Greeter.Hello",
          "micro-id": "0",
          timeout: "5000000000",
        };
        await connection.send(frame('{"name":"John"}\n', header));
        const answer = await next(connection);
        expect({ header: { ...answer.header }, text: textOf(answer) }).toEqual({
          header: { "content-type": "application/json", "micro-id": "0" },
          text: '{"msg":"Hello John"}\n',
        });
        expect(seen).toEqual([
          {
            subject: "greeter.node",
            reply: expect.stringMatching(/^_INBOX\.[A-Z0-9]{22}\.[a-z0-9]+$/i),
            text: '{"Header":{"Accept":"application/json","Content-Type":"application/json","Micro-Endpoint":"Greeter.Hello","Micro-Id":"0","Micro-Method":"Greeter.Hello","Micro-Service":"greeter","Timeout":"5000000000"},"Body":"eyJuYW1lIjoiSm9obiJ9Cg=="}',
            plain: true,
          },
        ]);
      });

      it("answers as Go does, at a fresh inbox or the address that it was given", async () => {
        const transport = natsTransport({ addresses: [server.address] });
        await using fresh = await transport.listen(":0", echo);
        await using given = await transport.listen("my.node", async (connection) => {
          for await (const { header } of connection) {
            await connection.send(frame(header["micro-id"] ?? "", { "micro-id": "0", "x-micro-id": "0" }));
          }
        });
        expect(fresh.address).toMatch(/^_INBOX\.[A-Z0-9]{22}$/i);
        expect(given.address).toBe("my.node");
        const inbox = createInbox();
        const answers = bare.subscribe(inbox);
        bare.publish("my.node", '{"Header":{"Micro-ID":"E4"},"Body":null}', { reply: inbox });
        for await (const message of answers) {
          expect(message.reply).toBeFalsy();
          expect(message.headers).toBeUndefined();
          expect(message.string()).toBe('{"Header":{"Micro-Id":"0","X-Micro-Id":"0"},"Body":"RTQ="}');
          break;
        }
      });

      it("ends what cannot be read, and nothing else", async () => {
        const seen: string[] = [];
        await using listener = await natsTransport({ addresses: [server.address] }).listen(":0", async (connection) => {
          connection.receive(
            (found) => {
              seen.push(textOf(found));
              if (textOf(found) === "throw") throw new Error("no");
              void connection.send(found);
            },
            (error) => seen.push(error?.code ?? "closed"),
          );
        });
        const hostile = [
          "",
          "{",
          "null",
          "[1]",
          '{"Header":{"a":{}},"Body":""}',
          '{"Body":"%%%"}',
          '{"Header":{"Content-Length":"99999999999"},"Body":"YWJjZ',
          `{"Header":${"[".repeat(50_000)}`,
        ];
        for (const text of hostile) bare.publish(listener.address, text, { reply: createInbox() });
        bare.publish(listener.address, new Uint8Array([0xff, 0x00, 0x7b]), { reply: createInbox() });
        bare.publish(listener.address, "{}");
        bare.publish(listener.address, '{"Body":"dGhyb3c="}', { reply: createInbox() });
        const answer = await bare.request(listener.address, '{"Body":"YWJj"}', { timeout: 10_000 });
        expect(answer.string()).toBe('{"Header":{},"Body":"YWJj"}');
        expect(seen).toEqual(["throw", "internal", "abc"]);
      });

      it("ends a dialled connection whose answer cannot be read", async () => {
        bare.subscribe("liar", { callback: (_error, message) => void message.respond('{"Body":"!"}') });
        await bare.flush();
        await using connection = await natsTransport({ addresses: [server.address] }).dial("liar");
        await connection.send(frame("x"));
        expect(await ended(connection)).toMatchObject({ code: "invalid_argument" });
      });
    });

    it("tells connections apart that share one connection to NATS", async () => {
      const transport = natsTransport({ addresses: [server.address] });
      await using listener = await transport.listen(":0", echo);
      const before = sockets();
      const connections = await Promise.all(Array.from({ length: 20 }, () => transport.dial(listener.address)));
      expect(sockets()).toBe(before);
      await Promise.all(connections.map((connection, index) => connection.send(frame(`for ${index}`))));
      const answers = await Promise.all(connections.map(next));
      expect(answers.map(textOf)).toEqual(connections.map((_, index) => `for ${index}`));
      await Promise.all(connections.map((connection) => connection.close()));
    });

    it("says how much fits, and goes on", async () => {
      const transport = natsTransport({ addresses: [server.address] });
      await using listener = await transport.listen(":0", echo);
      await using connection = await transport.dial(listener.address);
      await expect(connection.send(frame("z".repeat(800_000)))).rejects.toMatchObject({ code: "invalid_argument" });
      await connection.send(frame("small"));
      expect(textOf(await next(connection))).toBe("small");
    });

    it("ends connections that are silent on both sides", async () => {
      const ends: unknown[] = [];
      const transport = natsTransport({ addresses: [server.address], idleMs: 100 });
      await using listener = await transport.listen(":0", async (connection) => {
        ends.push(await ended(connection));
      });
      await using connection = await transport.dial(listener.address);
      await connection.send(frame("once"));
      expect(await ended(connection)).toMatchObject({ code: "unavailable" });
      await expect.poll(() => ends).toEqual([expect.objectContaining({ code: "unavailable" })]);
    });

    it.each(["closed its connection", "is gone"])("notices after a while that a silent client %s", async (how) => {
      const ends: unknown[] = [];
      const transport = natsTransport({ addresses: [server.address], idleMs: 100 });
      await using listener = await transport.listen(":0", async (connection) => {
        const talking = setInterval(() => void connection.send(frame("still there?")).catch(() => {}), 10);
        try {
          ends.push(await ended(connection));
        } finally {
          clearInterval(talking);
        }
      });
      const here = how === "is gone" ? natsTransport({ addresses: [server.address] }) : transport;
      const connection = await here.dial(listener.address);
      await connection.send(frame("bye"));
      await connection.close();
      await expect.poll(() => ends, { timeout: 5000 }).toEqual([expect.objectContaining({ code: "unavailable" })]);
    });

    it("makes room for new connections when there are too many", async () => {
      const ends: string[] = [];
      const transport = natsTransport({ addresses: [server.address], maxConnections: 3 });
      await using listener = await transport.listen(":0", async (connection) => {
        connection.receive(
          (found) => void connection.send(found),
          (error) => ends.push(error?.code ?? "closed"),
        );
      });
      const bare = await connect({ servers: server.address });
      for (let index = 0; index < 10; index++) {
        const answer = await bare.request(listener.address, '{"Body":"YWJj"}', {
          noMux: true,
          reply: `_INBOX.many.${index}`,
          timeout: 10_000,
        });
        expect(answer.string()).toContain("YWJj");
      }
      expect(ends).toEqual(Array.from({ length: 7 }, () => "exhausted"));
      await bare.close();
    });
  });
}

describe.skipIf(!hasNats())(hasNats() ? "a NATS server that goes" : "nats-server is not installed", () => {
  let server: NatsServer;
  beforeEach(async () => {
    server = await startNats();
  }, 60_000);
  afterEach(() => server?.stop());

  it("ends its connections, refuses new ones in time, and is found again when it is back", async () => {
    const serverEnds: unknown[] = [];
    const transport = natsTransport({ addresses: [server.address] });
    await using listener = await transport.listen("a.node", async (connection) => {
      connection.receive(
        (found) => void connection.send(found),
        (error) => serverEnds.push(error?.code),
      );
    });
    const connection = await transport.dial(listener.address);
    await connection.send(frame("hello"));
    expect(textOf(await next(connection))).toBe("hello");
    const end = ended(connection);
    await server.kill();
    expect(await end).toMatchObject({ code: "unavailable" });
    expect(serverEnds).toEqual(["unavailable"]);
    await expect(connection.send(frame("late"))).rejects.toMatchObject({ code: "unavailable" });
    const before = performance.now();
    await expect(transport.dial("a.node", { timeoutMs: 300 })).rejects.toMatchObject({ code: "unavailable" });
    await expect(transport.dial("a.node")).rejects.toMatchObject({ code: "unavailable" });
    expect(performance.now() - before).toBeLessThan(10_000);

    await server.restart();
    let again: Connection | undefined;
    await expect
      .poll(
        async () => {
          again = await transport.dial("a.node");
          return true;
        },
        { timeout: 20_000 },
      )
      .toBe(true);
    await again?.send(frame("again"));
    expect(textOf(await next(again as Connection))).toBe("again");
    await again?.close();
  }, 60_000);

  it("may be away when all is closed, and leaves nothing behind", async () => {
    const before = sockets();
    const transport = natsTransport({ addresses: [server.address] });
    const listener = await transport.listen(":0", echo);
    const connection = await transport.dial(listener.address);
    await connection.send(frame("x"));
    await next(connection);
    await server.kill();
    await expect
      .poll(async () =>
        connection.send(frame("y")).then(
          () => "sent",
          () => "refused",
        ),
      )
      .toBe("refused");
    await connection.close();
    await listener.close();
    await expect.poll(sockets).toBeLessThanOrEqual(before);
  }, 60_000);

  it("is not waited for when it hangs", async () => {
    const transport = natsTransport({ addresses: [server.address] });
    server.freeze();
    await expect(transport.dial("x", { timeoutMs: 300 })).rejects.toMatchObject({ code: "unavailable" });
    await expect(transport.dial("x", { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: "cancelled" });
    server.thaw();
  });
});

describe("without any NATS server", () => {
  it("says so, and which", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const transport = natsTransport({ addresses: [`nats://user:secret@${address}`] });
    await expect(transport.dial("x")).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(address),
    });
    await expect(transport.listen(":0", echo)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.not.stringContaining("secret"),
    });
  });

  it.each(["", "a b", "a.*", "a.>", ".a", "a..b"])("refuses the address %j", async (address) => {
    await expect(natsTransport().dial(address)).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("does not repeat an address that is none", () => {
    expect(() => natsTransport({ addresses: ["http://user:secret@host:1"] })).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.not.stringContaining("secret") }),
    );
  });
});

function sockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP")).length;
}
