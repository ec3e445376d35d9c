import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type Catalog, createCatalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import { argvLine } from "../commands/line.ts";
import { MicroError } from "../core/errors.ts";
import { silent } from "../core/log.ts";
import { createBundler } from "../plugins/files/bundle.ts";
import { given } from "../plugins/files/give.ts";
import { httpOf } from "../plugins/files/http.ts";
import { loadFile } from "../plugins/files/load.ts";
import type { Origins } from "../plugins/files/origins.ts";
import { houseModules } from "./house.ts";
import { isForBot } from "./shell.ts";

const ENDINGS = ["ts", "mts", "js", "mjs", "cjs"];

/**
 * The commands of the file that a line of the shell names: `commands/restart.ts` for `micro restart orders`, `commands/scale-orders.ts`
 * for `micro scale orders`. Of all files only that one is loaded, so a slip of the pen runs nobody's code.
 *
 * @param cwd where the folder `commands` is looked for, and nowhere above
 * @returns `undefined`: there is no such file, or what it has is called otherwise, or only a bot has what is called so
 * @throws MicroError `invalid_argument`: it does not load, or wants what only a bot has
 */
export async function ownCatalog(args: readonly string[], cwd: string): Promise<Catalog | undefined> {
  const file = fileOf(args, join(cwd, "commands"));
  const line = argvLine(args);
  if (file === undefined || (await isForBot(line))) return undefined;
  const from = relative(cwd, file);
  const bundler = createBundler();
  const loaded = await loadFile(file, bundler, houseModules()).finally(() => bundler.close());
  if (loaded.why !== undefined) {
    throw new MicroError("invalid_argument", `${from} did not load: ${loaded.why}; \`micro lint\` tells all of it`);
  }
  const supplies = { kvOf: onlyBot, http: httpOf(), secret: async () => onlyBot() };
  const own = createCatalog(
    loaded.commands.map((command) => telling(given(command, from, supplies, silent, loaded), from, loaded.origins)),
  );
  const command = own.match(line)?.command;
  if (command === undefined) return undefined;
  const missing = (command.needs ?? []).filter((need) => need === "kv" || need.startsWith("secrets:"));
  if (missing.length > 0) throw wantsBot(command, missing);
  return own;
}

/** Who runs a file in a shell is who writes it, and has no log to look for the line in. */
function telling(command: AnyCommand, from: string, origins: Origins | undefined): AnyCommand {
  const placed = (thrown: unknown): unknown => {
    const { cause } = thrown as { readonly cause?: unknown };
    const at = cause === undefined ? undefined : origins?.placeOf(cause);
    if (!(thrown instanceof MicroError) || at === undefined) return thrown;
    return new MicroError(thrown.code, `${thrown.message} (${join(dirname(from), at)})`, { cause });
  };
  return {
    ...command,
    run: async (input, context) => {
      try {
        return await command.run(input, context);
      } catch (thrown) {
        throw placed(thrown);
      }
    },
    view: (result, input) => {
      try {
        return command.view(result, input);
      } catch (thrown) {
        throw placed(thrown);
      }
    },
  };
}

function fileOf(args: readonly string[], folder: string): string | undefined {
  const words = args.slice(0, 4);
  const end = words.findIndex((word) => !/^[\p{Ll}\p{Lo}\p{N}][\p{Ll}\p{Lo}\p{N}_-]*$/u.test(word));
  const names = end === -1 ? words : words.slice(0, end);
  const files = names.flatMap((_, at) =>
    ENDINGS.map((ending) => join(folder, `${names.slice(0, names.length - at).join("-")}.${ending}`)),
  );
  return files.find((file) => existsSync(file));
}

function wantsBot({ name }: AnyCommand, missing: readonly string[]): MicroError {
  const words = `\`${name}\` wants ${missing.join(", ")}, which only a running bot has: say it in chat, or in \`micro chat\``;
  return new MicroError("invalid_argument", words);
}

function onlyBot(): never {
  throw new MicroError("unavailable", "only a running bot has that: say it in chat, or in `micro chat`");
}
