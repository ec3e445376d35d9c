import { statSync } from "node:fs";
import { resolve as resolvePath } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Redactor } from "../core/redact.ts";
import type { Kv } from "../platform/kv/kv.ts";
import type { CommandFiles } from "../plugins/files/files.ts";
import type { Supplies } from "../plugins/files/give.ts";
import type { CommandSource } from "../plugins/plugins.ts";
import { houseModules } from "./house.ts";
import type { BotSettings } from "./settings.ts";

export interface OwnCommandsInit {
  /** Where the program was started. */
  readonly cwd: string;
  readonly store: Kv;
  readonly redactor: Redactor;
  readonly resolve: (reference: string) => Promise<string>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where a team's own commands come from: a folder of files, packages. */
export async function ownCommands(settings: BotSettings, init: OwnCommandsInit): Promise<readonly CommandSource[]> {
  const { cwd, clock, log } = init;
  const { plugins: names, commands_every: everyMs } = settings;
  const folder = commandsFolder(settings.commands, cwd);
  if (folder === undefined && names.length === 0) return [];
  const [{ commandFiles }, { commandPackages }, supplies] = await Promise.all([
    import("../plugins/files/files.ts"),
    import("../plugins/files/packages.ts"),
    suppliesOf(settings, init),
  ]);
  const given = { modules: async () => houseModules(), supplies, clock, log };
  return [
    ...(folder === undefined ? [] : [surviving(commandFiles({ folder, everyMs, ...given }), folder, log)]),
    ...(names.length === 0 ? [] : [commandPackages({ names, cwd, ...given })]),
  ];
}

/** The folder of command files; `commands`, if it is there and nothing else is said. */
export function commandsFolder(said: string, cwd: string): string | undefined {
  if (said === "none") return undefined;
  if (said !== "") return resolvePath(cwd, said);
  const usual = resolvePath(cwd, "commands");
  return statSync(usual, { throwIfNoEntry: false })?.isDirectory() ? usual : undefined;
}

/**
 * While files are loaded, what one of them throws where nobody waits (a timer, a promise) is logged and ends nothing else. Whatever
 * does not come from them ends the program, as ever.
 */
function surviving(source: CommandFiles, folder: string, log: Log): CommandSource {
  const caught = (thrown: unknown) => {
    const { stack = "", message = String(thrown) } = (thrown ?? {}) as { stack?: string; message?: string };
    if (stack.includes(folder)) {
      source.mend(thrown);
      log.error({ err: thrown }, `a command file threw where nobody waits: ${message}`);
      return;
    }
    leave();
    queueMicrotask(() => {
      throw thrown;
    });
  };
  const leave = () => {
    process.off("uncaughtException", caught);
    process.off("unhandledRejection", caught);
  };
  return {
    name: source.name,
    start: async (offer, options) => {
      process.on("uncaughtException", caught);
      process.on("unhandledRejection", caught);
      await source.start(offer, options);
    },
    stop: async () => {
      await source.stop();
      leave();
    },
  };
}

async function suppliesOf(settings: BotSettings, { store, redactor, resolve }: OwnCommandsInit): Promise<Supplies> {
  const [{ httpOf }, { ownKv }, { ownSecrets }] = await Promise.all([
    import("../plugins/files/http.ts"),
    import("../plugins/files/kv.ts"),
    import("../plugins/files/secrets.ts"),
  ]);
  return {
    kvOf: (command) => ownKv(store, command),
    http: httpOf(),
    secret: ownSecrets({ references: settings.command_secret, resolve, redactor }),
  };
}
