import { MicroError } from "../errors.ts";
import { errorRecord } from "../wire/error.ts";
import type { Alarms, Sleeper } from "./alarms.ts";

/**
 * A call's deadline and its caller's signal, all attempts together. There is one for every call, so it is a class, and its
 * own signal is made only for those who ask for it: a signal costs more than everything else here.
 */
export class Limit implements Sleeper {
  readonly timeoutMs: number;
  readonly endsAt: number;
  before: Sleeper | undefined;
  after: Sleeper | undefined;
  /** Who is told that the call is over: the exchange that it waits for, if it does. */
  onOver: (() => void) | undefined;
  readonly #what: string;
  readonly #alarms: Alarms;
  readonly #caller: AbortSignal | undefined;
  readonly #cancel: (() => void) | undefined;
  #reason: MicroError | undefined;
  #controller: AbortController | undefined;

  /** @param timeoutMs 0: none */
  constructor(caller: AbortSignal | undefined, timeoutMs: number, what: string, alarms: Alarms) {
    this.timeoutMs = timeoutMs;
    this.endsAt = performance.now() + timeoutMs;
    this.#what = what;
    this.#alarms = alarms;
    if (timeoutMs > 0) alarms.add(timeoutMs, this);
    if (caller === undefined) return;
    this.#caller = caller;
    this.#cancel = () => this.#finish(new MicroError("cancelled", `${this.#what}: cancelled`));
    if (caller.aborted) this.#cancel();
    else caller.addEventListener("abort", this.#cancel, { once: true });
  }

  /** Why the call is over, in the words of Go's client (`wire.md §6`). */
  get reason(): MicroError | undefined {
    return this.#reason;
  }

  /** Aborts when the call is over. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Whole milliseconds, one at least. */
  leftMs(): number {
    return this.timeoutMs === 0 ? 86_400_000 : Math.max(1, Math.round(this.endsAt - performance.now()));
  }

  /** Nothing is told to anybody from now on. */
  end(): void {
    this.onOver = undefined;
    if (this.timeoutMs > 0) this.#alarms.remove(this.timeoutMs, this);
    if (this.#cancel) this.#caller?.removeEventListener("abort", this.#cancel);
  }

  expire(): void {
    const cause = new MicroError("timeout", `${this.#what} did not answer within ${this.timeoutMs} ms`);
    const detail = "call timeout: context deadline exceeded";
    const record = errorRecord("go.micro.client", 408, detail);
    this.#finish(new MicroError("timeout", detail, { cause, details: { record } }));
  }

  #finish(reason: MicroError): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.onOver?.();
  }
}
