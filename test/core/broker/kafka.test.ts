import { Kafka, logLevel, Partitioners } from "kafkajs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BrokerEvent } from "../../../src/core/broker/broker.ts";
import { kafkaBroker } from "../../../src/core/broker/kafka.ts";
import { brokerContract, eventually, message, textOf } from "../../contract/broker.contract.ts";
import { hasKcat, type KafkaCluster, startKafka } from "../../fakes/kafka-cluster.ts";
import { HOSTILE } from "./hostile.ts";

describe.skipIf(!hasKcat)(hasKcat ? "kafka broker on librdkafka's mock cluster" : "kcat is not installed", () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await startKafka();
  }, 60_000);
  afterAll(() => cluster?.stop());
  const create = async () => kafkaBroker({ addresses: [cluster.address] })();
  const foreignProducer = async () => {
    const kafka = new Kafka({ brokers: [cluster.address], logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    return producer;
  };

  brokerContract("kafka", {
    create,
    settleMs: 20_000,
    limitMs: 90_000,
    without: { oddTopics: "names of topics are restricted" },
    hostile: {
      payloads: HOSTILE,
      send: async (topic, payload) => {
        const producer = await foreignProducer();
        await producer.send({ topic, messages: [{ value: Buffer.from(payload as string) }] });
        await producer.disconnect();
      },
    },
  });

  it("reads what Go wrote", async () => {
    const broker = await create();
    await broker.start();
    const seen: BrokerEvent[] = [];
    await broker.subscribe("events", (event) => void seen.push(event));
    const value =
      '{"Header":{"Content-Type":"application/json","Micro-Topic":"events"},"Body":"eyJuYW1lIjoiSm9obiJ9Cg=="}';
    const producer = await foreignProducer();
    await producer.send({ topic: "events", messages: [{ value }] });
    await producer.disconnect();
    await eventually(10_000, () => expect(seen.map(textOf)).toEqual(['{"name":"John"}\n']));
    await broker.stop();
  }, 30_000);

  it("refuses names that Kafka would", async () => {
    const broker = await create();
    await broker.start();
    await expect(broker.publish("a/b", message("x"))).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(broker.subscribe("a b", () => {})).rejects.toMatchObject({ code: "invalid_argument" });
    await broker.stop();
  });
});

describe.skipIf(!hasKcat)(hasKcat ? "kafka broker without its cluster" : "kcat is not installed", () => {
  it("says so, and stops", async () => {
    const cluster = await startKafka();
    const broker = kafkaBroker({ addresses: [cluster.address] })();
    await broker.start();
    await broker.subscribe("events", () => {});
    await cluster.stop();
    await eventually(10_000, async () => {
      const outcome = await broker.publish("events", message("x"), { timeoutMs: 500 }).catch((error) => error.code);
      expect(["unavailable", "timeout"]).toContain(outcome);
    });
    const stopped = performance.now();
    await broker.stop();
    expect(performance.now() - stopped).toBeLessThan(15_000);
    await eventually(20_000, () =>
      expect(process.getActiveResourcesInfo().filter((kind) => kind.startsWith("TCP"))).toEqual([]),
    );
  }, 90_000);
});

describe("kafka broker", () => {
  it("says who is not there, and no secret", async () => {
    const broker = kafkaBroker({ addresses: ["kafka://user:secret@127.0.0.1:1"] })();
    expect(broker.where).toBe("kafka at 127.0.0.1:1");
    const failure = await broker.start().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "unavailable" });
    expect(String(failure)).not.toContain("secret");
  });
});
