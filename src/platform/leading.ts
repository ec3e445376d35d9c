import { randomBytes } from "node:crypto";
import { sharedAbort } from "../core/abort.ts";
import { type Clock, elapsedBy } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Kv } from "./kv/kv.ts";
import { createLease, type Lease } from "./lease.ts";

export interface LeadingInit {
  readonly kv: Kv;
  readonly key: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What waits while the store is away, for the log: `alerts`. */
  readonly what: string;
  /** @default that of leases */
  readonly leaseMs?: number;
  /** How often it is looked whether it is this process's turn. @default 1000 */
  readonly turnMs?: number;
}

/** Work that one of all processes that share a store does at a time. */
export interface Leading {
  readonly lease: Lease;
  /**
   * Until the signal: whenever it is this process's turn, all of the work is done, with a signal that ends when it is not any more. Work
   * that throws is begun anew, since nobody else does it as long as this process has its turn. Never rejects.
   */
  run(work: (signal: AbortSignal) => readonly Promise<unknown>[], signal: AbortSignal): Promise<void>;
}

export function createLeading({ kv, key, clock, log, what, leaseMs, turnMs = 1000 }: LeadingInit): Leading {
  const lease = createLease({
    ...{ kv, key, owner: randomBytes(8).toString("hex"), clock, monotonic: elapsedBy(clock), log },
    ...(leaseMs !== undefined && { leaseMs }),
  });
  const turn = (signal: AbortSignal) => clock.sleep(turnMs, { signal }).catch(() => {});

  /** One term as the one that does it. */
  const term = async (work: Parameters<Leading["run"]>[0], signal: AbortSignal) => {
    const over = sharedAbort();
    const end = () => over.abort();
    signal.addEventListener("abort", end, { once: true });
    const watching = (async () => {
      while (!over.signal.aborted && lease.held()) await turn(over.signal);
      over.abort();
    })();
    const parts = work(over.signal).map((part) =>
      part.catch((error: unknown) => {
        if (!over.signal.aborted) log.error({ err: error }, `${what} are taken up anew`);
        over.abort();
      }),
    );
    await Promise.all([...parts, watching]);
    signal.removeEventListener("abort", end);
  };

  return {
    lease,
    run: async (work, signal) => {
      for (let told = false; !signal.aborted; ) {
        try {
          await lease.start({ signal });
          break;
        } catch (error) {
          if (!told) log.warn({ reason: MicroError.from(error).message }, `${what} wait: the store cannot be asked`);
          told = true;
          await turn(signal);
        }
      }
      while (!signal.aborted) {
        if (lease.held()) await term(work, signal);
        await turn(signal);
      }
    },
  };
}
