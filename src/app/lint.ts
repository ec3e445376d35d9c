import { readdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { createBot } from "../bot/bot.ts";
import { builtin, smallTalk } from "../commands/builtin.ts";
import type { Plugins } from "../commands/plugins.ts";
import { systemClock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { silent } from "../core/log.ts";
import type { Supplies } from "../plugins/files/give.ts";
import { isCommandFile } from "../plugins/files/load.ts";
import { houseModules } from "./house.ts";
import { lazyClient } from "./parts.ts";

/** What a linter has found in a folder. */
export interface Linted {
  /** What was looked at, for people: `3 commands`. */
  readonly what: string;
  readonly flaws: readonly { readonly from: string; readonly why: string }[];
}

/** Checks one kind of thing in a folder, whose files' names it is given; `undefined`: there are none of its kind. */
export type Linter = (folder: string, names: readonly string[]) => Promise<Linted | undefined>;

/** Everything that can be checked before a bot loads it. Runbooks, aliases: one line here. */
const LINTERS: readonly Linter[] = [lintCommands, lintRunbooks];

/**
 * `micro lint [commands/] […]`: what a bot would not load, by the same check.
 * @returns what was looked at @throws MicroError `invalid_argument`: what is wrong, a line each
 */
export async function lint(args: readonly string[], cwd: string): Promise<string> {
  const option = args.find((arg) => arg.startsWith("-"));
  if (option !== undefined)
    throw new MicroError("invalid_argument", `lint has no option ${option}: micro lint [commands/]`);
  const linted: Linted[] = [];
  for (const said of args.length > 0 ? args : ["commands"]) {
    const folder = resolve(cwd, said);
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) {
      throw new MicroError("invalid_argument", `there is no folder ${said}: micro lint commands/`);
    }
    const names = (await readdir(folder)).sort();
    const found = await Promise.all(LINTERS.map((linter) => linter(folder, names)));
    linted.push(...found.filter((one) => one !== undefined));
  }
  if (linted.length === 0) throw new MicroError("invalid_argument", "there is nothing to check in there");
  const flaws = linted.flatMap((one) => one.flaws).map(({ from, why }) => `${from}: ${why}`);
  if (flaws.length > 0) throw new MicroError("invalid_argument", flaws.join("\n"));
  return `${linted.map(({ what }) => what).join(", ")}: nothing is wrong`;
}

/** Loads the files as a bot does, into a bot that nobody talks to: so names that are taken are found, too. */
async function lintCommands(folder: string, names: readonly string[]): Promise<Linted | undefined> {
  if (!names.some(isCommandFile)) return undefined;
  const [{ commandFiles }, { memoryRegistry }] = await Promise.all([
    import("../plugins/files/files.ts"),
    import("../core/registry/memory.ts"),
  ]);
  const modules = async () => houseModules();
  const source = commandFiles({ folder, modules, supplies: NOTHING, clock: systemClock, log: silent });
  const client = lazyClient(async () => notHere());
  const registry = memoryRegistry()();
  const bot = createBot({ inputs: [], commands: [...builtin, ...smallTalk], registry, client, sources: [source] });
  try {
    await bot.start();
    const plugins = bot.catalog.commands.find(({ name }) => name === "plugins");
    if (plugins === undefined) throw new MicroError("internal", "this bot has no `plugins`");
    const { commands, broken }: Plugins = await plugins.run({}, undefined as never);
    const count = `${commands.length} command${commands.length === 1 ? "" : "s"}`;
    return { what: count, flaws: broken };
  } finally {
    await bot.stop();
  }
}

/** Against the bot's own commands, and those of a folder `commands` beside it. */
async function lintRunbooks(folder: string, names: readonly string[]): Promise<Linted | undefined> {
  if (!names.some((name) => /\.ya?ml$/.test(name)) || names.some(isCommandFile)) return undefined;
  const { lintRunbooksIn } = await import("./runbook-commands.ts");
  const found = await lintRunbooksIn(folder);
  const count = `${found.length} runbook${found.length === 1 ? "" : "s"}`;
  return { what: count, flaws: found.flatMap(({ name, flaws }) => flaws.map((why) => ({ from: name, why }))) };
}

/** No command is run here. */
const NOTHING: Supplies = { kvOf: notHere, http: notHere, secret: notHere };

function notHere(): never {
  throw new MicroError("internal", "nothing is carried out while files are checked");
}
