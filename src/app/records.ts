import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Db, DbTables } from "../platform/db/db.ts";

/** Kept apart from the shared store, which may be a server (`platform/db/sqlite.ts`). */
const FILE = "records.db";

/** The tables of every part that keeps records; each names its own. */
async function tables(): Promise<DbTables> {
  const [{ RUNBOOK_TABLES }, { HISTORY_TABLES, SAMPLE_TABLES }, { ALERT_TABLES }] = await Promise.all([
    import("../runbooks/runs.ts"),
    import("../history/tables.ts"),
    import("../alerts/incidents/closed.ts"),
  ]);
  return { ...RUNBOOK_TABLES, ...HISTORY_TABLES, ...SAMPLE_TABLES, ...ALERT_TABLES };
}

/**
 * What this bot remembers by itself: one file for runbooks, history and alerts, started here and stopped by who asked for it. A
 * table is a word in each of its records, so a file of an older version has all that there are now.
 * @throws MicroError `unavailable` when it cannot be kept
 */
export async function openRecords(init: {
  readonly stateDir: string;
  readonly inMemory: boolean;
  readonly clock: Clock;
}): Promise<Db> {
  const { stateDir, inMemory, clock } = init;
  const all = await tables();
  const db = inMemory
    ? (await import("../platform/db/memory.ts")).memoryDb(all)
    : (await import("../platform/db/sqlite.ts")).sqliteDb({ path: recordsFile(stateDir), tables: all, clock });
  await db.start();
  return db;
}

/** Where a bot with that state folder keeps them. */
export function recordsFile(stateDir: string): string {
  return join(stateDir, FILE);
}

/** Those of another process, for what is asked of them in a shell: nothing can be written. @throws MicroError `unavailable` */
export async function openRecordsToRead(path: string): Promise<Db> {
  const [{ sqliteDb }, all] = await Promise.all([import("../platform/db/sqlite.ts"), tables()]);
  const db = sqliteDb({ path, tables: all, readonly: true });
  await db.start();
  return db;
}
