import { randomUUID } from "node:crypto";
import { type Consumer, Kafka, logLevel, type PartitionMetadata, type Producer } from "kafkajs";
import { parseAddresses } from "../addresses.ts";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import type { Broker } from "./broker.ts";
import { createDelivery } from "./delivery.ts";
import { checkAborted, checkTopic, notStarted, seal, unseal } from "./message.ts";

export interface KafkaBrokerInit {
  /** `host:port` of one cluster; `kafka://user:password@host:port` for SASL/PLAIN. @default ["127.0.0.1:9092"] */
  readonly addresses?: readonly string[];
  /** What the cluster shows of us. @default "micro" */
  readonly name?: string;
}

/**
 * Events over Kafka: go-micro's envelope as a value without a key, and a queue is a consumer group (`wire.md §8.4`). A group
 * begins with what comes after it; who subscribes without a queue is a group of its own.
 */
export function kafkaBroker(
  init: KafkaBrokerInit = {},
): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Broker {
  const at = parseAddresses("kafka", init.addresses, { schemes: ["kafka", "kafkas"], port: 9092 });
  const { where } = at;

  return ({ clock = systemClock, log = silent } = {}) => {
    const open = new Set<Closable>();
    let running: { readonly kafka: Kafka; readonly producer: Producer; readonly send: Send } | undefined;

    const started = () => {
      if (running === undefined) throw notStarted(where);
      return running;
    };
    const orFail = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
      try {
        return await orAbort(work, signal);
      } catch (error) {
        if (error instanceof MicroError) throw error;
        throw new MicroError("unavailable", `${where}: ${(error as Error).message}`, { cause: error });
      }
    };

    return {
      kind: "kafka",
      where,
      start: async (options = {}) => {
        if (running !== undefined) return;
        using limit = deadline(options, 5000, where);
        limit.check();
        const kafka = new Kafka({
          clientId: init.name ?? "micro",
          brokers: at.hosts.map(({ host, port }) => `${host}:${port}`),
          connectionTimeout: 3000,
          requestTimeout: 10_000,
          // Calls fail soon, as they have deadlines; consumers are started again below.
          retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 3 },
          logLevel: logLevel.WARN,
          logCreator: () => (entry) => log.debug({ where, reason: entry.log.message }, "kafka"),
          ssl: at.scheme === "kafkas",
          ...(at.user === undefined
            ? {}
            : { sasl: { mechanism: "plain" as const, username: at.user, password: at.password ?? "" } }),
        });
        const producer = kafka.producer({ allowAutoTopicCreation: true, createPartitioner: () => samePartition() });
        try {
          await orFail(producer.connect(), limit.signal);
        } catch (error) {
          await producer.disconnect().catch(() => {});
          throw error;
        }
        running = { kafka, producer, send: inBatches(producer) };
      },
      stop: async () => {
        const was = running;
        running = undefined;
        if (was === undefined) return;
        await Promise.all([...open].map((subscription) => subscription.close()));
        await was.producer.disconnect().catch(() => {});
      },
      publish: async (topic, message, options = {}) => {
        const { send } = started();
        checkName(topic);
        checkAborted(options.signal, where);
        const value = seal(topic, message);
        using limit = deadline(options, 5000, where);
        await orFail(send(topic, value, limit.signal), limit.signal);
      },
      subscribe: async (topic, handler, { queue = "", ...options } = {}) => {
        const { kafka } = started();
        checkName(topic);
        // A group of Kafka takes seconds to settle.
        using limit = deadline(options, 30_000, where);
        limit.check();
        const delivery = createDelivery({ topic, handler, clock, log });
        const consumer = kafka.consumer({
          groupId: queue === "" ? randomUUID() : queue,
          allowAutoTopicCreation: true,
          maxWaitTimeInMs: 100,
          heartbeatInterval: 1000,
          sessionTimeout: 10_000,
          rebalanceTimeout: 10_000,
          // For ever: it is to be live again whenever the cluster is.
          retry: { initialRetryTime: 200, maxRetryTime: 5000, retries: 10, restartOnFailure: async () => true },
        });
        const closing = closable(async () => {
          open.delete(closing);
          delivery.close();
          await consumer.disconnect().catch(() => {});
        });
        open.add(closing);
        try {
          await orFail(
            live(consumer, topic, async (bytes) => {
              const event = unseal(topic, bytes, log);
              if (event) delivery.push(event);
              await delivery.room();
            }),
            limit.signal,
          );
        } catch (error) {
          await closing.close();
          throw error;
        }
        return closing;
      },
    };
  };
}

type Send = (topic: string, value: Buffer, signal: AbortSignal) => Promise<void>;

interface Waiting {
  readonly topic: string;
  readonly value: Buffer;
  /** Who sends it has given it up. */
  readonly signal: AbortSignal;
  resolve(): void;
  reject(error: unknown): void;
}

const BATCH = 500;

/** One request at a time, with all that came meanwhile: the library keeps no order among several. */
function inBatches(producer: Producer): Send {
  const waiting: Waiting[] = [];
  let sending = false;
  const sendAll = async (): Promise<void> => {
    sending = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, BATCH).filter(({ signal }) => !signal.aborted);
      const topics = new Map<string, { key: null; value: Buffer }[]>();
      for (const { topic, value } of batch) {
        const messages = topics.get(topic) ?? [];
        messages.push({ key: null, value });
        topics.set(topic, messages);
      }
      try {
        const topicMessages = [...topics].map(([topic, messages]) => ({ topic, messages }));
        if (batch.length > 0) await producer.sendBatch({ topicMessages, acks: 1 });
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    sending = false;
  };
  return (topic, value, signal) =>
    new Promise<void>((resolve, reject) => {
      waiting.push({ topic, value, signal, resolve, reject });
      if (!sending) void sendAll();
    });
}

/**
 * Without a key Go takes any partition, and so loses the order. We take any too, but keep to it: the order of one publisher is
 * kept, and many publishers spread over all partitions.
 */
function samePartition(): (message: { readonly partitionMetadata: readonly PartitionMetadata[] }) => number {
  const any = Math.random();
  return ({ partitionMetadata }) => {
    const ids = partitionMetadata.map(({ partitionId }) => partitionId).sort((a, b) => a - b);
    return ids[Math.floor(any * ids.length)] ?? 0;
  };
}

/** Resolves when it has fetched once: before that it learns where the end is, and begins there. */
async function live(consumer: Consumer, topic: string, take: (bytes: Buffer) => Promise<void>): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: false });
  const fetched = new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.FETCH, () => resolve());
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  });
  fetched.catch(() => {});
  await consumer.run({ eachMessage: async ({ message }) => take(message.value ?? Buffer.alloc(0)) });
  await fetched;
}

/** @throws MicroError `invalid_argument` */
function checkName(topic: string): void {
  checkTopic(topic);
  if (!/^[\w.-]{1,249}$/.test(topic)) {
    const text = `"${topic}" cannot be a topic of Kafka: letters, digits, dots, dashes and underscores, 249 at most`;
    throw new MicroError("invalid_argument", text);
  }
}
