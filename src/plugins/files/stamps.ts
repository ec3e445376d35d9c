import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";

/** What a change of files shows in: their times, sizes and places on the disk. */
export async function stampOf(paths: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
        () => "gone",
      ),
    ),
  );
  return stamps.join("\n");
}

/** More folders than that are only looked at now and then. */
const MOST = 64;

/**
 * Hints that something in some folders may have changed, as the system tells it. Mounted and network disks tell nothing, and
 * a system has only so many hints to give, so nobody relies on them: who wants to know looks for itself now and then.
 */
export function createHints(onHint: () => void): { of(folders: Iterable<string>): void; close(): void } {
  const watchers = new Map<string, FSWatcher>();
  const drop = (folder: string) => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  return {
    of: (folders) => {
      const wanted = new Set([...folders].slice(0, MOST));
      for (const folder of [...watchers.keys()]) if (!wanted.has(folder)) drop(folder);
      for (const folder of wanted) {
        if (watchers.has(folder)) continue;
        try {
          const watcher = watch(folder, { persistent: false }, onHint);
          watcher.on("error", () => drop(folder));
          watchers.set(folder, watcher);
        } catch {
          // No hints from there.
        }
      }
    },
    close: () => {
      for (const folder of [...watchers.keys()]) drop(folder);
    },
  };
}
