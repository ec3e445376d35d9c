import { statSync } from "node:fs";
import { resolve as resolvePath } from "node:path";
import type { Extension, House } from "../commands/house.ts";
import { offCommand } from "../commands/off.ts";
import { MicroError } from "../core/errors.ts";
import type { Db } from "../platform/db/db.ts";
import type { BotSettings } from "./settings.ts";

/** Runbooks for a bot. */
export interface OpenedRunbooks {
  readonly extensions: readonly ((house: House) => Extension)[];
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

/** @param init `db`: with the tables of runbooks (`records.ts`) */
export async function openRunbooks(
  settings: BotSettings,
  init: { readonly cwd: string; readonly db: Db },
): Promise<OpenedRunbooks> {
  const folder = runbooksFolder(settings.runbooks, init.cwd);
  if (folder === undefined) {
    const stand = offCommand("runbook", off(settings.runbooks));
    return { extensions: [() => ({ commands: [stand] })] };
  }
  const [{ runbooks }, { folderShelf }] = await Promise.all([
    import("../runbooks/extension.ts"),
    import("../runbooks/shelf.ts"),
  ]);
  return { extensions: [runbooks({ shelf: folderShelf(folder), db: init.db, leaseMs: settings.lease })] };
}

function off(said: string): string {
  if (said === "none") return "nothing was done: I was started with --runbooks=none, so there are no runbooks here";
  return "nothing was done: when I was started there was no folder `runbooks`, so there are none. Put files like examples/runbooks/morning.yaml into one, or say where they are with --runbooks=<folder>, and start me again";
}
