import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";

/** A clock that goes only when it is told to. */
export interface ManualClock extends Clock {
  /** Moves on, waking sleepers in order; whoever was woken has run when it resolves. */
  advance(ms: number): Promise<void>;
  /** How many sleep. */
  readonly sleepers: number;
  /** In how many milliseconds the first of them wakes. `undefined`: nobody sleeps. */
  readonly nextMs: number | undefined;
}

/** @param startAt epoch ms @default the beginning of 2020 */
export function manualClock(startAt = Date.UTC(2020, 0, 1)): ManualClock {
  let now = startAt;
  const sleeping = new Set<{ readonly at: number; readonly wake: () => void }>();
  const first = () => [...sleeping].sort((a, b) => a.at - b.at)[0];
  return {
    get sleepers() {
      return sleeping.size;
    },
    get nextMs() {
      const next = first();
      return next && next.at - now;
    },
    now: () => now,
    sleep: (ms, { signal } = {}) =>
      new Promise((resolve, reject) => {
        const cancelled = () => {
          sleeping.delete(sleeper);
          reject(new MicroError("cancelled", "cancelled while waiting"));
        };
        const sleeper = {
          at: now + ms,
          wake: () => {
            signal?.removeEventListener("abort", cancelled);
            resolve();
          },
        };
        if (signal?.aborted) return cancelled();
        sleeping.add(sleeper);
        signal?.addEventListener("abort", cancelled, { once: true });
      }),
    advance: async (ms) => {
      const until = now + ms;
      for (;;) {
        await turn();
        const next = first();
        if (next === undefined || next.at > until) break;
        now = next.at;
        sleeping.delete(next);
        next.wake();
      }
      now = until;
      await turn();
    },
  };
}
