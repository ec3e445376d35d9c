import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { createBot } from "../bot/bot.ts";
import { builtin, smallTalk } from "../commands/builtin.ts";
import type { Plugins } from "../commands/plugins.ts";
import { systemClock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { silent } from "../core/log.ts";
import type { Supplies } from "../plugins/files/give.ts";
import { isCommandFile } from "../plugins/files/load.ts";
import { placeIn } from "../plugins/files/place.ts";
import type { Broken } from "../plugins/plugins.ts";
import { houseModules } from "./house.ts";
import { lazyClient } from "./parts.ts";

/** What a linter has found in a folder. */
export interface Linted {
  /** What was looked at, for people: `3 commands`. */
  readonly what: string;
  /** One thing each; `at` is where it stands: `commands/restart.ts:7:3`. */
  readonly flaws: readonly { readonly at: string; readonly why: string }[];
}

/** Checks one kind of thing in a folder, whose files' names it is given; `undefined`: there are none of its kind. */
export type Linter = (folder: string, names: readonly string[]) => Promise<Linted | undefined>;

/** Everything that can be checked before a bot loads it. Runbooks, aliases: one line here. */
const LINTERS: readonly Linter[] = [lintCommands, lintRunbooks];

/**
 * `micro lint [--policy=policy.yaml] [commands/] [runbooks/] [alerts.yaml] […]`: what a bot would not load, by the same check.
 * @param args folders and files; without any, the folders that a bot finds by itself
 * @returns what was looked at @throws MicroError `invalid_argument`: what is wrong, a line each, with file, line and column
 */
export async function lint(args: readonly string[], cwd: string): Promise<string> {
  const options = args.filter((arg) => arg.startsWith("-"));
  const policy = options.map((option) => /^--?policy=(.+)$/.exec(option)?.[1]).find((path) => path !== undefined);
  const option = options.find((one) => !/^--?policy=./.test(one));
  if (option !== undefined) {
    const usage = "micro lint [--policy=policy.yaml] [commands/] [alerts.yaml]";
    throw new MicroError("invalid_argument", `lint has no option ${option}: ${usage}`);
  }
  const paths = args.filter((arg) => !arg.startsWith("-"));
  const linted: Linted[] = [];
  for (const said of paths.length > 0 ? paths : usual(cwd)) {
    const folder = resolve(cwd, said);
    const there = await stat(folder).catch(() => undefined);
    if (there?.isFile() && /\.ya?ml$/.test(folder)) {
      linted.push(await (await import("./lint-alerts.ts")).lintAlerts(folder, said, policy && resolve(cwd, policy)));
      continue;
    }
    if (!there?.isDirectory()) {
      throw new MicroError("invalid_argument", `there is no folder ${said}: micro lint commands/`);
    }
    const names = (await readdir(folder)).sort();
    const found = await Promise.all(LINTERS.map((linter) => linter(folder, names)));
    linted.push(...found.filter((one) => one !== undefined));
  }
  if (linted.length === 0) throw new MicroError("invalid_argument", "there is nothing to check in there");
  const flaws = linted.flatMap((one) => one.flaws).map(({ at, why }) => `${at}: ${why}`);
  if (flaws.length > 0) throw new MicroError("invalid_argument", flaws.join("\n"));
  return `${linted.map(({ what }) => what).join(", ")}: nothing is wrong`;
}

/** The folders that a bot finds by itself; that of commands is missed if neither is there. */
function usual(cwd: string): readonly string[] {
  const there = ["commands", "runbooks"].filter((folder) => existsSync(join(cwd, folder)));
  return there.length === 0 ? ["commands"] : there;
}

/** Loads the files as a bot does, into a bot that nobody talks to: so names that are taken are found, too. */
async function lintCommands(folder: string, names: readonly string[]): Promise<Linted | undefined> {
  if (!names.some(isCommandFile)) return undefined;
  const [{ commandFiles }, { memoryRegistry }, { emptyExtensions }] = await Promise.all([
    import("../plugins/files/files.ts"),
    import("../core/registry/memory.ts"),
    import("./empty-extensions.ts"),
  ]);
  const modules = async () => houseModules();
  const source = commandFiles({ folder, modules, supplies: NOTHING, clock: systemClock, log: silent });
  const client = lazyClient(async () => notHere());
  const registry = memoryRegistry()();
  const own = [...builtin, ...smallTalk];
  const parts = {
    registry,
    client,
    sources: [source],
    extensions: await emptyExtensions(registry, join(dirname(folder), "runbooks")),
  };
  const bot = createBot({ inputs: [], commands: own, ...parts });
  try {
    await bot.start();
    const plugins = bot.catalog.commands.find(({ name }) => name === "plugins");
    if (plugins === undefined) throw new MicroError("internal", "this bot has no `plugins`");
    const { commands, broken }: Plugins = await plugins.run({}, undefined as never);
    const count = `${commands.length} command${commands.length === 1 ? "" : "s"}`;
    const flaws = await Promise.all(broken.map((one) => placed(folder, one)));
    return { what: count, flaws: flaws.flat() };
  } finally {
    await bot.stop();
  }
}

/** Each flaw of a file by itself; a name that is taken stands where the file says it. */
async function placed(folder: string, { from, why, flaws, command }: Broken): Promise<Linted["flaws"]> {
  const beside = dirname(from);
  if (flaws !== undefined) {
    return flaws.map((flaw) => {
      const file = flaw.file === undefined ? from : join(beside, flaw.file);
      return { why: flaw.why, at: flaw.line === undefined ? file : `${file}:${flaw.line}:${flaw.column ?? 1}` };
    });
  }
  const text = await readFile(join(folder, basename(from)), "utf8").catch(() => "");
  const place = command === undefined ? undefined : placeIn(text, { name: command, key: "name" });
  return [{ why, at: place === undefined ? from : `${from}:${place.line}:${place.column}` }];
}

/** Against the bot's own commands, and those of a folder `commands` beside it. */
async function lintRunbooks(folder: string, names: readonly string[]): Promise<Linted | undefined> {
  if (!names.some((name) => /\.ya?ml$/.test(name)) || names.some(isCommandFile)) return undefined;
  const { lintRunbooksIn } = await import("./runbook-commands.ts");
  const found = await lintRunbooksIn(folder);
  const count = `${found.length} runbook${found.length === 1 ? "" : "s"}`;
  return {
    what: count,
    flaws: found.flatMap(({ name, flaws }) => flaws.map((flaw) => where(join(basename(folder), basename(name)), flaw))),
  };
}

/** `runbooks/drain.yaml:7:3` as for command files, which editors and CI can follow. */
function where(file: string, flaw: string): Linted["flaws"][number] {
  const [head, line, column] = /^line (\d+), column (\d+): /.exec(flaw) ?? [];
  return head === undefined
    ? { at: file, why: flaw }
    : { at: `${file}:${line}:${column}`, why: flaw.slice(head.length) };
}

/** No command is run here. */
const NOTHING: Supplies = { kvOf: notHere, http: notHere, secret: notHere };

function notHere(): never {
  throw new MicroError("internal", "nothing is carried out while files are checked");
}
