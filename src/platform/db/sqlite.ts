import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { Kysely } from "kysely";
import type Database from "libsql";
import { type Clock, systemClock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { openLog, type SqliteLog } from "../kv/sqlite-log.ts";
import { createTransactions, untilAbort } from "../kv/sqlite-transactions.ts";
import type { Db, DbRecord, DbTables } from "./db.ts";
import { createDb, type DbSearch } from "./engine.ts";
import { migrate } from "./migrations.ts";

export interface SqliteDbInit {
  /** The file; it and its folder are made, for their owner only, where there is none. */
  readonly path: string;
  readonly tables: DbTables;
  readonly clock?: Clock;
  /** Another process keeps them; the file has to be there, and writing fails. */
  readonly readonly?: boolean;
  /** How many pages of 4 KiB the file may have; a full disk on a small scale. */
  readonly maxPages?: number;
}

interface Schema {
  record: { tbl: string; id: string; at: number; value: string };
  fact: { tbl: string; id: string; name: string; value: string };
}

/** Asked with what is built by kysely and run by libsql, which answers at once: a transaction is one turn of the loop. */
interface Opened {
  readonly db: Database.Database;
  readonly sql: Kysely<Schema>;
  /** Absent of what is only read. */
  readonly log?: SqliteLog;
}

/** A large table holds so many more than it keeps, so that not every record costs a walk to the oldest. */
const SLACK = 64;

/**
 * Records in one SQLite file of their own, apart from the `kv` store's: that one may be a server that all replicas share, and
 * what is kept for years is not to be in the way of what is written each second. Processes of one machine may share it.
 */
export function sqliteDb({ path, tables, clock = systemClock, readonly = false, maxPages }: SqliteDbInit): Db {
  const where = `records at ${path}`;
  let connection: Database.Database | undefined;
  let opened: Opened | undefined;
  let puts = 0;
  const ready = (): Opened => {
    if (opened) return opened;
    throw new MicroError("unavailable", `the store (${where}) is not started`);
  };
  const transactions = createTransactions({
    clock,
    begin: () => {
      const { db, log } = ready();
      log?.check();
      db.exec("BEGIN IMMEDIATE");
    },
    commit: () => void ready().db.exec("COMMIT"),
    rollback: () => void ready().db.exec("ROLLBACK"),
    sync: async () => ready().log?.sync(),
  });

  const readAll = (compiled: Compiled): readonly unknown[] =>
    ready()
      .db.prepare(compiled.sql)
      .all(...compiled.parameters);
  const write = (compiled: Compiled): number =>
    ready()
      .db.prepare(compiled.sql)
      .run(...compiled.parameters).changes;
  const factsOf = (table: string, ids: readonly string[]): ReadonlyMap<string, Record<string, string>> => {
    const made = new Map(ids.map((id): [string, Record<string, string>] => [id, {}]));
    if (ids.length === 0) return made;
    const { sql } = ready();
    const rows = readAll(
      sql.selectFrom("fact").select(["id", "name", "value"]).where("tbl", "=", table).where("id", "in", ids).compile(),
    );
    for (const { id, name, value } of rows as Schema["fact"][]) {
      const facts = made.get(id);
      if (facts) facts[name] = value;
    }
    return made;
  };
  const whole = (table: string, rows: readonly unknown[]): readonly DbRecord[] => {
    const found = rows as Schema["record"][];
    const facts = factsOf(
      table,
      found.map(({ id }) => id),
    );
    return found.map(({ id, at, value }) => ({ id, at, value, facts: facts.get(id) ?? {} }));
  };
  const drop = (table: string, ids: readonly string[]): number => {
    const { sql } = ready();
    write(sql.deleteFrom("fact").where("tbl", "=", table).where("id", "in", ids).compile());
    return write(sql.deleteFrom("record").where("tbl", "=", table).where("id", "in", ids).compile());
  };
  const trim = (table: string, most: number) => {
    const { sql } = ready();
    const all = sql.selectFrom("record").select("id").where("tbl", "=", table);
    const old = readAll(all.orderBy("at", "desc").orderBy("id", "desc").limit(1000).offset(most).compile());
    if (old.length > 0)
      drop(
        table,
        (old as { id: string }[]).map(({ id }) => id),
      );
  };
  const found = (table: string, { facts = {}, since, before, limit }: DbSearch): readonly DbRecord[] => {
    const { sql } = ready();
    let query = sql.selectFrom("record").select(["id", "at", "value"]).where("tbl", "=", table);
    if (since !== undefined) query = query.where("at", ">=", since);
    if (before !== undefined) {
      const { at, id } = before;
      query = query.where((of) => of.or([of("at", "<", at), of.and([of("at", "=", at), of("id", "<", id)])]));
    }
    for (const [name, value] of Object.entries(facts)) {
      const those = sql.selectFrom("fact").select("fact.id").where("fact.tbl", "=", table);
      query = query.where("id", "in", those.where("name", "=", name).where("fact.value", "=", value));
    }
    return whole(table, readAll(query.orderBy("at", "desc").orderBy("id", "desc").limit(limit).compile()));
  };

  return createDb(
    {
      kind: "sqlite",
      where,
      open: async (signal) => {
        const [{ default: Sqlite }, kysely] = await Promise.all([import("libsql"), import("kysely")]);
        signal.throwIfAborted();
        if (!readonly) {
          mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
          closeSync(openSync(path, "a", 0o600)); // its companions get the same mode
        }
        const db = new Sqlite(path);
        connection = db;
        const sql = builder(kysely);
        if (readonly) {
          db.exec("PRAGMA busy_timeout = 0; PRAGMA query_only = 1");
          opened = { db, sql };
          return;
        }
        const limit = untilAbort(signal);
        opened = { db, sql };
        await transactions.patiently(limit, () => {
          db.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
          if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${maxPages}`);
        });
        await transactions.run(limit, () => {
          migrate(db);
          return true;
        });
        db.exec("PRAGMA synchronous = NORMAL");
        opened = { db, sql, log: await openLog(path, signal) };
      },
      close: async () => {
        const was = opened;
        opened = undefined;
        connection?.close();
        connection = undefined;
        await was?.log?.close();
      },
      put: async (table, { id, at, value, facts }, most, limit) => {
        await transactions.run(limit, () => {
          const { sql } = ready();
          drop(table, [id]);
          write(sql.insertInto("record").values({ tbl: table, id, at, value }).compile());
          const rows = Object.entries(facts).map(([name, fact]) => ({ tbl: table, id, name, value: fact }));
          if (rows.length > 0) write(sql.insertInto("fact").values(rows).compile());
          puts += 1;
          if (most < SLACK || puts % SLACK === 0) trim(table, most);
          return true;
        });
      },
      get: (table, id, limit) =>
        transactions.patiently(limit, () => {
          const one = ready().sql.selectFrom("record").select(["id", "at", "value"]).where("tbl", "=", table);
          return whole(table, readAll(one.where("id", "=", id).compile()))[0];
        }),
      search: (table, query, limit) => transactions.patiently(limit, () => found(table, query)),
      delete: async (table, id, limit) =>
        (await transactions.run(limit, () => (drop(table, [id]) > 0 ? true : undefined))) === true,
    },
    tables,
  );
}

interface Compiled {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** Builds, and runs nothing: a driver that waits between statements would let others into a transaction. */
function builder({
  Kysely,
  DummyDriver,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
}: typeof import("kysely")) {
  return new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}
