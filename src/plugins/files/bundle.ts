import { createRequire } from "node:module";
import { basename, dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Message } from "esbuild";
import { MicroError } from "../../core/errors.ts";

/** A file and all that it imports from files beside it, as one script. */
export interface Bundle {
  /** CommonJS: packages and Node's own modules are asked for by `require`. */
  readonly code: string;
  /** Whole paths of the files in it: it is another one once one of them changes. */
  readonly inputs: readonly string[];
  /** Of the script's places to those in the files; their texts are not in it. */
  readonly map: string;
}

/** A place in a file that a bundler does not understand. */
export interface Mistake {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly why: string;
}

/** Turns files into scripts until it is closed. */
export interface Bundler {
  /** @throws MicroError `invalid_argument` with file, line and column; `details.inputs` names the file with the mistake, `details.mistakes` are the `Mistake`s, `details.unresolved`: an import is not there */
  bundle(path: string): Promise<Bundle>;
  close(): Promise<void>;
}

/** esbuild is one process for all of ours, so the last who needs it ends it. */
let users = 0;
let started: typeof import("esbuild") | undefined;

/** Loaded when it is wanted, and by `require`: pieces of the bundled program that V8 has compiled before cannot `import`. */
export function esbuild(): typeof import("esbuild") {
  return createRequire(import.meta.url)("esbuild");
}

/** Takes types off and puts local imports in, by esbuild, which is loaded and started with the first file. */
export function createBundler(): Bundler {
  let closed = false;
  users += 1;
  return {
    bundle: async (path) => {
      started ??= esbuild();
      const { build } = started;
      try {
        const { outputFiles, metafile } = await build({
          entryPoints: [path],
          absWorkingDir: dirname(path),
          bundle: true,
          write: false,
          outfile: `${path}.cjs`,
          sourcemap: "external",
          sourcesContent: false,
          metafile: true,
          format: "cjs",
          platform: "node",
          target: "node20",
          packages: "external",
          // So that what is loaded while the command runs is loaded by our `require`, too.
          supported: { "dynamic-import": false },
          define: { "import.meta.url": JSON.stringify(pathToFileURL(path).href) },
          // What a `tsconfig.json` somewhere above says is for the team's compiler.
          tsconfigRaw: {},
          legalComments: "none",
          logLevel: "silent",
        });
        return {
          code: outputFiles.find((file) => file.path.endsWith(".cjs"))?.text ?? "",
          map: outputFiles.find((file) => file.path.endsWith(".map"))?.text ?? "{}",
          inputs: Object.keys(metafile.inputs).map((input) => resolve(dirname(path), input)),
        };
      } catch (thrown) {
        const { errors = [] } = thrown as { errors?: readonly Message[] };
        const words = errors.slice(0, 3).map(toldMistake).join("; ");
        const inputs = errors.map(({ location }) => resolve(dirname(path), location?.file ?? path));
        const mistakes = errors.slice(0, 20).map(({ text, location }): Mistake => {
          const { file = basename(path), line = 1, column = 0 } = location ?? {};
          return { file, line, column: column + 1, why: text };
        });
        throw new MicroError("invalid_argument", words || (thrown as Error).message, {
          cause: thrown,
          details: { inputs, mistakes, unresolved: errors.some(({ text }) => text.startsWith("Could not resolve")) },
        });
      }
    },
    close: async () => {
      if (closed) return;
      closed = true;
      users -= 1;
      if (users === 0) await started?.stop();
    },
  };
}

/** A mistake that esbuild has found, in one line. */
export function toldMistake({ text, location }: Message): string {
  return location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text;
}
