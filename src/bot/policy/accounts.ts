import { createHash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Startable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import type { Kv } from "../../platform/kv/kv.ts";
import type { Linked } from "./engine.ts";

/** Ids of one person, as they have linked them; kept in the shared store, and in memory for whoever decides. */
export interface Accounts extends Linked, Startable {
  /** Two ids and all that they are linked with become one. @returns them, the first first @throws MicroError */
  join(first: string, second: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Looks at the store, for whoever cannot wait until what other replicas wrote has come here. @throws MicroError */
  refresh(): Promise<void>;
  /** One id is on its own again. @returns those that stay linked @throws MicroError */
  part(id: string, signal: AbortSignal): Promise<readonly string[]>;
}

/** A link that is no more, with all ids that it had. */
interface Ended {
  readonly ids: readonly string[];
  /** Epoch ms. */
  readonly until: number;
}

const PREFIX = "people.links.";
/** Below the same prefix, so that whoever watches hears of it before the link is gone. */
const ENDED = `${PREFIX}ended.`;
/** No request waits longer for its approvers. */
const DAY_MS = 86_400_000;
/** Nobody is on more networks. */
const MOST = 20;
/** Of links that have ended in a day. */
const MOST_ENDED = 100;
/** After a store was lost. */
const AGAIN_MS = 1000;

/** @param kv started and stopped by whoever made it */
export function createAccounts({
  kv,
  clock,
  log,
}: {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly log: Log;
}): Accounts {
  /** By the key in the store: the ids of a person. */
  const groups = new Map<string, readonly string[]>();
  const ended = new Map<string, Ended>();
  let byId = new Map<string, readonly string[]>();
  let version = 0;
  let stopping: AbortController | undefined;
  let watched = Promise.resolve();

  const keep = (key: string, value: string | undefined) => {
    if (key.startsWith(ENDED)) {
      if (value === undefined) ended.delete(key);
      else ended.set(key, JSON.parse(value) as Ended);
      return;
    }
    if (value === undefined) groups.delete(key);
    else groups.set(key, JSON.parse(value) as readonly string[]);
    byId = new Map([...groups.values()].flatMap((ids) => ids.map((id) => [id, ids] as const)));
    version += 1;
  };
  const idsOf = (caller: string) => byId.get(caller) ?? [];
  const write = async (ids: readonly string[], signal: AbortSignal) => {
    const key = keyOf(ids[0] as string);
    if (ids.length < 2) await kv.delete(key, { signal });
    else await kv.put(key, JSON.stringify(ids), { signal });
    keep(key, ids.length < 2 ? undefined : JSON.stringify(ids));
  };
  /** Written before the link is gone, so that nobody sees neither. */
  const remember = async (id: string, ids: readonly string[], signal: AbortSignal) => {
    const now = clock.now();
    for (const [old, { until }] of [...ended]) {
      if (until > now) continue;
      await kv.delete(old, { signal });
      keep(old, undefined);
    }
    const key = ENDED + hashOf(id);
    const all = [...new Set([...(ended.get(key)?.ids ?? []), ...ids])];
    if (all.length > MOST_ENDED)
      throw new MicroError("exhausted", `${id} was linked with too many today; try tomorrow`);
    const value = JSON.stringify({ ids: all, until: now + DAY_MS } satisfies Ended);
    await kv.put(key, value, { signal });
    keep(key, value);
  };
  const load = async (signal?: AbortSignal) => {
    const all = await kv.list(PREFIX, signal && { signal });
    const there = new Set(all.map(({ key }) => key));
    for (const key of [...groups.keys(), ...ended.keys()]) if (!there.has(key)) keep(key, undefined);
    for (const { key, value } of all) keep(key, value);
  };
  const watch = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      try {
        await using watcher = await kv.watch(PREFIX, { signal });
        await load(signal);
        const close = () => void watcher.close();
        signal.addEventListener("abort", close, { once: true });
        try {
          for await (const { key, entry } of watcher) keep(key, entry?.value);
        } finally {
          signal.removeEventListener("abort", close);
        }
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ reason: MicroError.from(error).message }, "links between networks are not followed; again soon");
      }
      await clock.sleep(AGAIN_MS, { signal }).catch(() => {});
    }
  };

  return {
    idsOf,
    wereOf: (caller) => {
      const now = clock.now();
      return [...ended.values()]
        .filter(({ ids, until }) => until > now && ids.includes(caller))
        .flatMap(({ ids }) => ids);
    },
    version: () => version,
    join: async (first, second, signal) => {
      const ids = [...new Set([first, ...idsOf(first), second, ...idsOf(second)])];
      if (ids.length > MOST)
        throw new MicroError("exhausted", `nobody has more than ${MOST} ids; say \`unlink\` for one`);
      const before = [idsOf(first)[0], idsOf(second)[0]].filter((one) => one !== undefined);
      await write(ids, signal);
      for (const old of new Set(before)) if (old !== ids[0]) await write([old], signal);
      return ids;
    },
    part: async (id, signal) => {
      const ids = idsOf(id);
      if (ids.length === 0) throw new MicroError("not_found", `${id} is linked with nobody`);
      const left = ids.filter((one) => one !== id);
      await remember(id, ids, signal);
      // Under a new key when the first goes; then the old one is removed.
      if (left.length > 1) await write(left, signal);
      if (left[0] !== ids[0] || left.length < 2) await write([ids[0] as string], signal);
      return left.length < 2 ? [] : left;
    },
    refresh: () => load(),
    start: async ({ signal } = {}) => {
      if (stopping) return;
      const leaving = new AbortController();
      stopping = leaving;
      await load(signal).catch((error: unknown) => {
        log.warn({ reason: MicroError.from(error).message }, "links between networks are not known yet");
      });
      watched = watch(leaving.signal);
    },
    stop: async () => {
      stopping?.abort();
      await watched;
    },
  };
}

function keyOf(id: string): string {
  return PREFIX + hashOf(id);
}

function hashOf(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}
