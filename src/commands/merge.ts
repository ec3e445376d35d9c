import { MicroError } from "../core/errors.ts";
import { createQueue } from "../core/queue.ts";

/**
 * Several sources as one, in the order in which they give. Each gives its next when its last was taken, so nothing piles
 * up. Whoever leaves early ends the sources by other means.
 */
export async function* merge<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T, void, undefined> {
  const queue = createQueue<{ readonly item: T; readonly taken: () => void }>(sources.length);
  const reading = sources.map(async (source) => {
    for await (const item of source) await new Promise<void>((taken) => queue.push({ item, taken }));
  });
  Promise.all(reading).then(
    () => queue.end(),
    (error: unknown) => queue.end(MicroError.from(error)),
  );
  for await (const { item, taken } of queue) {
    yield item;
    taken();
  }
}
