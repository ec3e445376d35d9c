import { dirname, join } from "node:path";
import { createBot } from "../bot/bot.ts";
import { builtin, smallTalk } from "../commands/builtin.ts";
import type { Catalog } from "../commands/catalog.ts";
import { systemClock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { silent } from "../core/log.ts";
import { memoryRegistry } from "../core/registry/memory.ts";
import { memoryDb } from "../platform/db/memory.ts";
import { commandFiles } from "../plugins/files/files.ts";
import { check } from "../runbooks/check.ts";
import { RUNBOOK_TABLES } from "../runbooks/runs.ts";
import { houseModules } from "./house.ts";
import { commandsFolder } from "./own-commands.ts";
import { lazyClient } from "./parts.ts";

/**
 * What can be said to a bot that is started beside these runbooks, with the command files of a folder; what services bring is
 * known by a bot alone.
 */
export async function catalogBeside(runbooksIn: string, commandsIn: string | undefined): Promise<Catalog> {
  const [{ folderShelf }, { runbooks }] = await Promise.all([
    import("../runbooks/shelf.ts"),
    import("../runbooks/extension.ts"),
  ]);
  const client = lazyClient(async () => notHere());
  const nothing = { kvOf: notHere, http: notHere, secret: notHere };
  const files = commandsIn && {
    ...{ folder: commandsIn, modules: async () => houseModules(), supplies: nothing, clock: systemClock, log: silent },
  };
  const bot = createBot({
    inputs: [],
    commands: [...builtin, ...smallTalk],
    registry: memoryRegistry()(),
    client,
    extensions: [runbooks({ shelf: folderShelf(runbooksIn), db: memoryDb(RUNBOOK_TABLES) })],
    ...(files && { sources: [commandFiles(files)] }),
  });
  if (!files) return bot.catalog;
  try {
    await bot.start();
    return bot.catalog;
  } finally {
    await bot.stop();
  }
}

/** All runbooks of a folder, and what is wrong with each. */
export async function lintRunbooksIn(
  folder: string,
): Promise<readonly { readonly name: string; readonly flaws: readonly string[] }[]> {
  const { folderShelf } = await import("../runbooks/shelf.ts");
  const shelf = folderShelf(folder);
  const catalog = await catalogBeside(folder, commandsFolder("", join(dirname(folder))));
  const all = await shelf.all();
  return Promise.all(
    all.map(async ({ name, file, book, error }) => ({
      name: file,
      flaws: book ? await check(book, { shelf, catalog }) : [error?.message ?? `${name} cannot be read`],
    })),
  );
}

function notHere(): never {
  throw new MicroError("internal", "nothing is carried out while files are checked");
}
