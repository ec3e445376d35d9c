import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire, isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Message, Plugin } from "esbuild";
import { MicroError } from "../core/errors.ts";
import { esbuild, toldMistake } from "../plugins/files/bundle.ts";
import { testReporter } from "./test-reporter.ts";

export interface OwnTestsInit {
  readonly cwd: string;
  readonly signal: AbortSignal;
  readonly write: (text: string) => void;
}

const TEST = /\.(?:test|spec)\.[cm]?[jt]s$/;

/**
 * `micro test [commands/] […]`: runs the tests that lie beside command files, by Node's own runner, in a process of their own.
 * They are TypeScript as the commands are, and find this program's `micro-chatops`, its kit and its zod.
 * @throws MicroError `invalid_argument` (no tests there, one that cannot be read, tests that failed), `cancelled`
 */
export async function testCommands(args: readonly string[], { cwd, signal, write }: OwnTestsInit): Promise<void> {
  const option = args.find((arg) => arg.startsWith("-"));
  if (option !== undefined)
    throw new MicroError("invalid_argument", `test has no option ${option}: micro test [commands/]`);
  const tests = (
    await Promise.all((args.length > 0 ? args : ["commands"]).map((arg) => testsIn(resolve(cwd, arg), arg)))
  ).flat();
  if (tests.length === 0) {
    throw new MicroError(
      "invalid_argument",
      "there are no tests: `micro new command restart` makes a command with one",
    );
  }
  const folder = await mkdtemp(join(tmpdir(), "micro-test-"));
  try {
    const built = await bundled(tests, folder, cwd);
    const reporter = join(folder, "reporter.mjs");
    await writeFile(reporter, `export default (${testReporter.toString()})(${JSON.stringify(cwd)});\n`);
    const code = await run(built, reporter, { cwd, signal, write });
    if (signal.aborted) throw new MicroError("cancelled", "the tests were not run to their end");
    if (code !== 0) throw new MicroError("invalid_argument", "there are tests that failed");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function testsIn(path: string, said: string): Promise<readonly string[]> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new MicroError("invalid_argument", `${said} is not there`);
  if (found.isFile()) return [path];
  return (await readdir(path))
    .filter((name) => TEST.test(name))
    .sort()
    .map((name) => join(path, name));
}

/** As one script, with the files of the team's that they import: to load the kit once costs more than all tests of a team. */
async function bundled(tests: readonly string[], folder: string, cwd: string): Promise<string> {
  const { build } = esbuild();
  const outfile = join(folder, "commands.mjs");
  try {
    await build({
      stdin: { contents: tests.map((path) => loading(path, cwd)).join("\n"), resolveDir: cwd },
      absWorkingDir: cwd,
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      sourcemap: "inline",
      tsconfigRaw: {},
      logLevel: "silent",
      plugins: [packagesFrom(ownRoot())],
    });
    return outfile;
  } catch (thrown) {
    const { errors = [] } = thrown as { errors?: readonly Message[] };
    const words = errors.slice(0, 3).map(toldMistake).join("; ");
    throw new MicroError("invalid_argument", words || (thrown as Error).message, { cause: thrown });
  }
}

/** Loads the tests of one file: if that cannot be done, it is told as a test that failed, and those of other files run. */
function loading(path: string, cwd: string): string {
  const named = JSON.stringify(`${relative(cwd, path)} can be loaded`);
  const failed = `(await import("node:test")).test(${named}, () => { throw thrown; })`;
  return `try { await import(${JSON.stringify(path)}); } catch (thrown) { ${failed}; }`;
}

/** Packages stay outside, found from the file that names them; ours are this program's. */
function packagesFrom(root: string): Plugin {
  const ours: Readonly<Record<string, string>> = {
    "micro-chatops": "index.js",
    "micro-chatops/kit": "testing/kit.js",
    zod: "testing/zod.js",
  };
  return {
    name: "packages",
    setup: ({ onResolve }) => {
      onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
        if (kind === "entry-point" || isBuiltin(path)) return undefined;
        const own = ours[path];
        const file = own === undefined ? createRequire(importer).resolve(path) : join(root, "dist", "src", own);
        return { path: pathToFileURL(file).href, external: true };
      });
    },
  };
}

/** This package's folder, wherever in it this code runs. */
function ownRoot(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); at !== dirname(at); at = dirname(at)) {
    const file = join(at, "package.json");
    if (existsSync(file) && JSON.parse(readFileSync(file, "utf8")).name === "micro-chatops") return at;
  }
  throw new MicroError("internal", "this program does not find its own package");
}

/** In one process: with `--test` Node would start another, and tell once more what has failed there. */
function run(file: string, reporter: string, { cwd, signal, write }: OwnTestsInit): Promise<number> {
  return new Promise((done, failed) => {
    const told = [`--test-reporter=${pathToFileURL(reporter).href}`, "--test-reporter-destination=stdout"];
    const args = ["--enable-source-maps", ...told, file];
    const { NODE_TEST_CONTEXT: _nested, ...env } = process.env;
    const child = spawn(process.execPath, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const leave = () => child.kill();
    signal.addEventListener("abort", leave, { once: true });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", write);
    child.on("error", failed);
    child.on("close", (code) => {
      signal.removeEventListener("abort", leave);
      done(code ?? 1);
    });
  });
}
