import type { Clock } from "./clock.ts";

/** What is due when. One timer for all of it, however much there is. */
export interface Agenda {
  /** @param due epoch ms; `undefined`: not any more */
  set(id: string, due: number | undefined): void;
  readonly size: number;
  /** When something is due next. */
  dueOf(id: string): number | undefined;
  /** Tells of each at its time, and has forgotten it then, until the signal. Never rejects. */
  run(onDue: (id: string, due: number) => void, signal: AbortSignal): Promise<void>;
}

interface Entry {
  readonly due: number;
  readonly id: string;
}

/** The clock on the wall may be set, so it is looked at again by then. */
const LONGEST_SLEEP_MS = 30_000;

export function createAgenda(clock: Clock): Agenda {
  /** What holds; what stands in the heap otherwise is passed over. */
  const dues = new Map<string, number>();
  let heap: Entry[] = [];
  let wake = new AbortController();

  const push = (entry: Entry) => {
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if ((heap[above] as Entry).due <= entry.due) break;
      heap[at] = heap[above] as Entry;
      at = above;
    }
    heap[at] = entry;
  };
  const pop = () => {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && (heap[below + 1] as Entry).due < (heap[below] as Entry).due) below++;
      if ((heap[below] as Entry).due >= last.due) break;
      heap[at] = heap[below] as Entry;
      at = below;
    }
    heap[at] = last;
  };
  /** The next that still holds. */
  const next = (): Entry | undefined => {
    for (;;) {
      const top = heap[0];
      if (top === undefined || dues.get(top.id) === top.due) return top;
      pop();
    }
  };

  return {
    get size() {
      return dues.size;
    },
    dueOf: (id) => dues.get(id),
    set: (id, due) => {
      if (dues.get(id) === due) return;
      if (due === undefined) {
        dues.delete(id);
        return;
      }
      dues.set(id, due);
      // What is changed often must not pile up.
      if (heap.length > 2 * dues.size + 64) {
        heap = [];
        for (const [one, at] of dues) push({ id: one, due: at });
      } else push({ id, due });
      if (heap[0]?.id === id) wake.abort();
    },
    run: async (onDue, signal) => {
      const stop = () => wake.abort();
      signal.addEventListener("abort", stop, { once: true });
      while (!signal.aborted) {
        wake = new AbortController();
        for (let top = next(); top !== undefined && top.due <= clock.now(); top = next()) {
          pop();
          dues.delete(top.id);
          onDue(top.id, top.due);
        }
        const due = next()?.due ?? Number.POSITIVE_INFINITY;
        const ms = Math.min(Math.max(0, due - clock.now()), LONGEST_SLEEP_MS);
        await clock.sleep(ms, { signal: wake.signal }).catch(() => {});
      }
    },
  };
}
