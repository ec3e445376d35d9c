import { setImmediate as turn } from "node:timers/promises";

/**
 * How long (ms) a long computation may hold the event loop before others get their turn. Short, since the garbage that it
 * makes is collected on top of that, for 5 to 15 ms.
 */
const SLICE_MS = 2;

/**
 * For loops over thousands of records: `await pause()` in each round lets the event loop go round whenever the slice is
 * used up, and costs next to nothing when it is not.
 */
export function createPause(): () => Promise<void> | undefined {
  let began = performance.now();
  return () => {
    if (performance.now() - began < SLICE_MS) return undefined;
    return turn().then(() => {
      began = performance.now();
    });
  };
}

/** Runs `work` for each item, at most `limit` at once. The first error ends it: no further item is begun. */
export async function eachAtMost<T>(
  limit: number,
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  let failed = false;
  const worker = async () => {
    for (let next = rest.next(); !failed && next.done !== true; next = rest.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
