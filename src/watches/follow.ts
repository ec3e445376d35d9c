import { backoff } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { type Held, KEYS, type WatchStore } from "./store.ts";
import { readWatch } from "./watch.ts";

export interface FollowInit {
  readonly kv: Pick<Kv, "watch">;
  readonly store: Pick<WatchStore, "list">;
  readonly clock: Clock;
  readonly log: Log;
  /** Those that are known here. */
  readonly ids: () => Iterable<string>;
  readonly knows: (id: string) => boolean;
  /** One that was not known. @param away it may have been there for long, and nobody has looked */
  readonly learn: (held: Held, away: boolean) => void;
  readonly forget: (id: string) => void;
}

/** How long the store is let alone at most when it cannot be seen. */
const AGAIN_MS = 2000;

/**
 * Knows which watches there are, as the store has them, until the signal. Live first, then what there is: nothing is missed in between.
 * What becomes of those that are known is decided by whoever looks after them. Never rejects.
 */
export async function follow(init: FollowInit, signal: AbortSignal): Promise<void> {
  const { kv, store, clock, log, knows, learn, forget } = init;
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const watcher = await kv.watch(KEYS, { signal });
      const stop = () => void watcher.close();
      signal.addEventListener("abort", stop, { once: true });
      try {
        const all = await store.list();
        const there = new Set(all.map(({ watch }) => watch.id));
        for (const id of [...init.ids()]) if (!there.has(id)) forget(id);
        for (const held of all) if (!knows(held.watch.id)) learn(held, true);
        failures = 0;
        for await (const { key, entry } of watcher) {
          const watch = entry && readWatch(entry.value);
          if (entry === undefined) forget(key.slice(KEYS.length));
          else if (watch && !knows(watch.id)) learn({ watch, revision: entry.revision }, false);
        }
      } finally {
        signal.removeEventListener("abort", stop);
        await watcher.close();
      }
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ reason: MicroError.from(error).message }, "watches cannot be seen in the store; I look again");
    }
    await clock.sleep(backoff(Math.min(failures, 5), 200, AGAIN_MS), { signal }).catch(() => {});
  }
}
