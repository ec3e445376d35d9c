import { sharedAbort } from "../abort.ts";
import { deadline, orAbort } from "../deadline.ts";
import type { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";

/** The calls of one registry that are in flight. */
export interface Calls {
  /** Does the work within the call's deadline, and not beyond `stop()`; the signal that it is handed says so. */
  during<T>(options: CallOptions, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** All that are in flight end with the reason. */
  stop(reason: MicroError): void;
  /** Aborts at the next `stop()`. */
  readonly stopped: AbortSignal;
}

/** @param where names the registry in errors @param timeoutMs for calls that say nothing themselves */
export function createCalls(where: string, timeoutMs: number): Calls {
  let stopping = sharedAbort();
  return {
    get stopped() {
      return stopping.signal;
    },
    during: async (options, work) => {
      const stopped = stopping.signal;
      using limit = deadline(options, timeoutMs, where);
      limit.check();
      const abort = sharedAbort();
      const end = (event: Event) => abort.abort((event.target as AbortSignal).reason);
      limit.signal.addEventListener("abort", end, { once: true });
      stopped.addEventListener("abort", end, { once: true });
      try {
        return await orAbort(work(abort.signal), abort.signal);
      } finally {
        stopped.removeEventListener("abort", end);
      }
    },
    stop: (reason) => {
      stopping.abort(reason);
      stopping = sharedAbort();
    },
  };
}
