import { MicroError } from "../errors.ts";
import { closable } from "../lifecycle.ts";
import { createQueue, type Queue } from "../queue.ts";
import type { RegistryEvent, Watcher } from "./registry.ts";

/** The readers of one registry's events, each with a queue of its own. */
export interface Watchers {
  /** @param service narrows it to one name @param signal ends it like `close()` */
  add(options: { readonly service?: string; readonly signal?: AbortSignal }): Watcher;
  publish(event: RegistryEvent): void;
  /** Ends all of them; with an error their iterations throw it. */
  end(error?: MicroError): void;
  readonly size: number;
}

/** How many events a reader may be behind before it is cut off: it must read again anyway. */
const MAX_BEHIND = 10_000;

/** @param onIdle called when the last reader has left */
export function createWatchers(where: string, onIdle: () => void = () => {}): Watchers {
  const open = new Map<Queue<RegistryEvent>, string | undefined>();
  const leave = (queue: Queue<RegistryEvent>) => {
    if (open.delete(queue) && open.size === 0) onIdle();
  };
  return {
    get size() {
      return open.size;
    },
    add: ({ service, signal }) => {
      const queue = createQueue<RegistryEvent>(MAX_BEHIND);
      open.set(queue, service);
      let closed = false;
      const close = () => {
        closed = true;
        signal?.removeEventListener("abort", close);
        leave(queue);
        queue.end();
      };
      if (signal?.aborted) close();
      else signal?.addEventListener("abort", close, { once: true });
      return { ...closable(close), [Symbol.asyncIterator]: () => iterate(queue, close, () => closed) };
    },
    publish: (event) => {
      for (const [queue, service] of open) {
        if (service !== undefined && service !== event.service.name) continue;
        if (queue.push(event)) continue;
        leave(queue);
        queue.end(new MicroError("unavailable", `a watch of ${where} fell ${MAX_BEHIND} events behind; watch again`));
      }
    },
    end: (error) => {
      for (const queue of [...open.keys()]) {
        queue.end(error);
        leave(queue);
      }
    },
  };
}

/** Reads until the end. Leaving the loop closes; what was still queued at `close()` is not delivered after it. */
async function* iterate(
  queue: Queue<RegistryEvent>,
  close: () => void,
  closed: () => boolean,
): AsyncGenerator<RegistryEvent, void> {
  try {
    for await (const event of queue) {
      if (closed()) return;
      yield event;
    }
  } finally {
    close();
  }
}
