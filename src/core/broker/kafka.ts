import { randomUUID } from "node:crypto";
import { type Consumer, Kafka, logLevel, type Producer } from "kafkajs";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { parseAddresses } from "./addresses.ts";
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
    let running: { readonly kafka: Kafka; readonly producer: Producer } | undefined;

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
        const producer = kafka.producer({ allowAutoTopicCreation: true });
        try {
          await orFail(producer.connect(), limit.signal);
        } catch (error) {
          await producer.disconnect().catch(() => {});
          throw error;
        }
        running = { kafka, producer };
      },
      stop: async () => {
        const was = running;
        running = undefined;
        if (was === undefined) return;
        await Promise.all([...open].map((subscription) => subscription.close()));
        await was.producer.disconnect().catch(() => {});
      },
      publish: async (topic, message, options = {}) => {
        const { producer } = started();
        checkName(topic);
        checkAborted(options.signal, where);
        const value = seal(topic, message);
        using limit = deadline(options, 5000, where);
        await orFail(producer.send({ topic, messages: [{ key: null, value }], acks: 1 }), limit.signal);
      },
      subscribe: async (topic, handler, { queue = "", ...options } = {}) => {
        const { kafka } = started();
        checkName(topic);
        // A group of Kafka takes seconds to settle.
        using limit = deadline(options, 15_000, where);
        limit.check();
        const delivery = createDelivery({ topic, handler, clock, log });
        const consumer = kafka.consumer({
          groupId: queue === "" ? randomUUID() : queue,
          allowAutoTopicCreation: true,
          maxWaitTimeInMs: 100,
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
