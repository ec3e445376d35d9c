import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { MicroError } from "../core/errors.ts";
import type { Place } from "../inputs/input.ts";

/** A message that was taken, as much as is needed to speak of it after a crash. */
export interface Taken {
  readonly key: string;
  readonly input: string;
  readonly place: Place;
  readonly caller: string;
  readonly text: string;
  readonly at: number;
}

/** Remembers which messages were taken, so that each takes effect once, whatever the network or a crash does. */
export interface Journal {
  /** `false`: taken before. Written before it returns, so that even `kill -9` finds it. */
  take(message: Taken): boolean;
  /** Its answer has been sent. */
  done(key: string): void;
  /** What was taken and not done when the process before this one died. */
  readonly interrupted: readonly Taken[];
  close(): void;
}

export interface JournalInit {
  /** How long a message is remembered; networks were seen to deliver again after 368 s (`chat.md §3`). @default 2 h */
  readonly keepMs?: number;
  /** How many at most; the oldest go first. @default 100000 */
  readonly max?: number;
}

/** For inputs that never deliver anything twice after a restart. */
export function memoryJournal(init: JournalInit = {}): Journal {
  const memory = createMemory(init);
  return { take: (message) => memory.add(message), done: () => {}, interrupted: [], close: () => {} };
}

/**
 * One file of JSON lines in `folder`, locked by this process.
 *
 * It is written without fsync: that outlives the process in every case, the machine's power failing not.
 * @throws MicroError `conflict` when another live process has the folder, `unavailable` when it cannot be written
 */
export function fileJournal(folder: string, init: JournalInit = {}): Journal {
  const path = join(folder, "journal.jsonl");
  const lock = join(folder, "journal.lock");
  prepare(folder, lock);
  const memory = createMemory(init);
  const open = new Map<string, Taken>();
  for (const entry of entries(path)) {
    if ("done" in entry) open.delete(entry.done);
    else if (memory.add(entry.took)) open.set(entry.took.key, entry.took);
  }
  const interrupted = [...open.values()].filter((taken) => memory.has(taken.key));

  let lines = 0;
  let file = rewrite();
  function rewrite(): number {
    const kept = [...memory.all()].flatMap((took) => {
      const done = open.has(took.key) ? [] : [`${JSON.stringify({ done: took.key })}\n`];
      return [`${JSON.stringify({ took })}\n`, ...done];
    });
    lines = kept.length;
    writeFileSync(`${path}.new`, kept.join(""), { mode: 0o600 });
    renameSync(`${path}.new`, path);
    return openSync(path, "a", 0o600);
  }
  const write = (entry: object) => {
    writeSync(file, `${JSON.stringify(entry)}\n`);
    lines++;
    // Rewritten when most of it is about messages that are forgotten by now.
    if (lines > 1000 && lines > memory.size * 4) {
      const old = file;
      file = rewrite();
      closeSync(old);
    }
  };
  let closed = false;
  return {
    interrupted,
    take: (message) => {
      if (!memory.add(message)) return false;
      try {
        write({ took: message });
      } catch (error) {
        // Not written is not taken: it may come again.
        memory.forget(message.key);
        throw error;
      }
      open.set(message.key, message);
      return true;
    },
    done: (key) => {
      if (closed || !open.delete(key)) return;
      write({ done: key });
    },
    close: () => {
      if (closed) return;
      closed = true;
      closeSync(file);
      rmSync(lock, { force: true });
    },
  };
}

type Entry = { readonly took: Taken } | { readonly done: string };

function* entries(path: string): Generator<Entry> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw new MicroError("unavailable", `the journal ${path} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  for (const line of text.split("\n")) {
    try {
      const entry = JSON.parse(line) as Entry;
      if ("done" in entry || "took" in entry) yield entry;
    } catch {
      // The last line of a process that died while writing it: what it was about had not begun.
    }
  }
}

function createMemory({ keepMs = 2 * 3_600_000, max = 100_000 }: JournalInit) {
  const known = new Map<string, Taken>();
  // Goes through them once, from the oldest; one begun anew for every message would walk over all that was deleted.
  let ages = known.values();
  let oldest: Taken | undefined;
  return {
    get size() {
      return known.size;
    },
    has: (key: string) => known.has(key),
    all: () => known.values(),
    forget: (key: string) => void known.delete(key),
    add: (message: Taken): boolean => {
      while (known.size > 0) {
        oldest ??= ages.next().value;
        if (oldest === undefined || (oldest.at > message.at - keepMs && known.size < max)) break;
        known.delete(oldest.key);
        oldest = undefined;
      }
      if (known.has(message.key)) return false;
      if (known.size === 0) ages = known.values(); // one that has come to an end stays there
      known.set(message.key, message);
      return true;
    },
  };
}

function prepare(folder: string, lock: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (let attempt = 0; ; attempt++) {
      try {
        writeFileSync(lock, String(process.pid), { flag: "wx", mode: 0o600 });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST" || attempt > 0) throw error;
        const owner = Number(readFileSync(lock, "utf8"));
        if (owner !== process.pid && isAlive(owner)) {
          throw new MicroError(
            "conflict",
            `the state folder ${folder} is in use by process ${owner}; stop it or give this bot another --state_dir`,
          );
        }
        rmSync(lock, { force: true });
      }
    }
  } catch (error) {
    if (error instanceof MicroError) throw error;
    throw new MicroError("unavailable", `the state folder ${folder} cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function isAlive(pid: number): boolean {
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
