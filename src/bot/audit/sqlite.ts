import { closeSync, fdatasync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import type Database from "libsql";
import type { AuditFilter, AuditRow } from "../../commands/audit-record.ts";
import { MicroError } from "../../core/errors.ts";
import type { AuditLog } from "./audit-log.ts";
import { EMPTY, link } from "./chain.ts";
import { type AuditLogInit, createAuditLog } from "./log.ts";
import type { AuditStore, Snapshot } from "./store.ts";

export interface SqliteAuditInit extends AuditLogInit {
  /** The file must be there, and nothing is written: for looking at a running bot's. */
  readonly readonly?: boolean;
  /** How many pages of 4 KiB the file may have; a full disk on a small scale. */
  readonly maxPages?: number;
}

/**
 * One file, for one bot on one machine; other processes may read it, and write it too.
 * @throws MicroError `unavailable` when it cannot be opened, `not_found` when there is none to be read
 */
export async function sqliteAudit(path: string, init: SqliteAuditInit): Promise<AuditLog> {
  const { default: Sqlite } = await import("libsql");
  return createAuditLog(sqliteStore(Sqlite, path, init), init);
}

/**
 * Columns that are searched are read out of the body, so they cannot say anything else. One index holds them all: a search runs
 * over it and not over the rows. What refuses changes is there against mistakes; against intent there is the chain.
 */
const SCHEMA = `
  create table if not exists audit (
    seq integer primary key,
    body text not null,
    hash text not null,
    kind text generated always as (body ->> '$.kind') virtual,
    id text generated always as (body ->> '$.id') virtual,
    at integer generated always as (body ->> '$.at') virtual,
    person text generated always as (body ->> '$.person') virtual,
    caller text generated always as (body ->> '$.caller') virtual,
    name text generated always as (body ->> '$.name') virtual,
    said_by text generated always as (body ->> '$.by') virtual,
    network text generated always as (body ->> '$.network') virtual,
    room text generated always as (body ->> '$.room') virtual,
    command text generated always as (body ->> '$.command') virtual,
    outcome text generated always as (body ->> '$.outcome') virtual
  );
  create index if not exists audit_id on audit (id, at, kind) where id is not null;
  create index if not exists audit_search
    on audit (at, person, caller, name, said_by, network, room, command, outcome, kind, id) where id is not null;
  create table if not exists cuts (upto integer primary key);
  create trigger if not exists audit_is_not_changed before update on audit
    begin select raise(abort, 'the audit is not changed'); end;
  create trigger if not exists audit_is_only_cut before delete on audit
    when old.seq > (select coalesce(max(upto), 0) from cuts)
    begin select raise(abort, 'the audit is only cut by its retention'); end;
  create trigger if not exists cuts_are_not_changed before update on cuts
    begin select raise(abort, 'the audit is not changed'); end;
  create trigger if not exists cuts_are_kept before delete on cuts
    begin select raise(abort, 'the audit is not changed'); end;
`;

function sqliteStore(
  Sqlite: typeof Database,
  path: string,
  { readonly = false, maxPages }: Pick<SqliteAuditInit, "readonly" | "maxPages">,
): AuditStore {
  const db = opened(Sqlite, path, readonly);
  try {
    if (!readonly) db.exec(SCHEMA);
    // Long enough for another's commit, short enough not to hold up the bot; `log.ts` tries again.
    db.exec("pragma busy_timeout = 50");
    if (maxPages !== undefined) db.exec(`pragma max_page_count = ${maxPages}`);
    return storeOver(Sqlite, db, path);
  } catch (error) {
    db.close();
    throw told(path, error);
  }
}

function storeOver(Sqlite: typeof Database, db: Database.Database, path: string): AuditStore {
  const begin = db.prepare("begin immediate");
  const end = db.prepare("commit");
  const last = db.prepare("select seq, body, hash from audit order by seq desc limit 1");
  const one = db.prepare("select seq, body, hash from audit where seq = ?");
  const insert = db.prepare("insert into audit (seq, body, hash) values (?, ?, ?)");
  const withId = db.prepare("select seq, body, hash from audit where id = ? order by at desc, seq desc limit ?");
  const oldest = db.prepare("select min(seq) as seq from audit");
  const size = db.prepare(
    "select (select page_count from pragma_page_count) - (select freelist_count from pragma_freelist_count) as pages, (select page_size from pragma_page_size) as page",
  );
  const noteCut = db.prepare("insert into cuts (upto) values (?)");
  const remove = db.prepare("delete from audit where seq <= ?");
  let log: number | undefined;

  const within = (work: () => void) => {
    try {
      begin.run();
      try {
        work();
        end.run();
      } catch (error) {
        if (db.inTransaction) db.exec("rollback"); // A full disk has done so by itself.
        throw error;
      }
    } catch (error) {
      throw told(path, error);
    }
  };
  const read = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw told(path, error);
    }
  };
  const head = () => asRow(last.get());
  const add: AuditStore["commit"] = (entries) => {
    for (const { seq, body, hash } of link(entries, head() ?? EMPTY)) insert.run(seq, body, hash);
  };
  return {
    kind: "sqlite",
    where: path,
    commit: (entries) => within(() => add(entries)),
    // Not SQLite's own `synchronous=full`, which would let the whole bot wait for the disk: a commit is in this file (WAL), and
    // a file can be synced elsewhere. Checkpoints sync for themselves.
    sync: async () => {
      try {
        log ??= openSync(`${path}-wal`, "r+");
        await synced(log);
      } catch (error) {
        throw told(path, error);
      }
    },
    head: () => read(head),
    row: (seq) => read(() => asRow(one.get(seq))),
    search: (filter) => read(() => searched(db, filter)),
    withId: (id, limit) => read(() => asRows(withId.all(id, limit))),
    snapshot: () => read(() => snapshotOf(opened(Sqlite, path, true))),
    size: () =>
      read(() => {
        const { pages, page } = size.get() as { pages: number; page: number };
        const { seq } = oldest.get() as { seq: number | null };
        return { oldest: seq ?? 1, bytes: pages * page };
      }),
    cut: (upto, entry) =>
      within(() => {
        add([entry]);
        noteCut.run(upto);
        remove.run(upto);
      }),
    close: () => {
      if (log !== undefined) closeSync(log);
      log = undefined;
      db.close();
    },
  };
}

const synced = promisify(fdatasync);

function opened(Sqlite: typeof Database, path: string, readonly: boolean): Database.Database {
  try {
    if (!readonly) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      closeSync(openSync(path, "a", 0o600));
    } else closeSync(openSync(path, "r"));
    const db = new Sqlite(path);
    db.exec("pragma busy_timeout = 5000");
    if (readonly) db.exec("pragma query_only = on");
    else db.exec("pragma journal_mode = wal; pragma synchronous = normal");
    return db;
  } catch (error) {
    throw told(path, error);
  }
}

/** A transaction that is left open sees the rows as they are now. */
function snapshotOf(db: Database.Database): Snapshot {
  db.exec("begin");
  const page = db.prepare("select seq, body, hash from audit where seq > ? order by seq limit ?");
  page.all(Number.MAX_SAFE_INTEGER, 1); // It begins with the first question.
  return { page: (after, limit) => asRows(page.all(after, limit)), close: () => void db.close() };
}

/** What `fits` says, in SQL. */
function searched(db: Database.Database, filter: AuditFilter): readonly AuditRow[] {
  const { who, person, command, since, room, denied, limit } = filter;
  const wheres: string[] = [];
  const values: (string | number)[] = [];
  const want = (sql: string, ...given: readonly (string | number)[]) => {
    wheres.push(sql);
    values.push(...given);
  };
  if (who !== undefined) want("? in (person, caller, name, said_by)", who);
  if (person !== undefined) want("person = ?", person);
  if (command !== undefined)
    want("(command = ? or substr(command, 1, ?) = ?)", command, command.length + 1, `${command} `);
  if (since !== undefined) want("at >= ?", since);
  if (room !== undefined) want("(room = ? or network || ':' || room = ?)", room, room);
  if (denied === true) want("outcome = 'permission_denied'");
  const sql = `
    select seq, body, hash from audit where seq in (
      select seq from audit as a indexed by audit_search where id is not null
      and (kind = 'ended' or not exists (
        select 1 from audit as e where e.id = a.id and e.at = a.at and e.kind = 'ended'
      )) ${wheres.map((where) => `and ${where}`).join(" ")}
      order by at desc, seq desc limit ?
    ) order by at desc, seq desc`;
  return asRows(db.prepare(sql).all(...values, limit));
}

/** The driver puts more into a row than was asked for. */
function asRow(found: unknown): AuditRow | undefined {
  if (found === undefined || found === null) return undefined;
  const { seq, body, hash } = found as AuditRow;
  return { seq, body, hash };
}

function asRows(found: readonly unknown[]): readonly AuditRow[] {
  return found.map((row) => asRow(row) as AuditRow);
}

function told(path: string, error: unknown): MicroError {
  if (error instanceof MicroError) return error;
  const { code, message } = error as Error & { readonly code?: string };
  if (code === "ENOENT") {
    return new MicroError("not_found", `there is no audit at ${path}; a bot that runs makes one`, { cause: error });
  }
  const busy = code?.startsWith("SQLITE_BUSY") === true;
  return new MicroError("unavailable", `the audit ${path}: ${message}`, { cause: error, details: { busy } });
}
