import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type Database from "libsql";
import { type Clock, systemClock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { createKv } from "./engine.ts";
import { afterPrefix } from "./keys.ts";
import type { Entry, Kv } from "./kv.ts";
import { openLog, type SqliteLog } from "./sqlite-log.ts";
import { createTransactions, untilAbort } from "./sqlite-transactions.ts";
import { type Written, watchSqlite } from "./sqlite-watch.ts";

export interface SqliteKvInit {
  /** The file; it and its folder are made, for their owner only, where there is none. */
  readonly path: string;
  /** How often watches look for what other processes wrote. @default 100 */
  readonly pollMs?: number;
  readonly clock?: Clock;
}

/** A deletion is remembered for so many changes of anything; a watch that is further behind has missed something. */
export const REMEMBERED = 10_000;
/** So many pages of 4 KiB the log may have before it is written into the file: what is written often is so written once. */
const LOG_PAGES = 4000;
/** How often, in changes, what need not be remembered is thrown away. */
const SWEEP_EVERY = 1000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value BLOB, revision INTEGER NOT NULL);
  CREATE UNIQUE INDEX IF NOT EXISTS kv_revision ON kv (revision);
  CREATE TABLE IF NOT EXISTS kv_head (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, swept INTEGER NOT NULL);
  INSERT OR IGNORE INTO kv_head VALUES (1, 0, 0);`;

/**
 * Entries in one SQLite file, which processes of one machine may share (not over a network file system: SQLite's locks do
 * not hold there). A write is on the disk when it is answered, in one sync with whatever else is written just then; others may read it
 * a moment before. A key that was deleted stays for a while as a row without a value, so that watches find it.
 */
export function sqliteKv({ path, pollMs = 100, clock = systemClock }: SqliteKvInit): Kv {
  const where = `sqlite at ${path}`;
  let connection: Database.Database | undefined;
  let open: Opened | undefined;
  /** Of the watches of this process: somebody here wrote this. */
  const wakers = new Set<(changes: readonly Written[]) => void>();
  /** Of the transaction that is under way, or has just ended: what it wrote, and the newest revision in it. */
  let written: Written[] = [];
  let newest = 0;

  const opened = (): Opened => {
    if (open === undefined) throw new MicroError("unavailable", `the store (${where}) is not started`);
    return open;
  };
  const head = () => opened().statements.head.get() as { revision: number; swept: number };
  const transactions = createTransactions({
    clock,
    begin: () => {
      const { db, log } = opened();
      log.check();
      db.exec("BEGIN IMMEDIATE");
      written = [];
      newest = head().revision;
    },
    commit: () => {
      const { db, statements } = opened();
      statements.count.run(newest);
      db.exec("COMMIT");
    },
    rollback: () => void opened().db.exec("ROLLBACK"),
    sync: () => opened().log.sync(),
    onWritten: () => {
      for (const wake of [...wakers]) wake(written);
    },
  });
  const changesSince = (revision: number, prefix: string): readonly Row[] =>
    prefix === ""
      ? (opened().statements.changes.all(revision) as Row[])
      : (opened().statements.changesBelow.all(revision, prefix, afterPrefix(prefix)) as Row[]);

  const write = (key: string, value: string | undefined, expected: number | undefined): number | undefined => {
    const { put, create, update, sweep, swept } = opened().statements;
    const revision = newest + 1;
    const blob = value === undefined ? null : Buffer.from(value);
    const { changes } =
      expected === 0
        ? create.run(key, blob, revision)
        : expected === undefined && value !== undefined
          ? put.run(key, blob, revision)
          : update.run(blob, revision, key, expected ?? null);
    if (changes === 0) return undefined;
    newest = revision;
    written.push({ key, revision, entry: value === undefined ? undefined : { key, value, revision } });
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
      const db = new Sqlite(path);
      connection = db;
      await transactions.patiently(untilAbort(signal), () => {
        // Whoever waits waits in our own time, not in SQLite's, which stands still for the whole process.
        db.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
        db.exec(
          `BEGIN IMMEDIATE; ${SCHEMA} COMMIT; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${LOG_PAGES}`,
        );
      });
      const log = await openLog(path, signal);
      open = { db, log, statements: prepare(db) };
    },
    close: async () => {
      const was = open;
      open = undefined;
      connection?.close();
      connection = undefined;
      await was?.log.close();
    },
    get: (key, limit) =>
      transactions.patiently(limit, () => {
        const row = opened().statements.get.get(key) as Row | undefined;
        return row === undefined ? undefined : entryOf(row);
      }),
    list: (prefix, limit) =>
      transactions.patiently(limit, () => {
        const { list, listBelow } = opened().statements;
        const rows = prefix === "" ? list.all() : listBelow.all(prefix, afterPrefix(prefix));
        return (rows as Row[]).flatMap((row) => entryOf(row) ?? []);
      }),
    write: (key, value, expected, limit) => transactions.run(limit, () => write(key, value, expected)),
    watch: async (prefix, tell, signal) => {
      const { revision } = await transactions.patiently(untilAbort(signal), head);
      const version = () => (opened().statements.version.get() as { data_version: number }).data_version;
      const changes = (since: number) => changesSince(since, prefix).map((row) => ({ ...row, entry: entryOf(row) }));
      const watch = watchSqlite({ where, clock, pollMs, prefix, revision, head, version, changes, transactions });
      wakers.add(watch.wake);
      return { ended: watch.follow(tell, signal).finally(() => wakers.delete(watch.wake)) };
    },
  });
}

interface Opened {
  readonly db: Database.Database;
  readonly log: SqliteLog;
  readonly statements: ReturnType<typeof prepare>;
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
  const replacing = "ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision";
  return {
    get: db.prepare(`${entries} AND key = ?`),
    list: db.prepare(entries),
    listBelow: db.prepare(`${entries} AND ${below}`),
    count: db.prepare("UPDATE kv_head SET revision = ?"),
    put: db.prepare(`INSERT INTO kv VALUES (?, ?, ?) ${replacing}`),
    // What was deleted is a row without a value.
    create: db.prepare(`INSERT INTO kv VALUES (?, ?, ?) ${replacing} WHERE kv.value IS NULL`),
    update: db.prepare(
      "UPDATE kv SET value = ?1, revision = ?2 WHERE key = ?3 AND value IS NOT NULL AND revision = coalesce(?4, revision)",
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
