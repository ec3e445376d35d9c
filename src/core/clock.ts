import { MicroError } from "./errors.ts";
import type { CallOptions } from "./lifecycle.ts";

/** Time as an argument, so that tests do not sleep. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Milliseconds that only go on, whoever sets the clock on the wall, for how long something took. Left out: `now()` does so. */
  monotonic?(): number;
  /** Resolves after `ms`. Holds no process open. @throws MicroError `cancelled` */
  sleep(ms: number, options?: Pick<CallOptions, "signal">): Promise<void>;
}

/** What Node's timers can wait, 24 days; asked for more, they do not wait at all. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** For deadlines and paces: the wall's clock may be set by hours while something waits. */
export function elapsedBy(clock: Clock): () => number {
  return () => clock.monotonic?.() ?? clock.now();
}

/** The clock on the wall. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, { signal } = {}) =>
    new Promise((resolve, reject) => {
      const cancelled = () => {
        clearTimeout(timer);
        reject(new MicroError("cancelled", "cancelled while waiting"));
      };
      if (signal?.aborted) {
        reject(new MicroError("cancelled", "cancelled while waiting"));
        return;
      }
      let timer: NodeJS.Timeout;
      const wait = (leftMs: number) => {
        const partMs = Math.min(leftMs, MAX_TIMER_MS);
        timer = setTimeout(() => {
          if (leftMs > partMs) return wait(leftMs - partMs);
          signal?.removeEventListener("abort", cancelled);
          resolve();
        }, partMs).unref();
      };
      wait(ms);
      signal?.addEventListener("abort", cancelled, { once: true });
    }),
};
