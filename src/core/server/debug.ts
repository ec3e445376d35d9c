import { PerformanceObserver } from "node:perf_hooks";
import type { Clock } from "../clock.ts";
import { type Closable, closable } from "../lifecycle.ts";
import { HEALTH, statsFor } from "./debug-messages.ts";
import type { Handler } from "./door.ts";

/** What `Debug.Stats` answers (`wire.md §9`, the layout of v1.18 with the counters of v2). */
export interface Stats {
  /** Unix seconds. */
  readonly timestamp: number;
  readonly started: number;
  /** Seconds. */
  readonly uptime: number;
  /** Bytes. */
  readonly memory: number;
  /** Threads of this process as Node knows them: the event loop. */
  readonly threads: number;
  /** Nanoseconds spent collecting garbage. */
  readonly gc: number;
  readonly requests: number;
  readonly errors: number;
}

export interface DebugStats extends Closable {
  /** One call was answered. */
  count(failed: boolean): void;
  read(): Stats;
}

/** Counts from now until it is closed. */
export function debugStats(clock: Clock): DebugStats {
  const startedAt = clock.now();
  let gcMs = 0;
  let requests = 0;
  let errors = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) gcMs += entry.duration;
  });
  observer.observe({ entryTypes: ["gc"] });
  return {
    count: (failed) => {
      requests++;
      if (failed) errors++;
    },
    read: () => ({
      timestamp: Math.floor(clock.now() / 1000),
      started: Math.floor(startedAt / 1000),
      uptime: Math.floor((clock.now() - startedAt) / 1000),
      memory: process.memoryUsage().heapUsed,
      threads: 1,
      gc: Math.round(gcMs * 1e6),
      requests,
      errors,
    }),
    ...closable(() => observer.disconnect()),
  };
}

/** What every server answers unasked, not listed among its endpoints (`wire.md §9`). */
export function debugHandlers(stats: DebugStats): readonly (readonly [name: string, handler: Handler])[] {
  return [
    ["Debug.Health", { kind: "unary", run: () => ({ status: "ok" }), messages: HEALTH }],
    ["Debug.Stats", { kind: "unary", run: () => stats.read(), messages: statsFor }],
  ];
}
