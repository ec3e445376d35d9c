import { MicroError } from "./errors.ts";
import type { CallOptions } from "./lifecycle.ts";

/** Time as an argument, so that tests do not sleep. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves after `ms`. Holds no process open. @throws MicroError `cancelled` */
  sleep(ms: number, options?: Pick<CallOptions, "signal">): Promise<void>;
}

/** The clock on the wall. */
export const systemClock: Clock = {
  now: () => Date.now(),
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
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", cancelled);
        resolve();
      }, ms);
      timer.unref();
      signal?.addEventListener("abort", cancelled, { once: true });
    }),
};
