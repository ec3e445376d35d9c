import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Broken, CommandSource, Owned } from "../plugins.ts";
import { createBundler } from "./bundle.ts";
import type { HouseModules } from "./evaluate.ts";
import { given, type Supplies } from "./give.ts";
import { loadFile } from "./load.ts";

export interface CommandPackagesInit {
  /** Names of packages, as npm has them. Nothing else is loaded. */
  readonly names: readonly string[];
  /** The bot's directory: they are looked for in its `node_modules`, and those above. */
  readonly cwd: string;
  readonly modules: () => Promise<HouseModules>;
  readonly supplies: Supplies;
  readonly log: Log;
}

/**
 * Commands out of npm packages that are listed by name. They are loaded as files are, once: a package that has changed is
 * loaded anew when the bot starts.
 * @throws MicroError `invalid_argument` for what is no package's name
 */
export function commandPackages({ names, cwd, modules, supplies, log }: CommandPackagesInit): CommandSource {
  const odd = names.find((name) => !NAME.test(name));
  if (odd !== undefined) throw new MicroError("invalid_argument", `"${odd}" is no name of an npm package`);
  return {
    name: "packages",
    start: async (offer) => {
      const bundler = createBundler();
      const commands: Owned[] = [];
      const broken: Broken[] = [];
      try {
        const house = await modules();
        for (const from of new Set(names)) {
          const entry = entryOf(from, cwd);
          const loaded = entry === undefined ? undefined : await loadFile(entry, bundler, house);
          const why = loaded === undefined ? `it is not installed: npm install ${from}` : loaded.why;
          if (why === undefined) {
            const made = (loaded?.commands ?? []).map((command) => given(command, from, supplies, log, loaded));
            const digest = loaded?.digest;
            commands.push(...made.map((command) => ({ command, from, ...(digest !== undefined && { digest }) })));
          } else {
            log.error({ from }, why);
            broken.push({ from, why });
          }
        }
      } finally {
        await bundler.close();
      }
      offer({ commands, broken });
    },
    stop: async () => {},
  };
}

const NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/** The file that a package begins with; `undefined`: there is no such package. */
function entryOf(name: string, cwd: string): string | undefined {
  const near = createRequire(join(cwd, "commands.js"));
  const folder = (near.resolve.paths(name) ?? [])
    .map((path) => join(path, name))
    .find((path) => existsSync(join(path, "package.json")));
  if (folder === undefined) return undefined;
  const { exports, main = "index.js" } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, firstOf(exports) ?? main);
}

/** What `exports` says of the package itself, for who imports it. */
function firstOf(exported: unknown): string | undefined {
  if (typeof exported === "string") return exported;
  if (typeof exported !== "object" || exported === null) return undefined;
  const by = exported as Readonly<Record<string, unknown>>;
  for (const key of [".", "import", "node", "module", "require", "default"]) {
    const found = firstOf(by[key]);
    if (found !== undefined) return found;
  }
  return undefined;
}
