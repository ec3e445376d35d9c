import { MicroError } from "./errors.ts";
import type { CallOptions } from "./lifecycle.ts";

/** A running deadline: a signal to hand on, and what to call when the work is over. */
export interface Deadline extends Disposable {
  /** Aborts when the caller's signal does or the time is over; `reason` is a `MicroError` `cancelled` or `timeout`. */
  readonly signal: AbortSignal;
  /** Throws the reason when it is over. */
  check(): void;
}

/**
 * Links a caller's signal and a time limit into one signal. Always dispose of it (`using deadline = …`), or its timer and
 * its listener stay.
 *
 * @param what names the work in the error: `what` "did not answer within 5000 ms"
 */
export function deadline(options: CallOptions, defaultMs: number, what: string): Deadline {
  const limit = options.timeoutMs ?? defaultMs;
  const controller = new AbortController();
  const cancelled = () => controller.abort(new MicroError("cancelled", `${what}: cancelled`));
  if (options.signal?.aborted) cancelled();
  else options.signal?.addEventListener("abort", cancelled, { once: true });
  const expired = () => controller.abort(new MicroError("timeout", `${what} did not answer within ${limit} ms`));
  const timer = limit > 0 && !controller.signal.aborted ? setTimeout(expired, limit) : undefined;
  return {
    signal: controller.signal,
    check: () => {
      if (controller.signal.aborted) throw controller.signal.reason;
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", cancelled);
    },
  };
}

/** The promise, or the signal's reason as soon as it aborts; whatever the promise does later is let go. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {});
    return Promise.reject(MicroError.from(signal.reason));
  }
  return new Promise((resolve, reject) => {
    const aborted = () => reject(MicroError.from(signal.reason));
    signal.addEventListener("abort", aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}
