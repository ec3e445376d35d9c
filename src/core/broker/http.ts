import { randomUUID } from "node:crypto";
import type { ConnectionOptions } from "node:tls";
import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import type { Registry } from "../registry/registry.ts";
import { advertised } from "../server/address.ts";
import { startHeartbeat } from "../server/heartbeat.ts";
import type { Broker } from "./broker.ts";
import { createDelivery } from "./delivery.ts";
import { type HttpBrokerEra, subscriberRecord } from "./http-eras.ts";
import { createPublisher, type Publisher } from "./http-publisher.ts";
import { type Receiver, startReceiver } from "./http-receiver.ts";
import { checkAborted, checkTopic, notStarted } from "./message.ts";

export interface HttpBrokerInit {
  /** Where subscribers listen, if there are any. @default ":0", every interface and any port */
  readonly address?: string;
  /** Registered instead of the address that it listens at (`wire.md §11` trap 13). */
  readonly advertise?: string;
  /**
   * Publishers of which go-micro versions are to find us; we find subscribers of all. Each but the last two registers a
   * service per topic. @default v1.18 and v2.5
   */
  readonly eras?: readonly HttpBrokerEra[];
  /** For subscribers that want TLS, as Go's may. Their certificates are checked, which Go before v6 does not. */
  readonly tls?: ConnectionOptions;
}

export interface HttpBrokerParts {
  /** Where subscribers register. The broker neither starts nor stops it. */
  readonly registry: Registry;
  readonly clock?: Clock;
  readonly log?: Log;
}

const TTL_MS = 60_000;
const HEARTBEAT_MS = 30_000;

/**
 * go-micro's peer-to-peer broker (`wire.md §8.1`): every subscriber is registered, publishers look them up and POST. Messages
 * to a subscriber that cannot be reached are kept for the topic's next message, 64 at most.
 */
export function httpBroker(init: HttpBrokerInit = {}): (parts: HttpBrokerParts) => Broker {
  const { address = ":0", eras = ["v1.18", "v2.5"], tls = {} } = init;
  return ({ registry, clock = systemClock, log = silent }) => {
    const where = `subscribers in ${registry.where}`;
    const open = new Set<Closable>();
    let publisher: Publisher | undefined;
    let receiving: Promise<Receiver> | undefined;

    const receiver = (): Promise<Receiver> => {
      receiving ??= startReceiver(address, log).catch((error) => {
        receiving = undefined;
        throw error;
      });
      return receiving;
    };

    return {
      kind: "http",
      where,
      start: async ({ signal } = {}) => {
        checkAborted(signal, where);
        publisher ??= createPublisher({ registry, clock, log, tls });
      },
      stop: async () => {
        const [wasPublishing, wasReceiving] = [publisher, receiving];
        publisher = undefined;
        receiving = undefined;
        await wasPublishing?.close();
        await Promise.all([...open].map((subscription) => subscription.close()));
        await (await wasReceiving?.catch(() => undefined))?.close();
      },
      publish: async (topic, message, options = {}) => {
        if (publisher === undefined) throw notStarted(where);
        checkTopic(topic);
        checkAborted(options.signal, where);
        return publisher.publish(topic, message, options);
      },
      subscribe: async (topic, handler, { queue = "", ...options } = {}) => {
        if (publisher === undefined) throw notStarted(where);
        checkTopic(topic);
        using limit = deadline(options, 5000, `subscribing to ${topic} over http`);
        limit.check();
        const listener = await receiver();
        const subscriber = { topic, queue, address: init.advertise ?? advertised(listener.address) };
        // An id each: Consul takes a second service with the id of a first for the same one.
        const records = eras.map((era) => subscriberRecord(era, { ...subscriber, uuid: randomUUID() }));
        const delivery = createDelivery({ topic, handler, clock, log });
        const ids = records.flatMap(({ nodes }) => nodes.map(({ id }) => id));
        const listening = listener.add(topic, ids, delivery);
        const heartbeats: Closable[] = [];
        const closing = closable(async () => {
          open.delete(closing);
          delivery.close();
          await Promise.all(heartbeats.map((heartbeat) => heartbeat.close()));
          await listening.close();
        });
        open.add(closing);
        try {
          for (const record of records) {
            await orAbort(registry.register(record, { ttlMs: TTL_MS, signal: limit.signal }), limit.signal);
            heartbeats.push(
              await startHeartbeat({
                ...{ registry, record, clock, log, ttlMs: TTL_MS, intervalMs: HEARTBEAT_MS, registered: true },
              }),
            );
          }
          if (!open.has(closing)) throw notStarted(where); // it was stopped meanwhile
        } catch (error) {
          await closing.close();
          await Promise.all(heartbeats.map((heartbeat) => heartbeat.close()));
          throw MicroError.from(error, "unavailable");
        }
        return closing;
      },
    };
  };
}
