import { dirname, join } from "node:path";
import { createBot } from "../bot/bot.ts";
import { builtin, smallTalk } from "../commands/builtin.ts";
import type { Catalog } from "../commands/catalog.ts";
import { systemClock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { silent } from "../core/log.ts";
import { memoryRegistry } from "../core/registry/memory.ts";
import { commandFiles } from "../plugins/files/files.ts";
import { flawsOf } from "../runbooks/flaws.ts";
import { emptyExtensions } from "./empty-extensions.ts";
import { houseModules } from "./house.ts";
import { commandsFolder } from "./own-commands.ts";
import { lazyClient } from "./parts.ts";

/**
 * What can be said to a bot that is started beside these runbooks, with the command files of a folder; what services bring is
 * known by a bot alone.
 */
export async function catalogBeside(runbooksIn: string, commandsIn: string | undefined): Promise<Catalog> {
  const registry = memoryRegistry()();
  const client = lazyClient(async () => notHere());
  const nothing = { kvOf: notHere, http: notHere, secret: notHere };
  const files = commandsIn && {
    ...{ folder: commandsIn, modules: async () => houseModules(), supplies: nothing, clock: systemClock, log: silent },
  };
  const bot = createBot({
    inputs: [],
    commands: [...builtin, ...smallTalk],
    registry,
    client,
    extensions: await emptyExtensions(registry, runbooksIn),
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
    all.map(async (one) => {
      const flaws = await flawsOf(one, { shelf, catalog });
      // Whoever shows them names the file.
      return { name: one.file, flaws: flaws.map((flaw) => flaw.replace(`${one.file}, `, "")) };
    }),
  );
}

function notHere(): never {
  throw new MicroError("internal", "nothing is carried out while files are checked");
}
