import { hash } from "node:crypto";
import { backoff } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Startable } from "../core/lifecycle.ts";
import { type Log, silent } from "../core/log.ts";
import type { Kv, KvWatcher } from "../platform/kv/kv.ts";
import type { Inbox, Notification } from "./alert.ts";
import { doneText, notificationIn, readEntry, waitingText } from "./inbox-entry.ts";
import { createMirror, type Item } from "./inbox-mirror.ts";
import { parts } from "./parts.ts";

/** So many notifications wait at most, and so many characters of them. */
export const MOST_WAITING = 10_000;
const MOST_SIZE = 256 << 20;
/** For so long the id of what was worked on is known at least, unless there are very many of them. */
export const REMEMBERED_MS = 15 * 60_000;
const MOST_REMEMBERED = 20_000;

const PREFIX = "alerts.inbox.";
const SWEEP_MS = 60_000;
/** How many entries are deleted at once. */
const BATCH = 200;
const RETRY_MS = 200;
const MOST_RETRY_MS = 5000;

/** Something that waits, as whoever works on it is given it. */
export interface WaitingNotification {
  readonly notification: Notification;
  /** It was worked on, and is never given again. @throws MicroError `unavailable`, `timeout`: it may be */
  done(): Promise<void>;
}

/** Both ends of an inbox. `start()` before the rest: then what is in the store is known. */
export interface DurableInbox extends Inbox, Startable {
  /**
   * What waits, oldest first by the store's own count, then what comes, until the signal aborts. For one worker of all that share
   * the store. It may work on several at a time; what was not `done()` is given again to whoever takes next. While the store is
   * away it gives nothing.
   */
  take(signal: AbortSignal): AsyncIterable<WaitingNotification>;
  /**
   * The id that was put last in a group, if that is known still: some sources say exactly the same twice and mean it
   * (triggered, resolved, triggered), so of theirs only what equals the last is a repeat.
   */
  last(source: string, group: string): string | undefined;
  /** How many wait. */
  readonly waiting: number;
}

export interface InboxInit {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly log?: Log;
}

/**
 * One entry of the store for each notification, made under its id: so two deliveries cannot both be taken, whichever replica hears
 * them. When it is done a line stays in its place for a while.
 */
export function createInbox({ kv, clock, log = silent }: InboxInit): DurableInbox {
  const mirror = createMirror(MOST_REMEMBERED);
  let putting = 0;
  let following: { readonly leaving: AbortController; readonly ended: Promise<void> } | undefined;

  const listed = async (signal: AbortSignal) => {
    const known = [...mirror.waiting.keys(), ...mirror.done.keys()];
    const entries = await kv.list(PREFIX, { signal });
    const there = new Set(entries.map(({ key }) => key));
    for (const key of known) if (!there.has(key)) mirror.gone(key);
    for (const entry of entries) mirror.note(entry.key, entry);
  };
  const watched = async (signal: AbortSignal): Promise<KvWatcher> => {
    const watcher = await kv.watch(PREFIX, { signal });
    try {
      await listed(signal);
      return watcher;
    } catch (error) {
      await watcher.close();
      throw error;
    }
  };
  const follow = async (first: KvWatcher, signal: AbortSignal) => {
    let watcher: KvWatcher | undefined = first;
    for (let failures = 0; !signal.aborted; ) {
      try {
        watcher ??= await watched(signal);
        failures = 0;
        for await (const { key, entry } of watcher) mirror.note(key, entry);
      } catch (error) {
        const reason = MicroError.from(error).message;
        if (!signal.aborted && failures === 0) log.warn({ reason }, "the inbox of alerts is not seen; trying again");
      }
      watcher = undefined;
      await clock.sleep(backoff(Math.min(failures, 10), RETRY_MS, MOST_RETRY_MS), { signal }).catch(() => {});
      failures += 1;
    }
  };

  const putOne = async ({ id, source, group: name }: Notification, text: string): Promise<"taken" | "known"> => {
    const key = keyFor(id);
    if (mirror.waiting.has(key) || mirror.done.has(key)) return "known";
    if (mirror.waiting.size + putting >= MOST_WAITING || mirror.size + text.length > MOST_SIZE) {
      throw new MicroError("exhausted", `${mirror.waiting.size} notifications wait already: send it again later`);
    }
    const group = groupOf(source, name);
    const value = waitingText({ id, group }, text);
    putting += 1;
    try {
      const revision = await kv.create(key, value);
      if (revision === undefined) return "known";
      mirror.add({ key, revision, size: value.length, id, group });
      return "taken";
    } catch (error) {
      const { code, message } = MicroError.from(error, "unavailable");
      if (code !== "timeout" && code !== "cancelled") throw error;
      throw new MicroError("unavailable", `the inbox of alerts cannot be written: ${message}`, { cause: error });
    } finally {
      putting -= 1;
    }
  };
  const finish = async ({ key, revision: put, id, group }: Item): Promise<void> => {
    const at = clock.now();
    const revision = await kv.update(key, doneText({ id, group, done: { at, put } }), put);
    if (revision === undefined) mirror.gone(key);
    else mirror.finished(key, { at, revision });
  };

  /** Deletes what need not be known any more. */
  const sweep = async () => {
    const since = clock.now() - REMEMBERED_MS;
    const { size } = mirror.done;
    const old = [...mirror.done].filter(([, { at }], index) => at < since || size - index > MOST_REMEMBERED);
    for (let from = 0; from < old.length; from += BATCH) {
      const some = old.slice(from, from + BATCH);
      await Promise.all(some.map(([key, { revision }]) => kv.delete(key, { revision })));
      for (const [key] of some) mirror.gone(key);
    }
  };
  const sweeping = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      await sweep().catch(() => {}); // what stays is tried again
      await clock.sleep(SWEEP_MS, { signal }).catch(() => {});
    }
  };

  /** What is in it; `undefined`: it is gone, or cannot be read. */
  const opened = async ({ key }: Item, signal: AbortSignal): Promise<Notification | undefined> => {
    const entry = await kv.get(key, { signal });
    if (entry === undefined || readEntry(entry.value)?.done !== undefined) {
      mirror.note(key, entry);
      return undefined;
    }
    const notification = notificationIn(entry.value);
    if (notification !== undefined) return notification;
    log.warn({ key }, "what waits in the inbox of alerts cannot be read, and is thrown away");
    await kv.delete(key, { signal, revision: entry.revision });
    mirror.gone(key);
    return undefined;
  };
  async function* take(signal: AbortSignal): AsyncGenerator<WaitingNotification, void> {
    const taker = mirror.take();
    const over = new AbortController();
    const sweeper = sweeping(AbortSignal.any([signal, over.signal]));
    try {
      for (let failures = 0; !signal.aborted; ) {
        const item = taker.next();
        if (item === undefined) {
          await taker.arrival(signal);
          continue;
        }
        let notification: Notification | undefined;
        try {
          notification = await opened(item, signal);
          failures = 0;
        } catch (error) {
          if (signal.aborted) return;
          const reason = MicroError.from(error).message;
          if (failures === 0) log.warn({ reason }, "the inbox of alerts cannot be read; trying again");
          taker.back(item);
          await clock.sleep(backoff(Math.min(failures, 10), RETRY_MS, MOST_RETRY_MS), { signal }).catch(() => {});
          failures += 1;
        }
        if (notification && !signal.aborted) yield { notification, done: () => finish(item) };
      }
    } finally {
      taker.stop();
      over.abort();
      await sweeper;
    }
  }

  return {
    get waiting() {
      return mirror.waiting.size;
    },
    start: async ({ signal } = {}) => {
      if (following) return;
      const leaving = new AbortController();
      const both = signal ? AbortSignal.any([signal, leaving.signal]) : leaving.signal;
      const watcher = await watched(both);
      following = { leaving, ended: follow(watcher, leaving.signal) };
      leaving.signal.addEventListener("abort", () => void watcher.close(), { once: true });
    },
    stop: async () => {
      const was = following;
      following = undefined;
      was?.leaving.abort();
      await was?.ended;
    },
    put: async (notification) => {
      const outcomes = await Promise.all(parts(notification).map(([part, text]) => putOne(part, text)));
      return outcomes.includes("taken") ? "taken" : "known";
    },
    take,
    last: (source, group) => mirror.last(groupOf(source, group)),
  };
}

/** Of one length, and made at once: ids are long. */
function keyFor(id: string): string {
  return `${PREFIX}${hash("sha256", id, "base64url")}`;
}

/** What is told apart by its source is so here. */
function groupOf(source: string, group: string): string {
  return hash("sha256", JSON.stringify([source, group]), "base64url");
}
