import type { ConnectionOptions } from "node:tls";
import type { Clock } from "../clock.ts";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { type CallOptions, type Closable, closable } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import type { Registry } from "../registry/registry.ts";
import { encodeEnvelope } from "../wire/envelope.ts";
import type { BrokerMessage } from "./broker.ts";
import type { Plan, Target } from "./http-eras.ts";
import { createLink, type Link } from "./http-link.ts";
import { createPlans } from "./http-plans.ts";
import { outgoing } from "./message.ts";

/** Sends a topic's messages to those who subscribed to it (`wire.md §8.1`). */
export interface Publisher extends Closable {
  publish(topic: string, message: BrokerMessage, options: CallOptions): Promise<void>;
}

export interface PublisherInit {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
  readonly tls: ConnectionOptions;
}

/** Messages of a topic that reached nobody who should have had them, kept for the next one to take along; so many at once. */
const MAX_BACKLOG = 64;
const BATCH = 8;
/** Topics that have any. */
const MAX_BACKLOGS = 1000;
/** How long answers are waited for when it closes. */
const PATIENCE_MS = 500;

/** A message in its two spellings, each made when it is wanted, and once for all. */
interface Sealed {
  readonly topic: string;
  marked(): Buffer;
  plain(): Buffer;
}

/** A message on its way to one subscriber, or to one of a queue. */
interface Delivery {
  readonly sealed: Sealed;
  /** Empty: to this subscriber and no other. */
  readonly queue: string;
  readonly id: string;
  /** Of a queue: who could not be reached. */
  readonly tried: readonly string[];
}

const DONE = Promise.resolve();

export function createPublisher({ registry, clock, log, tls }: PublisherInit): Publisher {
  const plans = createPlans(registry, clock, log);
  const links = new Map<string, Link<Delivery>>();
  const backlogs = new Map<string, Delivery[]>();
  /** Publishers that wait for the plan of a topic: who comes later goes behind them. */
  const waiting = new Map<string, number>();
  let closed = false;

  const keep = (delivery: Delivery) => {
    const { topic } = delivery.sealed;
    const backlog = backlogs.get(topic) ?? [];
    if (backlog.length >= MAX_BACKLOG) backlog.shift();
    backlog.push(delivery);
    if (backlogs.size < MAX_BACKLOGS) backlogs.set(topic, backlog);
  };
  const unreachable = (deliveries: readonly Delivery[]) => {
    if (closed) return;
    for (const delivery of deliveries) {
      const members = plans.peek(delivery.sealed.topic)?.queues.get(delivery.queue) ?? [];
      const tried = [...delivery.tried, delivery.id];
      const other = pick(members.filter(({ id }) => !tried.includes(id)));
      if (other === undefined) keep({ ...delivery, tried: [] });
      else void send(other, { ...delivery, id: other.id, tried });
    }
  };
  const linkTo = (target: Target): Link<Delivery> => {
    const key = `${target.address}${target.path}`;
    const known = links.get(key);
    if (known !== undefined) return known;
    const onGone = () => {
      if (links.get(key) === link) links.delete(key);
    };
    const link = createLink<Delivery>({ target, tls, clock, log, onUnreachable: unreachable, onGone });
    links.set(key, link);
    return link;
  };
  const send = (target: Target, delivery: Delivery): Promise<void> | undefined => {
    const link = linkTo(target);
    const { sealed } = delivery;
    if (!link.send(delivery, target.marked ? sealed.marked() : sealed.plain())) {
      log.debug({ topic: sealed.topic, subscriber: target.id }, "an event is dropped: its subscriber is stuck");
    }
    return link.room();
  };

  /** What was kept goes first. */
  const sendKept = (topic: string, { everybody, queues }: Plan): void => {
    const backlog = backlogs.get(topic);
    if (backlog === undefined) return;
    const batch = backlog.splice(0, BATCH);
    if (backlog.length === 0) backlogs.delete(topic);
    for (const delivery of batch) {
      const { queue, id } = delivery;
      const target = queue === "" ? everybody.find((each) => each.id === id) : pick(queues.get(queue) ?? []);
      if (target !== undefined) void send(target, { ...delivery, id: target.id });
    }
  };
  /** What is to be waited for, if anything. */
  const sendAll = (plan: Plan, sealed: Sealed): Promise<void>[] => {
    const waits: Promise<void>[] = [];
    const to = (target: Target, queue: string) => {
      const wait = send(target, { sealed, queue, id: target.id, tried: [] });
      if (wait !== undefined) waits.push(wait);
    };
    if (backlogs.size > 0) sendKept(sealed.topic, plan);
    for (const target of plan.everybody) to(target, "");
    for (const [queue, members] of plan.queues) {
      const target = pick(members);
      if (target !== undefined) to(target, queue);
    }
    return waits;
  };
  const publishSlowly = async (sealed: Sealed, options: CallOptions): Promise<void> => {
    const { topic } = sealed;
    using limit = deadline(options, 5000, `publishing to ${topic} over http`);
    waiting.set(topic, (waiting.get(topic) ?? 0) + 1);
    let plan: Plan;
    try {
      plan = plans.peek(topic) ?? (await orAbort(plans.get(topic), limit.signal));
    } catch (error) {
      throw MicroError.from(error, "unavailable");
    } finally {
      const others = (waiting.get(topic) ?? 1) - 1;
      if (others === 0) waiting.delete(topic);
      else waiting.set(topic, others);
    }
    const waits = sendAll(plan, sealed);
    if (waits.length > 0) await orAbort(Promise.all(waits), limit.signal);
  };

  return {
    publish: (topic, message, options) => {
      const sealed = seal(topic, message);
      const plan = waiting.has(topic) ? undefined : plans.peek(topic);
      if (plan === undefined) return publishSlowly(sealed, options);
      const waits = sendAll(plan, sealed);
      if (waits.length === 0) return DONE;
      return waitFor(waits, topic, options);
    },
    ...closable(async () => {
      closed = true;
      await Promise.all([plans.close(), ...[...links.values()].map((link) => link.close(PATIENCE_MS))]);
      backlogs.clear();
    }),
  };
}

async function waitFor(waits: readonly Promise<void>[], topic: string, options: CallOptions): Promise<void> {
  using limit = deadline(options, 5000, `publishing to ${topic} over http`);
  await orAbort(Promise.all(waits), limit.signal);
}

function seal(topic: string, message: BrokerMessage): Sealed {
  const header = outgoing(topic, message);
  const { body } = message;
  let marked: Buffer | undefined;
  let plain: Buffer | undefined;
  return {
    topic,
    marked: () => {
      marked ??= encodeEnvelope({ ":topic": topic, ...header }, body) as Buffer;
      return marked;
    },
    plain: () => {
      plain ??= encodeEnvelope(header, body) as Buffer;
      return plain;
    },
  };
}

function pick<T>(all: readonly T[]): T | undefined {
  return all[Math.floor(Math.random() * all.length)];
}
