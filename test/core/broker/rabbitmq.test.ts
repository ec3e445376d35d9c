import { Connection } from "rabbitmq-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BrokerEvent } from "../../../src/core/broker/broker.ts";
import { rabbitmqBroker } from "../../../src/core/broker/rabbitmq.ts";
import { brokerContract, eventually, message, textOf } from "../../contract/broker.contract.ts";
import { hasRabbitmq, type RabbitmqServer, startRabbitmq } from "../../fakes/rabbitmq-server.ts";

describe.skipIf(!hasRabbitmq)(hasRabbitmq ? "rabbitmq broker" : "rabbitmq is not installed", () => {
  let server: RabbitmqServer;
  beforeAll(async () => {
    server = await startRabbitmq();
  }, 120_000);
  afterAll(() => server?.stop());
  const create = async () => rabbitmqBroker({ addresses: [server.address] })();

  brokerContract("rabbitmq", {
    create,
    settleMs: 10_000,
    server: { kill: () => server.kill(), restart: () => server.restart(), backMs: 60_000 },
  });

  it("writes what Go's plugin reads, and reads what it writes", async () => {
    const broker = await create();
    await broker.start();
    const foreign = new Connection(`amqp://guest:guest@${server.address}`);
    const heard: { readonly headers: unknown; readonly body: Buffer; readonly type: unknown }[] = [];
    const exchanges = [{ exchange: "micro", type: "topic", durable: false }];
    const consumer = foreign.createConsumer(
      {
        queue: "",
        queueOptions: { autoDelete: true },
        exchanges,
        queueBindings: [{ exchange: "micro", routingKey: "events" }],
      },
      ({ headers, body, contentType }) => void heard.push({ headers, body, type: contentType }),
    );
    await new Promise<void>((resolve) => consumer.once("ready", resolve));
    const seen: BrokerEvent[] = [];
    await broker.subscribe("ev*", () => {});
    await broker.subscribe("*", (event) => void seen.push(event), { queue: "one" });
    await broker.publish("events", message('{"name":"John"}\n', { "micro-id": "7" }));
    await eventually(5000, () => expect(heard.length).toBe(1));
    expect(heard[0]).toEqual({
      headers: { "Content-Type": "application/json", "Micro-Id": "7", "Micro-Topic": "events" },
      body: Buffer.from('{"name":"John"}\n'),
      type: undefined,
    });
    // The v1 plugin gives no topic; v6 may set properties, and other programs other types of values.
    const publisher = foreign.createPublisher();
    await publisher.send(
      { exchange: "micro", routingKey: "events", headers: { "Content-Type": "a/b" } },
      Buffer.from("v1"),
    );
    const properties = { contentType: "application/json", headers: { n: 7, t: { a: "b" } } };
    await publisher.send({ exchange: "micro", routingKey: "events", ...properties }, Buffer.from('{"a":1}'));
    await eventually(5000, () => expect(seen.map(textOf)).toEqual(['{"name":"John"}\n', "v1", '{"a":1}']));
    expect(seen.map(({ topic }) => topic)).toEqual(["events", "events", "events"]);
    expect({ ...seen[1]?.header }).toEqual({ "content-type": "a/b", "micro-topic": "events" });
    expect({ ...seen[2]?.header }).toMatchObject({ n: "7", "micro-topic": "events" });
    await consumer.close();
    await publisher.close();
    await foreign.close();
    await broker.stop();
  });
});

describe("rabbitmq broker", () => {
  it("says who is not there, and no secret", async () => {
    const broker = rabbitmqBroker({ addresses: ["amqp://user:secret@127.0.0.1:1/vhost"] })();
    expect(broker.where).toBe("rabbitmq at 127.0.0.1:1");
    const failure = await broker.start().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "unavailable" });
    expect(String(failure)).not.toContain("secret");
    expect(() => rabbitmqBroker({ addresses: ["http://user:secret@host"] })).toThrow(/write amqp:\/\/host:port/);
  });
});
