import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { type Log, silent } from "../core/log.ts";
import type { Kv } from "../platform/kv/kv.ts";
import {
  type Claim,
  type Journal,
  type JournalEvents,
  type JournalInit,
  KEEP_MS,
  MOST,
  type Taken,
} from "./journal.ts";
import {
  type ClosedRecord,
  isOpen,
  keyFor,
  type OpenRecord,
  openRecord,
  readRecord,
  SHARDS,
} from "./journal-record.ts";
import { createSweep } from "./journal-sweep.ts";
import type { Replicas } from "./replicas.ts";

export interface KvJournalInit extends JournalInit {
  /** Started and stopped by whoever made it. */
  readonly kv: Kv;
  /** Started and stopped by the journal. */
  readonly replicas: Replicas;
  readonly clock: Clock;
  readonly log?: Log;
}

/** How long the store may take over one message: its network waits that long for us (Slack 3 s, `chat.md §3`). */
const TAKE_MS = 2000;
const LOOK_MS = 500;
/** What is done is written down a little later, so that a burst costs few syncs. Who dies in that time tells too much. */
const DONE_MS = 20;
/** How often what is left over is looked at, and the next part of the journal. */
const TURN_MS = 2000;

interface Active {
  readonly taken: Taken;
  record: OpenRecord;
  revision: number;
  /** The presence that it was won or seen with; while that one is held, nobody can have taken it. */
  presence: number | undefined;
}

/**
 * A journal in a store that several replicas share. A message is one key, made by whoever is first, and changed by
 * compare-and-set alone: by its replica, and by another once that replica's record is gone (`replicas.ts`). So of two that
 * believe it theirs one is refused, before its write has begun.
 */
export function kvJournal(init: KvJournalInit): Journal {
  const { kv, replicas, clock, log = silent, keepMs = KEEP_MS, max = MOST } = init;
  const { id: own, presence } = replicas;
  const active = new Map<Claim, Active>();
  /** Keys of ours that are to be closed and could not be: nobody works on them. */
  const unclosed = new Map<string, ClosedRecord>();
  /** Keys that belonged to somebody who is gone, and could not be taken over yet. */
  const left = new Set<string>();
  const leaving = new AbortController();
  /** Begun by the first that is done, for all that follow it closely. */
  let soon: Promise<void> | undefined;
  const writing = new Set<Promise<void>>();
  /** Of these was said that nothing was done, or to say them again: that holds when their network gives them once more. */
  const refused = new Set<string>();
  /** Keys that are just being made: what comes twice meanwhile is one. */
  const taking = new Set<string>();
  let going = false;
  let events: JournalEvents | undefined;
  let loop: Promise<void> | undefined;
  let scanning: Promise<void> | undefined;

  const add = (claim: Claim, it: Omit<Active, "presence">) => {
    active.set(claim, { ...it, presence: presence.held() ? presence.fence : undefined });
    return claim;
  };
  /**
   * Makes a key. Where that fails, looks whose it is by now: what cannot be written, as on a full disk, may still be read.
   * @returns the revision; `undefined`: it was there
   */
  const written = async (key: string, record: OpenRecord): Promise<number | undefined> => {
    const value = JSON.stringify(record);
    try {
      if (!presence.held()) await presence.renew({ timeoutMs: TAKE_MS });
      return await kv.create(key, value, { timeoutMs: TAKE_MS });
    } catch (error) {
      for (const claim of active.keys()) if (claim.key === key) return undefined;
      let unseen = false;
      const entry = await kv.get(key, { timeoutMs: LOOK_MS }).catch(() => {
        unseen = true;
        return undefined;
      });
      if (entry === undefined) throw notTaken(error, { shared: replicas.list().length > 1, unseen });
      return entry.value === value ? entry.revision : undefined;
    }
  };
  const later = async () => {
    await clock.sleep(DONE_MS, { signal: leaving.signal }).catch(() => {});
    soon = undefined;
  };
  const isOurs = async (key: string): Promise<number | undefined> => {
    const entry = await kv.get(key, { timeoutMs: TAKE_MS });
    const record = entry && readRecord(entry.value);
    return record && isOpen(record) && record.by === own ? entry.revision : undefined;
  };
  /** Writes over what is surely ours; `false`: it is not. An earlier write that nobody answered may have happened. */
  const write = async (key: string, revision: number | undefined, record: OpenRecord | ClosedRecord) => {
    const value = JSON.stringify(record);
    const first = revision && (await kv.update(key, value, revision, { timeoutMs: TAKE_MS }));
    if (first) return first;
    const now = await isOurs(key);
    return now === undefined ? undefined : kv.update(key, value, now, { timeoutMs: TAKE_MS });
  };
  const close = async (key: string, revision: number | undefined, record: ClosedRecord) => {
    try {
      await write(key, revision, record);
      unclosed.delete(key);
    } catch (error) {
      if (unclosed.size < max) unclosed.set(key, record);
      log.warn({ reason: MicroError.from(error).message }, "the journal cannot be brought up to date; trying again");
    }
  };

  /** Takes over what is open and belongs to nobody who is there. */
  const adopt = async (keys: readonly string[], there: ReadonlySet<string>) => {
    for (const key of keys) {
      left.delete(key);
      const entry = await kv.get(key, { timeoutMs: TAKE_MS });
      const record = entry && readRecord(entry.value);
      if (entry === undefined || record === undefined || !isOpen(record) || there.has(record.by)) continue;
      if (going || events?.can(record.input) !== true) {
        if (left.size < max) left.add(key);
        continue;
      }
      const mine = { ...record, by: own, before: record.before + 1 };
      const revision = await kv.update(key, JSON.stringify(mine), entry.revision, { timeoutMs: TAKE_MS });
      if (revision === undefined) continue; // another was first
      const { id, input, caller, at, message, begun = false, cut = false, meant } = record;
      const taken = { id, input, caller, at, message };
      const claim = add({ key, fence: revision, before: mine.before }, { taken, record: mine, revision });
      log.info({ id, from: record.by, begun }, "took over a message");
      events.onLeft({ claim, taken, begun, cut, ...(meant !== undefined && { meant }) });
    }
  };
  const sweep = createSweep({ kv, clock, keepMs, max, log, leading: replicas.leading });
  const scan = async (shards: readonly string[]) => {
    for (const shard of shards) {
      const open = await sweep(shard);
      const others = open.filter(({ record }) => record.by !== own);
      // Asked after the list: who has taken one of these was there by then.
      const there = others.length === 0 ? undefined : await replicas.there({ timeoutMs: TAKE_MS });
      if (there) await adopt(keysOf(others, there), there);
    }
  };
  const again = (work: () => Promise<void>) => {
    scanning = (scanning ?? Promise.resolve()).then(work).catch((error: unknown) => {
      log.debug({ reason: MicroError.from(error).message }, "the journal cannot be read");
    });
    return scanning;
  };

  /** What was ours before our own record was given up may be another's by now. */
  const review = async () => {
    for (const [claim, it] of active) {
      if (it.presence === presence.fence || !presence.held()) continue;
      const { fence } = presence;
      const revision = await isOurs(claim.key);
      if (revision !== undefined) {
        it.presence = fence;
        continue;
      }
      if (active.delete(claim)) events?.onLost(it.taken);
    }
  };
  const goOn = async () => {
    const { signal } = leaving;
    for (let turn = 0; !signal.aborted; turn++) {
      await clock.sleep(TURN_MS, { signal }).catch(() => {});
      await again(async () => {
        if (signal.aborted) return;
        await review();
        for (const [key, record] of unclosed) await close(key, undefined, record);
        if (left.size > 0) await adopt([...left], await replicas.there({ timeoutMs: TAKE_MS }));
        await scan([SHARDS[turn % SHARDS.length] as string]);
      });
    }
  };

  return {
    open: async (told) => {
      events = told;
      await replicas.start();
      replicas.onGone(() => void again(() => scan(SHARDS)));
      void again(() => scan(SHARDS));
      loop = goOn();
    },
    take: async (taken) => {
      const key = keyFor(taken);
      const record = openRecord(taken, own);
      if (taking.has(key) || refused.has(key)) return undefined;
      taking.add(key);
      let revision: number | undefined;
      try {
        revision = await written(key, record);
      } catch (error) {
        // It may be there all the same, and must not be found by the next: nothing is going to be done about it.
        if (unclosed.size < max) unclosed.set(key, { at: taken.at });
        // Who was told to wait for another's answer gets ours, if it comes to us again.
        if (MicroError.from(error).details["shared"] !== true) refused.add(key);
        if (refused.size > max) refused.delete(refused.values().next().value as string);
        throw error;
      } finally {
        taking.delete(key);
      }
      if (revision === undefined) return undefined;
      unclosed.delete(key);
      return add({ key, fence: revision, before: 0 }, { taken, record, revision });
    },
    begin: async (claim, meant) => {
      const it = active.get(claim);
      if (it === undefined) return false;
      // By its revision alone, so that of two who believe it theirs one is refused.
      it.record = { ...it.record, begun: true, ...(meant !== undefined && { meant }) };
      const revision = await kv.update(claim.key, JSON.stringify(it.record), it.revision, { timeoutMs: TAKE_MS });
      if (revision === undefined) return false;
      it.revision = revision;
      return true;
    },
    holds: async (claim) => {
      const it = active.get(claim);
      if (it === undefined) return false;
      if (it.presence !== undefined && it.presence === presence.fence && presence.held()) return true;
      return (await isOurs(claim.key)) !== undefined;
    },
    done: async (claim) => {
      const it = active.get(claim);
      if (it === undefined) return;
      active.delete(claim);
      soon ??= later();
      const written = soon.then(() => close(claim.key, it.revision, { at: it.taken.at }));
      writing.add(written);
      await written.finally(() => writing.delete(written));
    },
    drop: async (claim) => {
      const it = active.get(claim);
      if (it === undefined) return;
      active.delete(claim);
      await write(claim.key, it.revision, { ...it.record, by: "" }).catch(() => {});
    },
    leave: () => {
      going = true;
      return replicas.resign();
    },
    close: async () => {
      if (leaving.signal.aborted) return;
      going = true;
      leaving.abort();
      await loop;
      await scanning;
      await Promise.all(writing);
      for (const [key, record] of unclosed) await close(key, undefined, record);
      await replicas.stop();
    },
  };
}

/**
 * Says in `details` what may not be said of it: that nothing was done. `shared`: its network may have told another replica,
 * which could write it down. `unseen`: it may have been taken before.
 */
function notTaken(thrown: unknown, known: { readonly shared: boolean; readonly unseen: boolean }): MicroError {
  const { code, message, details } = MicroError.from(thrown, "unavailable");
  return new MicroError(code, message, { cause: thrown, details: { ...details, ...known } });
}

function keysOf(
  open: readonly { readonly key: string; readonly record: OpenRecord }[],
  there: ReadonlySet<string>,
): readonly string[] {
  return open.filter(({ record }) => !there.has(record.by)).map(({ key }) => key);
}
