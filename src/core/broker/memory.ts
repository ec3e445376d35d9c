import { type Clock, systemClock } from "../clock.ts";
import { closable } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import type { Broker } from "./broker.ts";
import { createDelivery, type Delivery } from "./delivery.ts";
import { checkAborted, checkTopic, incoming, notStarted, outgoing } from "./message.ts";

interface Subscription {
  readonly queue: string;
  readonly delivery: Delivery;
}

/**
 * A broker inside this process. What `memoryBroker()` returns is a network: the brokers that it makes hear each other. Who
 * publishes waits for who reads, for a second at most.
 */
export function memoryBroker(): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Broker {
  const topics = new Map<string, Set<Subscription>>();
  return ({ clock = systemClock, log = silent } = {}) => {
    const where = "this process's memory";
    const open = new Set<() => Promise<void>>();
    let running = false;

    return {
      kind: "memory",
      where,
      start: async ({ signal } = {}) => {
        checkAborted(signal, where);
        running = true;
      },
      stop: async () => {
        running = false;
        await Promise.all([...open].map((close) => close()));
      },
      publish: async (topic, message, { signal } = {}) => {
        if (!running) throw notStarted(where);
        checkTopic(topic);
        checkAborted(signal, where);
        const header = incoming(outgoing(topic, message));
        const meant = chosen(topics.get(topic));
        for (const { delivery } of meant) {
          delivery.push({ topic, header: { ...header }, body: message.body.slice() });
        }
        for (const { delivery } of meant) await delivery.room();
      },
      subscribe: async (topic, handler, { queue = "", signal } = {}) => {
        if (!running) throw notStarted(where);
        checkTopic(topic);
        checkAborted(signal, where);
        const delivery = createDelivery({ topic, handler, clock, log });
        const subscription = { queue, delivery };
        const all = topics.get(topic) ?? new Set();
        topics.set(topic, all.add(subscription));
        const closing = closable(() => {
          delivery.close();
          open.delete(closing.close);
          all.delete(subscription);
          if (all.size === 0 && topics.get(topic) === all) topics.delete(topic);
        });
        open.add(closing.close);
        return closing;
      },
    };
  };
}

/** Everybody without a queue, and one of each queue. */
function chosen(all: ReadonlySet<Subscription> | undefined): readonly Subscription[] {
  const meant: Subscription[] = [];
  const queues = new Map<string, Subscription[]>();
  for (const subscription of all ?? []) {
    const { queue } = subscription;
    if (queue === "") meant.push(subscription);
    else queues.set(queue, [...(queues.get(queue) ?? []), subscription]);
  }
  for (const members of queues.values()) {
    meant.push(members[Math.floor(Math.random() * members.length)] as Subscription);
  }
  return meant;
}
