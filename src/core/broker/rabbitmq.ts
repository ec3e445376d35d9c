import { Connection, type Consumer, type Publisher } from "rabbitmq-client";
import { parseAddresses } from "../addresses.ts";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import type { Broker, BrokerEvent } from "./broker.ts";
import { createDelivery } from "./delivery.ts";
import { checkAborted, checkTopic, incoming, notStarted, outgoing } from "./message.ts";

export interface RabbitmqBrokerInit {
  /** `host:port`, `amqp://user:password@host:port/vhost`, `amqps://…`; one cluster. @default ["127.0.0.1:5672"], guest */
  readonly addresses?: readonly string[];
  /** @default "micro", as go-micro calls it */
  readonly exchange?: string;
  /** The exchange, and queues that have a name, outlive a restart of the server. Everybody must say the same. @default false */
  readonly durable?: boolean;
}

/**
 * Events over RabbitMQ as go-micro sends them (`wire.md §8.3`): a topic exchange, the topic as routing key, and no envelope.
 * Subscribing takes patterns (`orders.*`, `orders.#`). What the server gives out counts as received.
 *
 * Bodies that a publisher marks as `application/json` in the AMQP property, which Go's do not by default, come in another
 * spelling of the same JSON: the library reads them.
 */
export function rabbitmqBroker(
  init: RabbitmqBrokerInit = {},
): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Broker {
  const { exchange = "micro", durable = false } = init;
  const at = parseAddresses("rabbitmq", init.addresses, { schemes: ["amqp", "amqps"], port: 5672 });
  const { where } = at;
  const exchanges = [{ exchange, type: "topic", durable, autoDelete: false }];

  return ({ clock = systemClock, log = silent } = {}) => {
    const open = new Set<Closable>();
    let running: { readonly connection: Connection; readonly publisher: Publisher } | undefined;

    const connected = () => {
      if (running === undefined) throw notStarted(where);
      if (!running.connection.ready) {
        throw new MicroError("unavailable", `${where} is not there now; it is tried again all the time`);
      }
      return running;
    };
    const connect = async (signal: AbortSignal): Promise<Connection> => {
      const connection = new Connection({
        hosts: at.hosts.map(({ host, port }) => `${host}:${port}`),
        username: at.user ?? "guest",
        password: at.password ?? "guest",
        vhost: at.path === "" ? "/" : decodeURIComponent(at.path),
        tls: at.scheme === "amqps",
        connectionTimeout: 5000,
        acquireTimeout: 5000,
        retryLow: 200,
        retryHigh: 5000,
        heartbeat: 20,
        // All headers of a message must fit into a frame; this is what the server agrees to unless told otherwise.
        frameMax: 128 << 10,
        noDelay: true,
      });
      const failed = new Promise<never>((_, reject) => connection.on("error", reject));
      failed.catch(() => {});
      connection.on("error", (error) => log.debug({ where, reason: MicroError.from(error).message }, "rabbitmq"));
      try {
        await orAbort(Promise.race([connection.onConnect(0), failed]), signal);
        return connection;
      } catch (error) {
        connection.unsafeDestroy();
        if (signal.aborted) throw MicroError.from(error);
        throw new MicroError("unavailable", `${where} cannot be reached: ${(error as Error).message}`, {
          cause: error,
        });
      }
    };

    return {
      kind: "rabbitmq",
      where,
      start: async (options = {}) => {
        if (running !== undefined) return;
        using limit = deadline(options, 5000, where);
        limit.check();
        const connection = await connect(limit.signal);
        running = { connection, publisher: connection.createPublisher({ exchanges }) };
      },
      stop: async () => {
        const was = running;
        running = undefined;
        if (was === undefined) return;
        const orderly = (async () => {
          await Promise.all([...open].map((subscription) => subscription.close()));
          await was.publisher.close();
          await was.connection.close();
        })();
        // A server that is away or frozen says no goodbye.
        await withinPatience(orderly, clock);
        was.connection.unsafeDestroy();
        open.clear();
      },
      publish: async (topic, message, options = {}) => {
        const { publisher } = connected();
        checkKey(topic);
        checkAborted(options.signal, where);
        const headers = outgoing(topic, message);
        const { body } = message;
        const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
        using limit = deadline(options, 5000, where);
        const sent = publisher.send({ exchange, routingKey: topic, headers }, bytes);
        await orAbort(sent, limit.signal).catch((error) => {
          const tooLarge = (error as { code?: unknown }).code === "CODEC";
          if (!tooLarge) throw MicroError.from(error, "unavailable");
          const text = `the header of a message to ${topic} is too large for ${where}: ${(error as Error).message}`;
          throw new MicroError("invalid_argument", text, { cause: error });
        });
      },
      subscribe: async (topic, handler, { queue = "", ...options } = {}) => {
        const { connection } = connected();
        checkKey(topic);
        using limit = deadline(options, 5000, where);
        limit.check();
        const delivery = createDelivery({ topic, handler, clock, log });
        const kept = durable && queue !== "";
        const consumer = connection.createConsumer(
          {
            queue,
            noAck: true,
            queueOptions: { durable: kept, autoDelete: !kept },
            exchanges,
            queueBindings: [{ exchange, routingKey: topic }],
          },
          ({ routingKey, headers, body }) => {
            delivery.push(received(routingKey, headers ?? {}, body));
          },
        );
        consumer.on("error", (error) =>
          log.debug({ where, topic, reason: MicroError.from(error).message }, "rabbitmq"),
        );
        const closing = closable(async () => {
          open.delete(closing);
          delivery.close();
          await withinPatience(consumer.close(), clock);
        });
        open.add(closing);
        try {
          await orAbort(isReady(consumer), limit.signal);
        } catch (error) {
          await closing.close();
          throw MicroError.from(error, "unavailable");
        }
        return closing;
      },
    };
  };
}

function isReady(consumer: Consumer): Promise<void> {
  return new Promise((resolve, reject) => {
    consumer.once("ready", resolve);
    consumer.once("error", (error: Error) => {
      reject(new MicroError("unavailable", `rabbitmq does not let us subscribe: ${error.message}`, { cause: error }));
    });
  });
}

function received(topic: string, headers: Readonly<Record<string, unknown>>, given: unknown): BrokerEvent {
  const header = incoming(headers);
  if (header["micro-topic"] === undefined) header["micro-topic"] = topic;
  const body = Buffer.isBuffer(given)
    ? given
    : Buffer.from(typeof given === "string" ? given : JSON.stringify(given), "utf8");
  return { topic, header, body };
}

const PATIENCE_MS = 1000;

async function withinPatience(work: Promise<unknown>, clock: Clock): Promise<void> {
  const enough = new AbortController();
  const patience = clock.sleep(PATIENCE_MS, { signal: enough.signal }).catch(() => {});
  await Promise.race([work.catch(() => {}), patience]);
  enough.abort();
}

/** AMQP 0-9-1 gives a routing key 255 bytes. @throws MicroError `invalid_argument` */
function checkKey(topic: string): void {
  checkTopic(topic);
  if (Buffer.byteLength(topic) > 255) {
    throw new MicroError("invalid_argument", "a topic of RabbitMQ has 255 bytes at most");
  }
}
