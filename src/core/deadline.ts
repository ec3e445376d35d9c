import { MicroError } from "./errors.ts";
import type { CallOptions } from "./lifecycle.ts";

/** A running deadline: a signal to hand on, and what to call when the work is over. */
export interface Deadline extends Disposable {
  /** Aborts when the caller's signal does or the time is over; `reason` is a `MicroError` `cancelled` or `timeout`. */
  readonly signal: AbortSignal;
  /** Throws the reason when it is over. */
  check(): void;
  /** Ends it at once, as the caller's signal would. */
  cancel(): void;
}

/**
 * Links a caller's signal and a time limit into one signal. Always dispose of it (`using deadline = …`), or its timer and
 * its listener stay.
 *
 * @param what names the work in the error: `what` "did not answer within 5000 ms"
 */
export function deadline(options: CallOptions, defaultMs: number, what: string): Deadline {
  const limit = options.timeoutMs ?? defaultMs;
  const endsAt = limit > 0 ? performance.now() + limit : Number.POSITIVE_INFINITY;
  // Made when somebody asks for the signal: most calls that find their answer in memory never do, and a controller and a
  // timer would be most of what they cost.
  let controller: AbortController | undefined;
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  let called = false;
  const cancelled = () => new MicroError("cancelled", `${what}: cancelled`);
  const expired = () => new MicroError("timeout", `${what} did not answer within ${limit} ms`);
  const cancel = () => {
    called = true;
    controller?.abort(cancelled());
  };
  const expire = () => controller?.abort(expired());
  return {
    get signal() {
      if (controller !== undefined) return controller.signal;
      controller = new AbortController();
      if (called || options.signal?.aborted) cancel();
      else if (!over) {
        options.signal?.addEventListener("abort", cancel, { once: true });
        // Rounded up, so that deadlines of one length share one of Node's lists of timers.
        if (limit > 0) timer = setTimeout(expire, Math.ceil(endsAt - performance.now()));
      }
      return controller.signal;
    },
    check: () => {
      if (controller?.signal.aborted) throw controller.signal.reason;
      if (called || options.signal?.aborted) throw cancelled();
      if (performance.now() >= endsAt) throw expired();
    },
    cancel,
    [Symbol.dispose]: () => {
      over = true;
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", cancel);
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
    promise.then(
      (value) => {
        signal.removeEventListener("abort", aborted);
        resolve(value);
      },
      (error) => {
        signal.removeEventListener("abort", aborted);
        reject(error);
      },
    );
  });
}
