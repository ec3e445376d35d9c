import { setMaxListeners } from "node:events";
import { MAX_TIMER_MS } from "./clock.ts";
import { MicroError } from "./errors.ts";
import type { CallOptions } from "./lifecycle.ts";

/** A running deadline: a signal to hand on, and what to call when the work is over. */
export interface Deadline extends Disposable {
  /** Aborts when the caller's signal does or the time is over; `reason` is a `MicroError` `cancelled` or `timeout`. */
  readonly signal: AbortSignal;
  /** Throws the reason when it is over. */
  check(): void;
  /**
   * The promise, or the reason as soon as it is over; whatever the promise does later is let go. Who needs no signal uses
   * this alone: on Node 20 a signal with its listeners costs tens of microseconds.
   */
  race<T>(promise: Promise<T>): Promise<T>;
  /** Ends it at once. @param reason what the caller's signal would say, unless it is given */
  cancel(reason?: MicroError): void;
}

/**
 * Links a caller's signal and a time limit into one signal. Always dispose of it (`using deadline = …`), or its timer and
 * its listener stay.
 *
 * @param what names the work in the error: `what` "did not answer within 5000 ms"
 */
export function deadline(options: CallOptions, defaultMs: number, what: string): Deadline {
  return new Limit(options.signal, options.timeoutMs ?? defaultMs, what);
}

/**
 * A class, because there is one for every call: an object with a getter and a symbol's method costs 30 times as much to
 * make. For the same reason its controller and timer are made when somebody asks for the signal; calls that find their
 * answer in memory never do.
 */
class Limit implements Deadline {
  readonly #outer: AbortSignal | undefined;
  readonly #ms: number;
  readonly #what: string;
  readonly #endsAt: number;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #onAbort: (() => void) | undefined;
  #racing: Set<(reason: MicroError) => void> | undefined;
  #watched = false;
  /** Why it is over, once it was told so. */
  #ended: MicroError | undefined;
  #disposed = false;

  constructor(outer: AbortSignal | undefined, ms: number, what: string) {
    this.#outer = outer;
    this.#ms = ms;
    this.#what = what;
    this.#endsAt = ms > 0 ? performance.now() + ms : Number.POSITIVE_INFINITY;
  }

  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    this.#controller = new AbortController();
    // Work that does a hundred things at once listens a hundred times; that is no leak. (Never 0: on Node 20 undici, which asks
    // for the number, takes a signal without one for none.)
    setMaxListeners(100_000, this.#controller.signal);
    const over = this.#over();
    if (over !== undefined) this.#controller.abort(over);
    else this.#watch();
    return this.#controller.signal;
  }

  race<T>(promise: Promise<T>): Promise<T> {
    const over: unknown = this.#controller?.signal.aborted ? this.#controller.signal.reason : this.#over();
    if (over !== undefined) {
      promise.catch(() => {});
      return Promise.reject(over);
    }
    this.#watch();
    this.#racing ??= new Set();
    const racing = this.#racing;
    return new Promise((resolve, reject) => {
      racing.add(reject);
      promise.then(
        (value) => {
          racing.delete(reject);
          resolve(value);
        },
        (error) => {
          racing.delete(reject);
          reject(error);
        },
      );
    });
  }

  check(): void {
    if (this.#controller?.signal.aborted) throw this.#controller.signal.reason;
    const over = this.#over();
    if (over !== undefined) throw over;
  }

  cancel(reason = this.#cancellation()): void {
    this.#ended ??= reason;
    this.#end(this.#ended);
  }

  #over(): MicroError | undefined {
    if (this.#ended !== undefined) return this.#ended;
    if (this.#outer?.aborted) return this.#cancellation();
    if (this.#endsAt !== Number.POSITIVE_INFINITY && performance.now() >= this.#endsAt) return this.#expiry();
    return undefined;
  }

  #watch(): void {
    if (this.#watched || this.#disposed) return;
    this.#watched = true;
    if (this.#outer !== undefined) {
      this.#onAbort = () => this.cancel();
      this.#outer.addEventListener("abort", this.#onAbort, { once: true });
    }
    if (this.#ms > 0) this.#wait();
  }

  #end(reason: MicroError): void {
    this.#controller?.abort(reason);
    for (const reject of this.#racing ?? []) reject(reason);
    this.#racing?.clear();
  }

  #wait(): void {
    const leftMs = this.#endsAt - performance.now();
    // Rounded up, so that deadlines of one length share one of Node's lists of timers.
    if (leftMs <= MAX_TIMER_MS) this.#timer = setTimeout(() => this.#expire(), Math.ceil(leftMs));
    else this.#timer = setTimeout(() => this.#wait(), MAX_TIMER_MS);
  }

  /** A timer may be a little early by the clock that `check` looks at: it is over from here on all the same. */
  #expire(): void {
    this.#ended ??= this.#expiry();
    this.#end(this.#ended);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    if (this.#onAbort !== undefined) this.#outer?.removeEventListener("abort", this.#onAbort);
  }

  #cancellation(): MicroError {
    return new MicroError("cancelled", `${this.#what}: cancelled`);
  }

  #expiry(): MicroError {
    return new MicroError("timeout", `${this.#what} did not answer within ${this.#ms} ms`);
  }
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
