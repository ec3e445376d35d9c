import type { Entry } from "../platform/kv/kv.ts";
import { readEntry } from "./inbox-entry.ts";

/** Something that waits in the store, without what is in it. */
export interface Item {
  readonly key: string;
  /** At which it was put, so also its place in the order. */
  readonly revision: number;
  /** Characters, about. */
  readonly size: number;
  readonly id: string;
  readonly group: string;
}

/** What was worked on and is remembered. */
export interface Done {
  /** Epoch ms. */
  readonly at: number;
  readonly revision: number;
}

/** What this process knows of the inbox in the store, by its watch and its own writes: keys, never what is in them. */
export interface Mirror {
  readonly waiting: ReadonlyMap<string, Item>;
  readonly done: ReadonlyMap<string, Done>;
  /** Characters that wait. */
  readonly size: number;
  add(item: Item): void;
  finished(key: string, done: Done): void;
  gone(key: string): void;
  /** What a watch or a list told. */
  note(key: string, entry: Entry | undefined): void;
  /** The id that was put last in a group. */
  last(group: string): string | undefined;
  /** From here on `next` gives what waits, each once; an earlier one gives nothing any more. */
  take(): Taker;
}

export interface Taker {
  /** The oldest that was not given yet. */
  next(): Item | undefined;
  /** It is given again, first. */
  back(item: Item): void;
  /** Resolves when there may be something. */
  arrival(signal: AbortSignal): Promise<void>;
  stop(): void;
}

/** @param most groups whose last id is remembered */
export function createMirror(most: number): Mirror {
  const waiting = new Map<string, Item>();
  const done = new Map<string, Done>();
  const lasts = new Map<string, { readonly id: string; readonly revision: number }>();
  let size = 0;
  let taker: { push(item: Item): void } | undefined;

  const remember = (group: string, id: string, revision: number) => {
    if ((lasts.get(group)?.revision ?? 0) > revision) return;
    lasts.delete(group);
    lasts.set(group, { id, revision });
    const oldest = lasts.size > most ? lasts.keys().next().value : undefined;
    if (oldest !== undefined) lasts.delete(oldest);
  };
  const add = (item: Item) => {
    if (waiting.has(item.key) || done.has(item.key)) return;
    waiting.set(item.key, item);
    size += item.size;
    remember(item.group, item.id, item.revision);
    taker?.push(item);
  };
  const gone = (key: string) => {
    size -= waiting.get(key)?.size ?? 0;
    waiting.delete(key);
    done.delete(key);
  };
  const finished = (key: string, how: Done) => {
    gone(key);
    done.set(key, how);
  };

  return {
    waiting,
    done,
    get size() {
      return size;
    },
    add,
    finished,
    gone,
    note: (key, entry) => {
      if (entry === undefined) return gone(key);
      const head = readEntry(entry.value);
      const { revision, value } = entry;
      if (head === undefined) add({ key, revision, size: value.length, id: key, group: key });
      else if (head.done === undefined) add({ key, revision, size: value.length, id: head.id, group: head.group });
      else {
        finished(key, { at: head.done.at, revision });
        remember(head.group, head.id, head.done.put);
      }
    },
    last: (group) => lasts.get(group)?.id,
    take: () => {
      let queue = [...waiting.values()];
      let sorted = false;
      let wake: (() => void) | undefined;
      const mine = {
        push: (item: Item) => {
          sorted &&= (queue.at(-1)?.revision ?? 0) < item.revision;
          queue.push(item);
          wake?.();
        },
      };
      taker = mine;
      const next = (): Item | undefined => {
        if (!sorted) queue.sort((a, b) => a.revision - b.revision);
        sorted = true;
        for (;;) {
          const item = queue.shift();
          if (item === undefined || waiting.has(item.key)) return item;
        }
      };
      return {
        next,
        back: (item) => void queue.unshift(item),
        arrival: (signal) =>
          new Promise((resolve) => {
            const come = () => {
              signal.removeEventListener("abort", come);
              resolve();
            };
            if (queue.length > 0 || signal.aborted) return resolve();
            signal.addEventListener("abort", come, { once: true });
            wake = come;
          }),
        stop: () => {
          queue = [];
          if (taker === mine) taker = undefined;
        },
      };
    },
  };
}
