import { setTimeout as wait } from "node:timers/promises";

/** What the heap holds after a collection, in MB, every `everyMs` until the signal aborts. */
export async function sampleHeap(everyMs: number, signal: AbortSignal): Promise<number[]> {
  if (!globalThis.gc) throw new Error("the heap cannot be measured: run with --expose-gc");
  const series: number[] = [];
  while (!signal.aborted) {
    globalThis.gc();
    series.push(process.memoryUsage().heapUsed / 2 ** 20);
    await wait(everyMs, undefined, { signal }).catch(() => {});
  }
  return series;
}

/** The middle of the second quarter, when everything is warm, and of the last one. */
export function growth(series: readonly number[]): { readonly warm: number; readonly last: number } {
  const quarter = series.length / 4;
  const middle = (from: number, to: number) => {
    const sorted = series.slice(Math.floor(from * quarter), Math.ceil(to * quarter)).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  return { warm: middle(1, 2), last: middle(3, 4) };
}

/** What keeps the process alive, by kind. */
export function resources(): Map<string, number> {
  const found = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) found.set(kind, (found.get(kind) ?? 0) + 1);
  return found;
}

/** What there is more of than at the start, once it has had `patienceMs` to go. */
export async function leftOver(start: ReadonlyMap<string, number>, patienceMs: number): Promise<string[]> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const more = [...resources()].filter(([kind, n]) => n > (start.get(kind) ?? 0));
    if (more.length === 0 || performance.now() > until) {
      return more.map(([kind, n]) => `${kind}: ${n}, at the start ${start.get(kind) ?? 0}`);
    }
    // The wait is over, so its own timer is not counted.
    await wait(200);
  }
}
