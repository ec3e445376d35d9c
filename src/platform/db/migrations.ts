import type Database from "libsql";
import { MicroError } from "../../core/errors.ts";

/**
 * What makes each version of the file out of the one before, the first out of nothing. What stands here has been run
 * somewhere, so it is never changed: who wants another shape adds a version.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE record (tbl TEXT NOT NULL, id TEXT NOT NULL, at INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (tbl, id)) WITHOUT ROWID;
   CREATE TABLE fact (tbl TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (tbl, id, name)) WITHOUT ROWID;`,
  `CREATE INDEX record_newest ON record (tbl, at, id);
   CREATE INDEX fact_value ON fact (tbl, name, value, id);`,
];

/**
 * Brings a file to the newest version, each step whole or not at all. To be called with SQLite's lock to write held.
 * @throws MicroError `unavailable` when the file is newer than this program
 */
export function migrate(db: Database.Database, migrations: readonly string[] = MIGRATIONS): void {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > migrations.length) {
    const words = `it was made by a newer Micro Bot (version ${version}, this one knows ${migrations.length}): use that one`;
    throw new MicroError("unavailable", words);
  }
  for (const [at, statements] of migrations.entries()) {
    if (at >= version) db.exec(`${statements} PRAGMA user_version = ${at + 1}`);
  }
}
