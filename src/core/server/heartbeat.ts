import type { Clock } from "../clock.ts";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import type { Registry, ServiceRecord } from "../registry/registry.ts";

export interface HeartbeatInit {
  readonly registry: Registry;
  readonly record: ServiceRecord;
  readonly clock: Clock;
  readonly log: Log;
  /** 0: the registration has no end. */
  readonly ttlMs: number;
  /** 0: registered once. */
  readonly intervalMs: number;
  /** It was registered just now: the first time is after one interval. */
  readonly registered?: boolean;
  /** Gives up the first registration, for which the start waits. */
  readonly signal?: AbortSignal;
}

/** How long to wait after a failure, at first and at most. */
const RETRY_MS = { first: 500, most: 10_000 };

/**
 * Registers a record and keeps it registered until closed, which takes it out again. A registry that is away does not stop a
 * service: it goes on trying.
 */
export async function startHeartbeat(init: HeartbeatInit): Promise<Closable> {
  const { registry, record, clock, log, ttlMs, intervalMs } = init;
  const over = new AbortController();
  const leave = () => over.abort();
  if (init.signal?.aborted) leave();
  else init.signal?.addEventListener("abort", leave, { once: true });
  let failures = 0;

  const beat = async (): Promise<void> => {
    try {
      await registry.register(record, { ttlMs, timeoutMs: 5000, signal: over.signal });
      if (failures > 0) log.info({ service: record.name, where: registry.where }, "registered again");
      failures = 0;
    } catch (error) {
      if (over.signal.aborted) return;
      failures++;
      const reason = MicroError.from(error).message;
      log.warn({ service: record.name, where: registry.where, reason }, "cannot register; trying again");
    }
  };
  const pause = () => {
    if (failures > 0) return Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** Math.min(failures - 1, 5));
    // Never quite together with everybody who started at the same moment.
    return intervalMs * (0.9 + Math.random() / 10);
  };
  const keep = async (): Promise<void> => {
    while (!over.signal.aborted && (intervalMs > 0 || failures > 0)) {
      await clock.sleep(pause(), { signal: over.signal }).catch(() => {});
      if (!over.signal.aborted) await beat();
    }
  };

  if (init.registered !== true && !over.signal.aborted) await beat();
  const kept = keep();
  return closable(async () => {
    init.signal?.removeEventListener("abort", leave);
    over.abort();
    await kept;
    await registry.deregister(record, { timeoutMs: 2000 }).catch((error) => {
      log.warn({ service: record.name, reason: (error as Error).message }, "could not take itself out of the registry");
    });
  });
}
