import { statSync } from "node:fs";
import { join, resolve as resolvePath } from "node:path";
import type { Extension, House } from "../commands/house.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Db } from "../platform/db/db.ts";
import type { BotSettings } from "./settings.ts";

/** Kept apart from the shared store, which may be a server (`platform/db/sqlite.ts`). */
const FILE = "records.db";

/** Runbooks for a bot, and what is to be stopped after it. */
export interface OpenedRunbooks {
  readonly extensions: readonly ((house: House) => Extension)[];
  readonly db?: Db;
}

/**
 * The folder of runbooks; `runbooks`, if it is there and nothing else is said.
 * @throws MicroError `invalid_argument` for a folder that is none
 */
export function runbooksFolder(said: string, cwd: string): string | undefined {
  if (said === "none") return undefined;
  if (said !== "") return isFolder(resolvePath(cwd, said), said);
  const usual = resolvePath(cwd, "runbooks");
  return statSync(usual, { throwIfNoEntry: false })?.isDirectory() ? usual : undefined;
}

function isFolder(folder: string, said: string): string {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new MicroError("invalid_argument", `there is no folder ${said}, where runbooks would be`);
}

/** @throws MicroError `unavailable` when what has ended cannot be kept */
export async function openRunbooks(
  settings: BotSettings,
  init: { readonly cwd: string; readonly stateDir: string; readonly inMemory: boolean; readonly clock: Clock },
): Promise<OpenedRunbooks> {
  const folder = runbooksFolder(settings.runbooks, init.cwd);
  if (folder === undefined) return { extensions: [] };
  const [{ runbooks }, { folderShelf }, { RUNBOOK_TABLES }] = await Promise.all([
    import("../runbooks/extension.ts"),
    import("../runbooks/shelf.ts"),
    import("../runbooks/runs.ts"),
  ]);
  const db = await openDb(init, RUNBOOK_TABLES);
  await db.start();
  return { db, extensions: [runbooks({ shelf: folderShelf(folder), db, leaseMs: settings.lease })] };
}

async function openDb(
  { stateDir, inMemory, clock }: { readonly stateDir: string; readonly inMemory: boolean; readonly clock: Clock },
  tables: Readonly<Record<string, { readonly most: number }>>,
): Promise<Db> {
  if (inMemory) return (await import("../platform/db/memory.ts")).memoryDb(tables);
  return (await import("../platform/db/sqlite.ts")).sqliteDb({ path: join(stateDir, FILE), tables, clock });
}
