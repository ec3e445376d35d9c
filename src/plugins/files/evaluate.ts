import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { MicroError } from "../../core/errors.ts";

/** Modules that are the running bot's own, whatever copy lies beside the file: `micro-chatops`, `zod`. */
export type HouseModules = Readonly<Record<string, object>>;

/** How long a file's own first lines may take, in ms: nothing belongs there but definitions. */
const FIRST_LINES_MS = 2000;

/**
 * Runs a script that `createBundler` made and gives what it exports. Nothing of it is kept here, so it is gone when its exports
 * are: Node keeps each ES module that it ever loaded.
 * @param path where packages are looked up from
 * @throws MicroError `invalid_argument`: what the script threw, in its words; `details.inputs`: where a package would be that is not
 * there
 */
export function evaluate(code: string, path: string, modules: HouseModules): Readonly<Record<string, unknown>> {
  const near = createRequire(path);
  const module = { exports: {} as Record<string, unknown> };
  const missing: string[] = [];
  const required = (name: string): unknown => {
    const own = Object.hasOwn(modules, name) ? modules[name] : undefined;
    if (own !== undefined) return own;
    try {
      near.resolve(name);
    } catch (thrown) {
      missing.push(...placesOf(name, near));
      throw thrown;
    }
    return near(name);
  };
  const wrapped = `(function (exports, require, module, __filename, __dirname) {${code}\n})`;
  try {
    // The limit holds for what runs before `run` is called; a command that never ends wants `worker`.
    const load = new Script(wrapped, { filename: path }).runInThisContext();
    within(load, [module.exports, required, module, path, dirname(path)]);
  } catch (thrown) {
    throw new MicroError("invalid_argument", reason(thrown), { cause: thrown, details: { inputs: missing } });
  }
  return module.exports;
}

/** Where Node looks for a package: once it is installed, that is something else than it was. */
function placesOf(name: string, near: NodeJS.Require): readonly string[] {
  const [scope = "", second = ""] = name.split("/");
  const folder = scope.startsWith("@") ? join(scope, second) : scope;
  return (near.resolve.paths(name) ?? []).flatMap((path) => [join(path, folder), join(path, folder, "package.json")]);
}

/** Calls a function with a limit, which only a script has. */
function within(load: (...given: readonly unknown[]) => void, given: readonly unknown[]): void {
  const key = Symbol.for("micro-chatops loading");
  const house = globalThis as unknown as Record<symbol, unknown>;
  house[key] = () => load(...given);
  try {
    CALL.runInThisContext({ timeout: FIRST_LINES_MS });
  } finally {
    delete house[key];
  }
}

const CALL = new Script('globalThis[Symbol.for("micro-chatops loading")]()');

function reason(thrown: unknown): string {
  const { code, message } = thrown as { code?: unknown; message?: unknown };
  if (code === "ERR_SCRIPT_EXECUTION_TIMEOUT") {
    return `its first lines took longer than ${FIRST_LINES_MS} ms; define commands there and do the work in \`run\``;
  }
  const words = typeof message === "string" ? message : String(thrown);
  // Where Node looked for a package tells nothing to people.
  return words.split("\nRequire stack:")[0] as string;
}
