import { type Clock, MAX_TIMER_MS } from "../clock.ts";
import { MicroError } from "../errors.ts";
import type { Ending, Incoming } from "./door.ts";
import type { CallContext } from "./server.ts";

/** What a handler knows of its call. Made for every call, so it is a class, and what costs something is made when it is asked for. */
export class Call implements CallContext {
  readonly header: Readonly<Record<string, string>>;
  readonly remote: string;
  readonly #clock: Clock;
  readonly #arrivedAt: number;
  readonly #over: Ending;
  readonly #endless: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stop: (() => void) | undefined;
  #ended = false;

  /** @param endless given for a stream: it has no deadline, and ends when this aborts */
  constructor({ header, remote }: Incoming, clock: Clock, over: Ending, endless: AbortSignal | undefined) {
    this.header = header;
    this.remote = remote;
    this.#clock = clock;
    this.#arrivedAt = clock.now();
    this.#over = over;
    this.#endless = endless;
  }

  get deadlineAt(): number | undefined {
    if (this.#endless) return undefined;
    const nanoseconds = this.header["timeout"];
    const ms = nanoseconds !== undefined && /^\d{1,20}$/.test(nanoseconds) ? Number(nanoseconds) / 1e6 : 0;
    return ms === 0 ? undefined : this.#arrivedAt + ms;
  }

  get signal(): AbortSignal {
    if (this.#controller) return this.#controller.signal;
    const made = new AbortController();
    this.#controller = made;
    // Asked for by what the handler left behind: there is nothing more to wait for.
    if (this.#ended) {
      made.abort(new MicroError("cancelled", "the call is over"));
      return made.signal;
    }
    this.#stop = () => made.abort(this.#over.aborted ? this.#over.reason : this.#endless?.reason);
    for (const over of [this.#over, this.#endless]) {
      if (over?.aborted) this.#stop();
      else over?.addEventListener("abort", this.#stop, { once: true });
    }
    const { deadlineAt } = this;
    if (deadlineAt !== undefined) {
      // Two more, because clocks count whole ones: the caller is to give up before an aborted handler answers.
      const left = Math.min(Math.max(0, deadlineAt - this.#clock.now()) + 2, MAX_TIMER_MS);
      this.#timer = setTimeout(() => made.abort(new MicroError("timeout", "the caller's deadline has passed")), left);
    }
    return made.signal;
  }

  /** The handler is done. */
  end(): void {
    this.#ended = true;
    if (this.#stop === undefined) return;
    clearTimeout(this.#timer);
    this.#over.removeEventListener("abort", this.#stop);
    this.#endless?.removeEventListener("abort", this.#stop);
  }
}
