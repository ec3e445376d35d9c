import { setImmediate } from "node:timers/promises";
import { type Clock, systemClock } from "../clock.ts";
import { orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { type NatsInit, type NatsSession, natsLink } from "../transport/nats-link.ts";
import { writeResult, writeService } from "../wire/record.ts";
import { createCalls } from "./calls.ts";
import { createFeedWatches } from "./feed.ts";
import { createGarbage } from "./garbage.ts";
import { joinRecords } from "./join.ts";
import { openNatsFeed } from "./nats-feed.ts";
import { createOwn } from "./nats-own.ts";
import { createTalk, decode, encode, QUERY, WATCH } from "./nats-talk.ts";
import type { Registry, RegistryEvent, ServiceRecord } from "./registry.ts";
import { checkRegistrable, notFound, sortedNames } from "./versions.ts";

export interface NatsRegistryInit extends NatsInit {
  /** How long answers to a question are waited for, in ms. @default 100, as in Go */
  readonly collectMs?: number;
}

/**
 * Services over NATS (`wire.md §2.7`): nothing is kept anywhere. Who owns a service answers for it, and says when it comes and
 * goes. There is no ttl on the wire: a registration that is not renewed in time is no longer answered for, and its end is told.
 * A process that is killed says nothing; a watch asks again every half minute and misses it then.
 */
export function natsRegistry(
  init: NatsRegistryInit = {},
): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Registry {
  const { collectMs = 100 } = init;
  return ({ clock = systemClock, log = silent } = {}) => {
    const link = natsLink(init);
    const { where } = link;
    const calls = createCalls(where, 5000);
    const garbage = createGarbage(log, where);
    let held: Promise<NatsSession> | undefined;

    /** The one connection: opened when it is first needed, kept until `stop()`. */
    const session = async (signal: AbortSignal): Promise<NatsSession> => {
      held ??= link.join({ signal: calls.stopped }).catch((error) => {
        held = undefined;
        throw error;
      });
      const open = await orAbort(held, signal);
      // While it is lost, joining waits a little for it and then says so.
      if (!open.up) await (await link.join({ signal })).leave();
      return open;
    };
    const during = <T>(
      options: CallOptions,
      work: (nats: NatsSession, signal: AbortSignal) => Promise<T>,
    ): Promise<T> => calls.during(options, async (signal) => work(await session(signal), signal));

    const tell = async (nats: NatsSession, event: RegistryEvent): Promise<void> => {
      const bytes = encode(writeResult(event));
      await Promise.all(WATCH.map((subject) => nats.publish(subject, bytes)));
    };
    const own = createOwn(clock, (gone) => {
      held?.then((nats) => tell(nats, { action: "delete", service: gone })).catch(() => {});
    });
    let answering: { unsubscribe(): void }[] = [];
    const answered: string[] = [];
    /** From the first registration on, on the connection's own subscriptions, which outlive a lost connection. */
    const answerQuestions = (nats: NatsSession) => {
      if (answering.length > 0) return;
      answering = QUERY.map((subject) =>
        nats.subscribe(subject, (message) => {
          if (!message.reply) return;
          const question = decode(message.data) as
            | { Action?: unknown; Service?: { name?: unknown } | null }
            | undefined;
          const name = question?.Action === "get" ? question.Service?.name : undefined;
          if (question?.Action !== "list" && typeof name !== "string") return garbage.met(subject);
          // Who speaks both generations asks on both subjects, and wants one answer.
          if (answered.includes(message.reply)) return;
          answered.push(message.reply);
          if (answered.length > 64) answered.shift();
          void answer(nats, message.reply, own.records(name as string | undefined));
        }),
      );
    };

    const talk = createTalk({ clock, garbage, collectMs });

    const watches = createFeedWatches(where, async (publish, signal) =>
      openNatsFeed({ session: await session(signal), talk, clock, publish }, signal),
    );

    return {
      kind: "nats",
      where,
      outlives: false,
      start: async ({ signal } = {}) => {
        if (signal?.aborted) throw new MicroError("cancelled", `starting the registry (${where}): cancelled`);
      },
      stop: async () => {
        const reason = new MicroError("unavailable", `the registry (${where}) was stopped`);
        calls.stop(reason);
        const open = held;
        held = undefined;
        await watches.stop(reason);
        const nats = await open?.catch(() => undefined);
        for (const subscription of answering.splice(0)) subscription.unsubscribe();
        // What nobody answers for any more is gone.
        const left = own.records();
        own.clear();
        if (nats?.up) {
          await Promise.all(left.map((service) => tell(nats, { action: "delete", service }))).catch(() => {});
          await nats.settle(500);
        }
        await nats?.leave();
      },
      register: async (service, { ttlMs = 0, ...options } = {}) => {
        checkRegistrable(service);
        await during(options, async (nats, signal) => {
          await tell(nats, { action: "create", service });
          answerQuestions(nats);
          own.add(service, ttlMs);
          await nats.confirm(signal);
        });
      },
      deregister: (service, options = {}) =>
        during(options, async (nats, signal) => {
          if (service.nodes.length === 0) return;
          own.remove(service);
          await tell(nats, { action: "delete", service });
          await nats.confirm(signal);
        }),
      get: (name, options = {}) =>
        during(options, async (nats, signal) => {
          const versions = name === "" ? [] : joinRecords(await talk.ask(nats, name, signal));
          if (versions.length === 0) throw notFound(name, where);
          return versions;
        }),
      list: (options = {}) =>
        during(options, async (nats, signal) => {
          const records = await talk.ask(nats, undefined, signal);
          return sortedNames(new Set(records.filter(({ nodes }) => nodes.length > 0).map(({ name }) => name)));
        }),
      watch: watches.watch,
    };
  };
}

/** Many records go out as fast as the server takes them: who asked waits only for as long as some come. */
async function answer(nats: NatsSession, reply: string, records: readonly ServiceRecord[]): Promise<void> {
  for (const [at, record] of records.entries()) {
    const room = nats.publish(reply, encode(writeService(record))).catch(() => {});
    if (at % 100 === 99) await room;
    if (at % 100 === 99) await setImmediate();
  }
}
