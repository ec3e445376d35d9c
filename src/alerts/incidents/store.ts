import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { keyOf } from "../../platform/kv/keys.ts";
import type { Kv } from "../../platform/kv/kv.ts";
import { type Incident, readIncident } from "./incident.ts";

/** One, with the revision that it has in the store. */
export interface Held {
  readonly key: string;
  readonly incident: Incident;
  readonly revision: number;
}

const PREFIX = "incident";
const KEYS = `${PREFIX}.`;
const TRIES = 10;
/** How long it waits before it looks into a store again that could not be seen. */
const AGAIN_MS = 2000;

/** Incidents that are not over for good, in the store that replicas share: one key each. All throw `MicroError` as it does. */
export interface IncidentStore {
  /** What was seen of them last, without asking: for the hot path. */
  known(): Iterable<Held>;
  knownAs(key: string): Held | undefined;
  /** By its short id, as the store has it now. */
  find(id: string): Promise<Held | undefined>;
  list(): Promise<readonly Held[]>;
  /**
   * Whoever else changes it at that moment. Where `to` gives what it was given, nothing is written.
   * @param to is given `undefined` where there is none, and gives it to leave it so
   */
  alter(key: string, to: (incident: Incident | undefined) => Incident | undefined): Promise<Held | undefined>;
  /** @returns whether it was there, and was that one */
  remove(held: Held): Promise<boolean>;
  /** Sees what others change, until the signal aborts. Ends by nothing else. */
  follow(signal: AbortSignal): Promise<void>;
  /** Told of each one that is new, changed, or gone (`undefined`). @returns to be told no more */
  onChange(tell: (key: string, held: Held | undefined) => void): () => void;
}

export function incidentKey({ source, group }: Pick<Incident, "source" | "group">): string {
  return keyOf(PREFIX, source, group);
}

export function createIncidentStore({
  kv,
  clock,
  log,
}: {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly log: Log;
}): IncidentStore {
  const seen = new Map<string, Held>();
  const tellers = new Set<(key: string, held: Held | undefined) => void>();
  const see = (held: Held): Held => {
    if ((seen.get(held.key)?.revision ?? 0) >= held.revision) return held;
    seen.set(held.key, held);
    for (const tell of tellers) tell(held.key, held);
    return held;
  };
  const lose = (key: string) => {
    if (!seen.delete(key)) return;
    for (const tell of tellers) tell(key, undefined);
  };
  const heldOf = (key: string, value: string, revision: number): Held | undefined => {
    const incident = readIncident(value);
    return incident && { key, incident, revision };
  };
  const list = async () => {
    const entries = await kv.list(KEYS);
    const all = entries.flatMap(({ key, value, revision }) => heldOf(key, value, revision) ?? []);
    for (const held of all) see(held);
    return all;
  };
  const write = async (key: string, incident: Incident, revision: number | undefined): Promise<Held | undefined> => {
    const text = JSON.stringify(incident);
    const now = revision === undefined ? await kv.create(key, text) : await kv.update(key, text, revision);
    return now === undefined ? undefined : see({ key, incident, revision: now });
  };

  return {
    known: () => seen.values(),
    knownAs: (key) => seen.get(key),
    list,
    find: async (id) => (await list()).find(({ incident }) => incident.id === id),
    alter: async (key, to) => {
      for (let tries = 0; tries < TRIES; tries++) {
        // What was seen last is mostly what is there, and a write onto it fails where it is not.
        const entry = tries === 0 && seen.has(key) ? undefined : await kv.get(key);
        const held = tries === 0 && seen.has(key) ? seen.get(key) : entry && heldOf(key, entry.value, entry.revision);
        const wanted = to(held?.incident);
        if (wanted === undefined || wanted === held?.incident) return held;
        const done = await write(key, wanted, held?.revision ?? entry?.revision);
        if (done) return done;
        if (entry === undefined && (await kv.get(key)) === undefined) lose(key);
      }
      throw new MicroError("conflict", "others change that incident at this moment; say it again");
    },
    remove: async ({ key, revision }) => {
      const gone = await kv.delete(key, { revision });
      // Whoever else took it away may have been seen before it was seen here the last time.
      if (gone || (await kv.get(key)) === undefined) lose(key);
      return gone;
    },
    onChange: (tell) => {
      tellers.add(tell);
      return () => void tellers.delete(tell);
    },
    /** Live first, then what there is: nothing is missed in between. */
    follow: async (signal) => {
      while (!signal.aborted) {
        try {
          const watcher = await kv.watch(KEYS, { signal });
          const stop = () => void watcher.close();
          signal.addEventListener("abort", stop, { once: true });
          try {
            const there = new Set((await list()).map(({ key }) => key));
            for (const key of [...seen.keys()]) if (!there.has(key)) lose(key);
            for await (const { key, entry } of watcher) {
              const held = entry && heldOf(key, entry.value, entry.revision);
              if (held) see(held);
              else lose(key);
            }
          } finally {
            signal.removeEventListener("abort", stop);
            await watcher.close();
          }
        } catch (error) {
          if (signal.aborted) return;
          log.warn({ reason: MicroError.from(error).message }, "incidents cannot be seen in the store; I look again");
        }
        await clock.sleep(AGAIN_MS, { signal }).catch(() => {});
      }
    },
  };
}

/** Four hex digits, or six where nearly all of them are taken. */
export function newId(taken: (id: string) => boolean): string {
  for (let tries = 0; tries < 20; tries++) {
    const id = randomBytes(2).toString("hex");
    if (!taken(id)) return id;
  }
  return randomBytes(3).toString("hex");
}
