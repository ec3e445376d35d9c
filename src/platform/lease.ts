import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { CallOptions, Startable } from "../core/lifecycle.ts";
import { type Log, silent } from "../core/log.ts";
import type { Entry, Kv } from "./kv/kv.ts";
import { createObserver } from "./observer.ts";

/** How long the others wait for a sign of life before they take over. */
export const LEASE_MS = 10_000;

/** Shares of a lease: how long its holder trusts it, how long the others wait, how often each of them looks. */
const SURE = 0.8;
const WAIT = 0.9;
const RENEW = 0.3;
const LOOK = 0.05;

/**
 * The right to be the only one at something, for as long as its holder gives signs of life.
 *
 * No clocks are compared: the holder writes anew, and the others wait until what they see has not changed for most of the
 * lease by their own monotonic clocks. The holder trusts it for a little less, counted from before its last write. So two
 * may believe in it at the same time only where one was stopped between asking and acting; what must not even happen then
 * is written by compare-and-set, or carries `fence`.
 */
export interface Lease extends Startable {
  /** The revision at which it was won: who wins it later has a higher one. `undefined`: somebody else has it. */
  readonly fence: number | undefined;
  /** Nobody else can have it now. Asks only our own clock, so a process that was paused finds out before it acts. */
  held(): boolean;
  /** The fencing number. @throws MicroError `conflict` unless it is held */
  check(): number;
  /** Looks and writes now instead of at the next turn; resolves to whether it is held. @throws what `Kv` throws */
  renew(options?: CallOptions): Promise<boolean>;
  /** Gives it up, to whoever comes first, and asks for it no more. Never rejects. */
  stop(): Promise<void>;
}

export interface LeaseInit {
  readonly kv: Kv;
  readonly key: string;
  /** Who asks for it; the same for nobody else, and for this process only as long as it lives. */
  readonly owner: string;
  /** What is written beside the owner, for who looks. */
  readonly facts?: () => object;
  readonly clock: Clock;
  /** Milliseconds of a clock that nobody sets. @default performance.now */
  readonly monotonic?: () => number;
  /** The same for everybody who asks. @default 10000 */
  readonly leaseMs?: number;
  readonly log?: Log;
}

/** Who leaves waits no longer for a store. */
const LEAVE_MS = 1000;

interface Mine {
  readonly fence: number;
  readonly revision: number;
  readonly renewedAt: number;
}

/** `start()` looks once, which throws what `Kv` throws, and goes on looking; whether it was won is another matter. */
export function createLease(init: LeaseInit): Lease {
  const { kv, key, owner, clock, log = silent, monotonic = () => performance.now(), leaseMs = LEASE_MS } = init;
  const others = createObserver(monotonic, leaseMs);
  const leaving = new AbortController();
  const text = () => JSON.stringify({ ...init.facts?.(), owner });
  let mine: Mine | undefined;
  let looking: Promise<boolean> | undefined;
  let loop: Promise<void> | undefined;

  const held = () => mine !== undefined && monotonic() - mine.renewedAt < leaseMs * SURE;
  const won = (revision: number | undefined, renewedAt: number, fence = revision) => {
    mine = revision === undefined || fence === undefined ? undefined : { fence, revision, renewedAt };
    return mine !== undefined;
  };

  const look = async (options: CallOptions): Promise<boolean> => {
    const at = monotonic();
    if (mine !== undefined) {
      const revision = await kv.update(key, text(), mine.revision, options);
      if (revision !== undefined) return won(revision, at, mine.fence);
    }
    const entry = await kv.get(key, options);
    if (entry === undefined) return won(await kv.create(key, text(), options), at);
    // A write of ours that nobody answered may have happened: then it is ours still, by the number that it was won with.
    if (ownerOf(entry) === owner) {
      return won(await kv.update(key, text(), entry.revision, options), at, mine?.fence);
    }
    mine = undefined;
    others.look([entry]);
    if (others.quietMs(key) < leaseMs * WAIT) return false;
    return won(await kv.update(key, text(), entry.revision, options), at);
  };
  const renew = (options: CallOptions = {}): Promise<boolean> => {
    if (leaving.signal.aborted) return Promise.resolve(false);
    looking ??= look({ timeoutMs: leaseMs * RENEW, ...options })
      .catch((error: unknown) => {
        others.blind();
        throw error;
      })
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };
  const goOn = async () => {
    const { signal } = leaving;
    let told = false;
    while (!signal.aborted) {
      const wait = held() ? leaseMs * RENEW : leaseMs * LOOK;
      await clock.sleep(wait, { signal }).catch(() => {});
      try {
        if (!signal.aborted) await renew();
        told = false;
      } catch (error) {
        if (!told) log.warn({ key, reason: MicroError.from(error).message }, "a lease cannot be renewed; trying again");
        told = true;
      }
    }
  };

  return {
    get fence() {
      return mine?.fence;
    },
    held,
    check: () => {
      if (mine !== undefined && held()) return mine.fence;
      throw new MicroError("conflict", `the lease on ${key} may be another's by now`);
    },
    renew,
    start: async (options = {}) => {
      await renew(options);
      loop ??= goOn();
    },
    stop: async () => {
      if (leaving.signal.aborted) return;
      leaving.abort();
      await loop;
      await looking?.catch(() => {});
      const last = mine;
      mine = undefined;
      if (last === undefined) return;
      // Where the store is away the others find out by waiting.
      await kv.delete(key, { revision: last.revision, timeoutMs: LEAVE_MS }).catch(() => {});
    },
  };
}

/** Who holds the lease that is written there. `undefined`: it is none. */
export function ownerOf({ value }: Pick<Entry, "value">): string | undefined {
  try {
    const { owner } = JSON.parse(value) as { readonly owner?: unknown };
    return typeof owner === "string" ? owner : undefined;
  } catch {
    return undefined;
  }
}
