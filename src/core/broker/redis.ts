import { Redis } from "ioredis";
import { parseAddresses } from "../addresses.ts";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import type { Broker } from "./broker.ts";
import { createDelivery, type Delivery } from "./delivery.ts";
import { checkAborted, checkTopic, noQueues, notStarted, seal, unseal } from "./message.ts";

export interface RedisBrokerInit {
  /** `host:port`, `redis://user:password@host:port/0`, `rediss://…`: the first of them. @default ["127.0.0.1:6379"] */
  readonly addresses?: readonly string[];
}

/** Events over Redis: PUBLISH of go-micro's envelope on the channel named like the topic (`wire.md §8.4`). No queues. */
export function redisBroker(
  init: RedisBrokerInit = {},
): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Broker {
  const first = init.addresses?.slice(0, 1);
  const at = parseAddresses("redis", first, { schemes: ["redis", "rediss"], port: 6379 });
  const { where } = at;

  return ({ clock = systemClock, log = silent } = {}) => {
    const open = new Set<Closable>();
    const topics = new Map<string, Set<Delivery>>();
    /** One to publish, and one to subscribe, which can do nothing else then. */
    let running: { readonly publisher: Redis; readonly subscriber: Redis } | undefined;

    const client = (): Redis => {
      const redis = new Redis({
        ...(at.hosts[0] ?? {}),
        ...(at.user === undefined ? {} : { username: at.user }),
        ...(at.password === undefined ? {} : { password: at.password }),
        ...(at.path === "" ? {} : { db: Number(at.path) }),
        ...(at.scheme === "rediss" ? { tls: {} } : {}),
        lazyConnect: true,
        // What cannot be sent now is not sent later.
        enableOfflineQueue: false,
        autoResendUnfulfilledCommands: false,
        maxRetriesPerRequest: 0,
        connectTimeout: 5000,
        retryStrategy: (times) => Math.min(100 * 2 ** Math.min(times, 6), 5000),
      });
      redis.on("error", (error) => log.debug({ where, reason: error.message }, "redis"));
      return redis;
    };
    const connected = () => {
      if (running === undefined) throw notStarted(where);
      if (running.publisher.status !== "ready" || running.subscriber.status !== "ready") {
        throw new MicroError("unavailable", `${where} is not there now; it is tried again all the time`);
      }
      return running;
    };
    /** What the library throws is of no type of its own. */
    const orFail = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
      try {
        return await orAbort(work, signal);
      } catch (error) {
        if (error instanceof MicroError) throw error;
        throw new MicroError("unavailable", `${where}: ${(error as Error).message}`, { cause: error });
      }
    };
    const deliver = (channel: Buffer, payload: Buffer) => {
      const topic = channel.toString("utf8");
      const event = unseal(topic, payload, log);
      if (event === undefined) return;
      for (const delivery of topics.get(topic) ?? []) delivery.push(event);
    };

    return {
      kind: "redis",
      where,
      start: async (options = {}) => {
        if (running !== undefined) return;
        using limit = deadline(options, 5000, where);
        limit.check();
        const [publisher, subscriber] = [client(), client()];
        subscriber.on("messageBuffer", deliver);
        try {
          const both = Promise.all([publisher.connect(), subscriber.connect()]);
          await orFail(both, limit.signal);
        } catch (error) {
          for (const redis of [publisher, subscriber]) redis.disconnect();
          throw error;
        }
        running = { publisher, subscriber };
      },
      stop: async () => {
        const was = running;
        running = undefined;
        topics.clear();
        if (was === undefined) return;
        await Promise.all([...open].map((subscription) => subscription.close()));
        for (const redis of [was.publisher, was.subscriber]) redis.disconnect();
      },
      publish: async (topic, message, options = {}) => {
        const { publisher } = connected();
        checkTopic(topic);
        checkAborted(options.signal, where);
        const bytes = seal(topic, message);
        using limit = deadline(options, 5000, where);
        await orFail(publisher.publish(topic, bytes), limit.signal);
      },
      subscribe: async (topic, handler, { queue = "", ...options } = {}) => {
        const { subscriber } = connected();
        checkTopic(topic);
        if (queue !== "") throw noQueues("Redis", topic);
        using limit = deadline(options, 5000, where);
        limit.check();
        const delivery = createDelivery({ topic, handler, clock, log });
        const all = topics.get(topic) ?? new Set();
        topics.set(topic, all.add(delivery));
        const closing = closable(async () => {
          open.delete(closing);
          delivery.close();
          all.delete(delivery);
          if (all.size > 0 || topics.get(topic) !== all) return;
          topics.delete(topic);
          await subscriber.unsubscribe(topic).catch(() => {}); // without a connection there is no subscription
        });
        open.add(closing);
        try {
          await orFail(subscriber.subscribe(topic), limit.signal);
        } catch (error) {
          await closing.close();
          throw error;
        }
        return closing;
      },
    };
  };
}
