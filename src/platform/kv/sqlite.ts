import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type Database from "libsql";
import { type Clock, systemClock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { createKv } from "./engine.ts";
import { afterPrefix } from "./keys.ts";
import type { Change, Entry, Kv } from "./kv.ts";
import { createTransactions } from "./sqlite-transactions.ts";

export interface SqliteKvInit {
  /** The file; it and its folder are made, for their owner only, where there is none. */
  readonly path: string;
  /** How often watches look for what other processes wrote. @default 100 */
  readonly pollMs?: number;
  readonly clock?: Clock;
}

/** A deletion is remembered for so many changes of anything; a watch that is further behind has missed something. */
export const REMEMBERED = 10_000;
/** How often, in changes, what need not be remembered is thrown away. */
const SWEEP_EVERY = 1000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value BLOB, revision INTEGER NOT NULL);
  CREATE UNIQUE INDEX IF NOT EXISTS kv_revision ON kv (revision);
  CREATE TABLE IF NOT EXISTS kv_head (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, swept INTEGER NOT NULL);
  INSERT OR IGNORE INTO kv_head VALUES (1, 0, 0);`;

/**
 * Entries in one SQLite file, which processes of one machine may share (not over a network file system: SQLite's locks do
 * not hold there). A write is on the disk when it is answered, in one sync with whatever else is written just then. A key
 * that was deleted stays for a while as a row without a value, so that watches find it.
 */
export function sqliteKv({ path, pollMs = 100, clock = systemClock }: SqliteKvInit): Kv {
  const where = `sqlite at ${path}`;
  let db: Database.Database | undefined;
  let statements: ReturnType<typeof prepare> | undefined;
  /** Of the watches of this process: somebody here wrote these keys. */
  const wakers = new Set<(keys: readonly string[]) => void>();
  /** Of the transaction that is under way, or has just ended. */
  let written: string[] = [];
  const transactions = createTransactions({
    clock,
    exec: (sql) => {
      if (sql.startsWith("BEGIN")) written = [];
      opened().db.exec(sql);
    },
    onCommit: () => {
      for (const wake of [...wakers]) wake(written);
    },
  });

  const opened = () => {
    if (db === undefined || statements === undefined) {
      throw new MicroError("unavailable", `the store (${where}) is not started`);
    }
    return { db, statements };
  };
  const head = () => opened().statements.head.get() as { revision: number; swept: number };
  const changesSince = (revision: number, prefix: string): readonly Row[] =>
    prefix === ""
      ? (opened().statements.changes.all(revision) as Row[])
      : (opened().statements.changesBelow.all(revision, prefix, afterPrefix(prefix)) as Row[]);

  const write = (key: string, value: string | undefined, expected: number | undefined): number | undefined => {
    const { revisionOf, count, set, sweep, swept } = opened().statements;
    const there = (revisionOf.get(key) as { revision: number } | undefined)?.revision ?? 0;
    if (expected !== undefined && expected !== there) return undefined;
    if (value === undefined && there === 0) return undefined;
    const { revision } = count.get() as { revision: number };
    written.push(key);
    set.run(key, value === undefined ? null : Buffer.from(value), revision);
    if (revision % SWEEP_EVERY === 0 && revision > REMEMBERED) {
      sweep.run(revision - REMEMBERED);
      swept.run(revision - REMEMBERED);
    }
    return revision;
  };

  return createKv({
    kind: "sqlite",
    where,
    open: async (signal) => {
      const { default: Sqlite } = await import("libsql");
      signal.throwIfAborted();
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      closeSync(openSync(path, "a", 0o600)); // its companions get the same mode
      const made = new Sqlite(path);
      db = made;
      await transactions.patiently(signal, () => {
        // Whoever waits waits in our own time, not in SQLite's, which stands still for the whole process.
        made.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
        made.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`);
      });
      signal.throwIfAborted();
      statements = prepare(made);
    },
    close: async () => {
      const was = db;
      db = undefined;
      statements = undefined;
      was?.close();
    },
    get: (key, signal) =>
      transactions.patiently(signal, () => {
        const row = opened().statements.get.get(key) as Row | undefined;
        return row === undefined ? undefined : entryOf(row);
      }),
    list: (prefix, signal) =>
      transactions.patiently(signal, () => {
        const { list, listBelow } = opened().statements;
        const rows = prefix === "" ? list.all() : listBelow.all(prefix, afterPrefix(prefix));
        return (rows as Row[]).flatMap((row) => entryOf(row) ?? []);
      }),
    write: (key, value, expected, signal) => transactions.run(signal, () => write(key, value, expected)),
    watch: async (prefix, tell: (change: Change) => void, signal) => {
      let seen = (await transactions.patiently(signal, head)).revision;
      const version = () => (opened().statements.version.get() as { data_version: number }).data_version;
      let looked = -1;
      const look = () => {
        const { revision } = head();
        const rows = changesSince(seen, prefix);
        // Asked after the rows were read: had anything been thrown away before, it would say so.
        if (head().swept > seen) throw new MicroError("unavailable", `a watch of ${where} missed changes; watch again`);
        for (const row of rows) tell({ key: row.key, entry: entryOf(row) });
        seen = Math.max(revision, rows.at(-1)?.revision ?? 0);
      };
      /** This process wrote something, which its own connection does not see in the version. */
      let wrote = false;
      let stop = () => {};
      const wake = (keys: readonly string[]) => {
        wrote = true;
        // What is below another prefix need not be looked for at once.
        if (keys.some((key) => key.startsWith(prefix))) stop();
      };
      const follow = async (): Promise<void> => {
        while (!signal.aborted) {
          const waiting = new AbortController();
          stop = () => waiting.abort("woken");
          signal.addEventListener("abort", stop, { once: true });
          await clock.sleep(pollMs, { signal: waiting.signal }).catch(() => {});
          signal.removeEventListener("abort", stop);
          if (signal.aborted) return;
          await transactions.patiently(signal, () => {
            const now = version();
            if (wrote || now !== looked) look();
            wrote = false;
            looked = now;
          });
        }
      };
      wakers.add(wake);
      return { ended: follow().finally(() => wakers.delete(wake)) };
    },
  });
}

interface Row {
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly revision: number;
}

function entryOf({ key, value, revision }: Row): Entry | undefined {
  return value === null ? undefined : { key, value: Buffer.from(value).toString(), revision };
}

function prepare(db: Database.Database) {
  const entries = "SELECT key, value, revision FROM kv WHERE value IS NOT NULL";
  const below = "key >= ? AND key < ?";
  return {
    get: db.prepare(`${entries} AND key = ?`),
    list: db.prepare(entries),
    listBelow: db.prepare(`${entries} AND ${below}`),
    revisionOf: db.prepare("SELECT revision FROM kv WHERE key = ? AND value IS NOT NULL"),
    count: db.prepare("UPDATE kv_head SET revision = revision + 1 RETURNING revision"),
    set: db.prepare(
      "INSERT INTO kv VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision",
    ),
    sweep: db.prepare("DELETE FROM kv WHERE value IS NULL AND revision <= ?"),
    swept: db.prepare("UPDATE kv_head SET swept = ?"),
    head: db.prepare("SELECT revision, swept FROM kv_head"),
    changes: db.prepare("SELECT key, value, revision FROM kv WHERE revision > ? ORDER BY revision"),
    // By revision (`+` keeps the other index away): what is new is little, what is below a prefix may be much.
    changesBelow: db.prepare(
      "SELECT key, value, revision FROM kv WHERE revision > ? AND +key >= ? AND +key < ? ORDER BY revision",
    ),
    version: db.prepare("PRAGMA data_version"),
  };
}
