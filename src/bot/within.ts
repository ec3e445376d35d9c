import type { Clock } from "../core/clock.ts";

/** Waits for the work, but no longer than so long. Resolves to whether it was over, well or badly. Never rejects. */
export async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  const late = clock.sleep(ms, { signal: over.signal }).then(
    () => false,
    () => false,
  );
  const done = work.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([done, late]);
  over.abort();
  return inTime;
}
