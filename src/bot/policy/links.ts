import { createHash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Startable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import type { Kv } from "../../platform/kv/kv.ts";
import type { Linked } from "./engine.ts";

/** Ids of one person, as they have linked them; kept in the shared store, and in memory for whoever decides. */
export interface Links extends Linked, Startable {
  /** Two ids and all that they are linked with become one. @returns them, the first first @throws MicroError */
  join(first: string, second: string, signal: AbortSignal): Promise<readonly string[]>;
  /** One id is on its own again. @returns those that stay linked @throws MicroError */
  part(id: string, signal: AbortSignal): Promise<readonly string[]>;
}

const PREFIX = "people.links.";
/** Nobody is on more networks. */
const MOST = 20;
/** After a store was lost. */
const AGAIN_MS = 1000;

/** @param kv started and stopped by whoever made it */
export function createLinks({ kv, clock, log }: { readonly kv: Kv; readonly clock: Clock; readonly log: Log }): Links {
  /** By the key in the store: the ids of a person. */
  const groups = new Map<string, readonly string[]>();
  let byId = new Map<string, readonly string[]>();
  let version = 0;
  let stopping: AbortController | undefined;
  let watched = Promise.resolve();

  const keep = (key: string, value: string | undefined) => {
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
  const load = async (signal?: AbortSignal) => {
    const all = await kv.list(PREFIX, signal && { signal });
    const there = new Set(all.map(({ key }) => key));
    for (const key of [...groups.keys()]) if (!there.has(key)) keep(key, undefined);
    for (const { key, value } of all) keep(key, value);
  };
  const watch = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      try {
        await using watcher = await kv.watch(PREFIX, { signal });
        await load(signal);
        const close = () => void watcher.close();
        signal.addEventListener("abort", close, { once: true });
        for await (const { key, entry } of watcher) keep(key, entry?.value);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ reason: MicroError.from(error).message }, "links between networks are not followed; again soon");
      }
      await clock.sleep(AGAIN_MS, { signal }).catch(() => {});
    }
  };

  return {
    idsOf,
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
      // Under a new key when the first goes; then the old one is removed.
      if (left.length > 1) await write(left, signal);
      if (left[0] !== ids[0] || left.length < 2) await write([ids[0] as string], signal);
      return left.length < 2 ? [] : left;
    },
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
  return `${PREFIX}${createHash("sha256").update(id).digest("hex")}`;
}
