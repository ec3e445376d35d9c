import { type Clock, systemClock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { type NatsInit, type NatsSession, natsLink, ROOM } from "../transport/nats-link.ts";
import type { Broker } from "./broker.ts";
import { createDelivery } from "./delivery.ts";
import { checkAborted, checkTopic, notStarted, seal, unseal } from "./message.ts";

/**
 * Events over NATS: the subject is the topic, the payload go-micro's envelope, a queue is a queue group (`wire.md §8.2`).
 * Subscribing takes wildcards (`orders.*`); the event's topic is then the subject that it came by.
 */
export function natsBroker(init: NatsInit = {}): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Broker {
  return ({ clock = systemClock, log = silent } = {}) => {
    const link = natsLink(init);
    const { where } = link;
    const open = new Set<Closable>();
    let session: NatsSession | undefined;

    const connected = (): NatsSession => {
      if (session === undefined) throw notStarted(where);
      if (!session.up) throw new MicroError("unavailable", `${where} is not there now; it is tried again all the time`);
      return session;
    };

    return {
      kind: "nats",
      where,
      start: async (options = {}) => {
        session ??= await link.join(options);
      },
      stop: async () => {
        const was = session;
        session = undefined;
        await Promise.all([...open].map((subscription) => subscription.close()));
        await was?.leave();
      },
      publish: async (topic, message, options = {}) => {
        const nats = connected();
        checkSubject(topic, false);
        checkAborted(options.signal, where);
        const room = nats.publish(topic, seal(topic, message));
        if (room === ROOM) return;
        using limit = deadline(options, 5000, where);
        await orAbort(room, limit.signal);
      },
      subscribe: async (topic, handler, { queue = "", ...options } = {}) => {
        const nats = connected();
        checkSubject(topic, true);
        if (/\s/.test(queue)) throw new MicroError("invalid_argument", `a queue of NATS has no blanks: "${queue}"`);
        using limit = deadline(options, 5000, where);
        limit.check();
        const delivery = createDelivery({ topic, handler, clock, log });
        const wild = hasWildcard(topic);
        const subscription = nats.subscribe(
          topic,
          (message) => {
            const event = unseal(wild ? message.subject : topic, message.data, log);
            if (event) delivery.push(event);
          },
          queue === "" ? undefined : queue,
        );
        const closing = closable(() => {
          open.delete(closing);
          delivery.close();
          subscription.unsubscribe();
        });
        open.add(closing);
        try {
          await nats.confirm(limit.signal);
        } catch (error) {
          await closing.close();
          throw error;
        }
        return closing;
      },
    };
  };
}

function hasWildcard(topic: string): boolean {
  return /(^|\.)(\*|>)(\.|$)/.test(topic);
}

/** @throws MicroError `invalid_argument` */
function checkSubject(topic: string, wild: boolean): void {
  checkTopic(topic);
  if (PLAIN.test(topic)) return;
  if (/\s/.test(topic) || /^\.|\.\.|\.$/.test(topic)) {
    throw new MicroError("invalid_argument", `"${topic}" cannot be a subject of NATS: no blanks, no empty parts`);
  }
  if (!wild && hasWildcard(topic)) {
    throw new MicroError("invalid_argument", `"${topic}" is a pattern: it can be subscribed to, not published to`);
  }
}

/** What most topics are, and without doubt fine. */
const PLAIN = /^[\w-]+(\.[\w-]+)*$/;
