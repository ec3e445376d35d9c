import { sharedAbort } from "../abort.ts";
import { type Deadline, deadline } from "../deadline.ts";
import type { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";

/** The calls of one registry or store that are in flight. */
export interface Calls {
  /** Does the work within the call's deadline, and not beyond `stop()`; the signal that it is handed says so. */
  during<T>(options: CallOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** The same; the deadline makes its signal when somebody asks for it, which costs more than much that is asked for. */
  within<T>(options: CallOptions, work: (limit: Deadline) => Promise<T>): Promise<T>;
  /** All that are in flight end with the reason. */
  stop(reason: MicroError): void;
  /** Aborts at the next `stop()`. */
  readonly stopped: AbortSignal;
}

/** @param where names it in errors @param timeoutMs for calls that say nothing themselves */
export function createCalls(where: string, timeoutMs: number): Calls {
  const live = new Set<Deadline>();
  let stopping = sharedAbort();
  const within: Calls["within"] = async (options, work) => {
    using limit = deadline(options, timeoutMs, where);
    limit.check();
    live.add(limit);
    try {
      return await limit.race(work(limit));
    } finally {
      live.delete(limit);
    }
  };
  return {
    get stopped() {
      return stopping.signal;
    },
    during: (options, work) => within(options, ({ signal }) => work(signal)),
    within,
    stop: (reason) => {
      for (const limit of live) limit.cancel(reason);
      stopping.abort(reason);
      stopping = sharedAbort();
    },
  };
}
