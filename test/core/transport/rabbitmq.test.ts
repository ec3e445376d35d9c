import { Connection as Bare, type Channel } from "rabbitmq-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { rabbitmqTransport } from "../../../src/core/transport/rabbitmq.ts";
import type { Connection, Frame } from "../../../src/core/transport/transport.ts";
import { transportContract } from "../../contract/transport.contract.ts";
import { freePort } from "../../fakes/free-port.ts";
import { hasRabbitmq, type RabbitmqServer, startRabbitmq } from "../../fakes/rabbitmq-server.ts";

const frame = (text: string, header: Record<string, string> = {}): Frame => ({ header, body: Buffer.from(text) });
const textOf = (found: Frame) => Buffer.from(found.body).toString();
const echo = async (connection: Connection) => {
  for await (const found of connection) await connection.send(found);
};
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
const sockets = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP")).length;

describe.skipIf(!hasRabbitmq)(hasRabbitmq ? "rabbitmq-server" : "rabbitmq-server is not installed", () => {
  let server: RabbitmqServer;
  beforeAll(async () => {
    server = await startRabbitmq();
  }, 120_000);
  afterAll(() => server?.stop(), 30_000);

  transportContract("rabbitmq", {
    create: () => rabbitmqTransport({ addresses: [server.address] }),
    any: ":0",
    nobody: "nobody.listens.here",
    without: {
      farewell: "a correlation id has no end that others could see",
      greeting: "a queue is not asked before something is published to it",
    },
  });

  describe("on the wire (wire.md §3.4)", () => {
    let bare: Bare;
    let channel: Channel;
    beforeEach(async () => {
      bare = new Bare(`amqp://guest:guest@${server.address}`);
      bare.on("error", () => {});
      channel = await bare.acquire();
    });
    afterEach(async () => {
      await channel.close();
      await bare.close();
    });

    it("asks as Go does", async () => {
      const seen: unknown[] = [];
      await channel.exchangeDeclare({ exchange: "micro", type: "topic", durable: false });
      await channel.queueDeclare({ queue: "greeter-node", durable: false, autoDelete: true });
      await channel.queueBind({ exchange: "micro", queue: "greeter-node", routingKey: "greeter-node" });
      await channel.basicConsume({ queue: "greeter-node", noAck: true }, (message) => {
        const { exchange, routingKey, replyTo, correlationId, headers, body } = message;
        seen.push({ exchange, routingKey, replyTo, correlationId, headers, body: String(body) });
        void channel.basicPublish(
          { routingKey: replyTo ?? "", correlationId: correlationId ?? "", headers: { "Micro-ID": "0", Number: 7 } },
          Buffer.from("answer"),
        );
      });
      await using connection = await rabbitmqTransport({ addresses: [server.address] }).dial("greeter-node");
      await connection.send(frame("raw \n body", { "micro-id": "0", "content-type": "application/json" }));
      const answer = await next(connection);
      expect({ header: { ...answer.header }, text: textOf(answer) }).toEqual({
        header: { "micro-id": "0", number: "7" },
        text: "answer",
      });
      expect(seen).toEqual([
        {
          exchange: "micro",
          routingKey: "greeter-node",
          replyTo: expect.stringMatching(/^amq\.rabbitmq\.reply-to\./),
          correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          headers: { "Micro-Id": "0", "Content-Type": "application/json" },
          body: "raw \n body",
        },
      ]);
    });

    it("answers as Go does, and lets what it cannot read be", async () => {
      const transport = rabbitmqTransport({ addresses: [server.address] });
      await using listener = await transport.listen(":0", echo);
      expect(listener.address).toMatch(/^[0-9a-f-]{36}$/);
      const answers: { correlationId: string | undefined; headers: unknown; body: string }[] = [];
      await channel.basicConsume(
        { queue: "amq.rabbitmq.reply-to", noAck: true },
        ({ correlationId, headers, body }) => {
          answers.push({ correlationId, headers, body: String(body) });
        },
      );
      const ask = (correlationId: string, headers: Record<string, unknown>, body: Buffer | string) =>
        channel.basicPublish(
          {
            exchange: "micro",
            routingKey: listener.address,
            replyTo: "amq.rabbitmq.reply-to",
            correlationId,
            headers,
          },
          body,
        );
      await channel.basicPublish({ exchange: "micro", routingKey: listener.address }, Buffer.from("no reply"));
      await ask("one", { "Micro-ID": "E4", table: { deep: [1, 2] }, nothing: null }, Buffer.from([0xff]));
      await ask("two", { __proto__x: true }, "text");
      await expect.poll(() => answers.length, { timeout: 10_000 }).toBe(2);
      expect(answers).toEqual([
        { correlationId: "one", headers: { "Micro-Id": "E4" }, body: "\ufffd" },
        { correlationId: "two", headers: { __proto__x: "true" }, body: "text" },
      ]);
    });
  });

  it("says what is too large, and goes on", async () => {
    const transport = rabbitmqTransport({ addresses: [server.address] });
    await using listener = await transport.listen(":0", echo);
    await using connection = await transport.dial(listener.address);
    const large = [{ a: "x".repeat(200_000) }, { ["n".repeat(300)]: "x" }];
    for (const header of large) {
      await expect(connection.send(frame("", header))).rejects.toMatchObject({ code: "invalid_argument" });
    }
    await connection.send(frame("small"));
    expect(textOf(await next(connection))).toBe("small");
  });

  it("ends connections that are silent on both sides", async () => {
    const ends: unknown[] = [];
    const transport = rabbitmqTransport({ addresses: [server.address], idleMs: 200 });
    await using listener = await transport.listen(":0", async (connection) => {
      ends.push(await ended(connection));
    });
    await using connection = await transport.dial(listener.address);
    await connection.send(frame("once"));
    expect(await ended(connection)).toMatchObject({ code: "unavailable" });
    await expect.poll(() => ends, { timeout: 5000 }).toEqual([expect.objectContaining({ code: "unavailable" })]);
  });

  it("notices after a while that a silent client is gone, and not that one is silent", async () => {
    const ends: unknown[] = [];
    const transport = rabbitmqTransport({ addresses: [server.address], idleMs: 100 });
    await using listener = await transport.listen(":0", async (connection) => {
      const talking = setInterval(() => void connection.send(frame("still there?")).catch(() => {}), 10);
      try {
        ends.push(await ended(connection));
      } finally {
        clearInterval(talking);
      }
    });
    const connection = await rabbitmqTransport({ addresses: [server.address], idleMs: 100 }).dial(listener.address);
    await connection.send(frame("hello"));
    let heard = 0;
    for await (const _ of connection) if (++heard === 60) break;
    expect(ends).toEqual([]);
    await connection.close();
    await expect.poll(() => ends, { timeout: 10_000 }).toEqual([expect.objectContaining({ code: "unavailable" })]);
  });

  it("is found again when it was lost", async () => {
    const before = sockets();
    const transport = rabbitmqTransport({ addresses: [server.address] });
    const listener = await transport.listen("a-node", echo);
    const connection = await transport.dial("a-node");
    await connection.send(frame("hello"));
    expect(textOf(await next(connection))).toBe("hello");
    const end = ended(connection);
    await server.kill();
    expect(await end).toMatchObject({ code: "unavailable" });
    await expect(connection.send(frame("late"))).rejects.toMatchObject({ code: "unavailable" });
    await expect(transport.dial("a-node")).rejects.toMatchObject({ code: "unavailable" });

    await server.restart();
    const asked = async () => {
      await using again = await transport.dial("a-node");
      await again.send(frame("again"));
      return textOf(await next(again));
    };
    await expect.poll(() => asked().catch(() => "refused"), { timeout: 30_000 }).toBe("again");
    await listener.close();
    await expect.poll(sockets, { timeout: 5000 }).toBeLessThanOrEqual(before);
  }, 150_000);

  it("is not waited for when it hangs", async () => {
    const transport = rabbitmqTransport({ addresses: [server.address] });
    server.freeze();
    try {
      await expect(transport.dial("x", { timeoutMs: 300 })).rejects.toMatchObject({ code: "unavailable" });
    } finally {
      server.thaw();
    }
  });
});

describe("without any RabbitMQ", () => {
  it("says so, and which, but no password", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const transport = rabbitmqTransport({ addresses: [`amqp://user:secret@${address}`] });
    await expect(transport.dial("x")).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(address),
    });
    await expect(transport.listen(":0", echo)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.not.stringContaining("secret"),
    });
    expect(() => rabbitmqTransport({ addresses: ["http://user:secret@host"] })).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.not.stringContaining("secret") }),
    );
  });

  it.each(["", "a b", "a.*", "a.#", "amq.x", "x".repeat(256)])("refuses the address %j", async (address) => {
    await expect(rabbitmqTransport().dial(address)).rejects.toMatchObject({ code: "invalid_argument" });
  });
});
