import { createKv } from "./engine.ts";
import type { Change, Entry, Kv } from "./kv.ts";

/** What stores in memory keep their entries in; several that are given the same one share it. */
export interface MemoryShelf {
  readonly entries: Map<string, Entry>;
  readonly tellers: Set<(change: Change) => void>;
  revision: number;
}

export function memoryShelf(): MemoryShelf {
  return { entries: new Map(), tellers: new Set(), revision: 0 };
}

export interface MemoryKvInit {
  /** To share it with another one in this process, as replicas in a test do. */
  readonly shelf?: MemoryShelf;
}

/** Entries that live as long as the process, or the shelf that was given. */
export function memoryKv({ shelf = memoryShelf() }: MemoryKvInit = {}): Kv {
  const { entries, tellers } = shelf;
  return createKv({
    kind: "memory",
    where: "memory",
    open: async () => {},
    close: async () => {},
    get: async (key) => entries.get(key),
    list: async (prefix) => [...entries.values()].filter(({ key }) => key.startsWith(prefix)),
    write: async (key, value, expected) => {
      const before = entries.get(key);
      if (expected !== undefined && expected !== (before?.revision ?? 0)) return undefined;
      if (value === undefined && before === undefined) return undefined;
      shelf.revision += 1;
      const entry = value === undefined ? undefined : { key, value, revision: shelf.revision };
      if (entry === undefined) entries.delete(key);
      else entries.set(key, entry);
      for (const tell of [...tellers]) tell({ key, entry });
      return shelf.revision;
    },
    watch: async (prefix, tell, signal) => {
      signal.throwIfAborted();
      const mine = (change: Change) => {
        if (change.key.startsWith(prefix)) tell(change);
      };
      tellers.add(mine);
      const ended = new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve(void tellers.delete(mine)), { once: true });
      });
      return { ended };
    },
  });
}
