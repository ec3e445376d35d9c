import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import * as whole from "./kit.ts";

export type Kit = typeof whole;

/** What keeps something from happening: a piece of a source file, and what stands in its stead in a program without it. */
export interface Guard {
  /** For titles: `the look at edited`. */
  readonly what: string;
  /** Below `src`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly code: string;
  /** Default: nothing. */
  readonly without?: string;
  /** Others that have to go with it, because each alone suffices. */
  readonly and?: readonly Omit<Guard, "what" | "and">[];
}

/** The program as it is. */
export const real: Kit = whole;

const root = join(import.meta.dirname, "../..");
const made: string[] = [];

/**
 * The program with that guard taken out: a copy in a folder of its own, so that nothing of it gets into the program as it is.
 * @throws Error when the guard does not stand where it is said to; then the proof is to be led anew
 */
export async function without(guard: Guard): Promise<Kit> {
  const cuts = [guard, ...(guard.and ?? [])].map((cut) => ({ ...cut, path: join(root, "src", cut.file), done: false }));
  const build = await rolldown({
    input: join(import.meta.dirname, "kit.ts"),
    platform: "node",
    // What is not ours is the same in both, but for what the translation brings.
    external: /^(?!@oxc-project\/)@?[a-z]/i,
    transform: { target: "node20" },
    tsconfig: false,
    logLevel: "silent",
    plugins: [
      {
        name: "take a guard out",
        transform: (source, id) => {
          const here = cuts.filter(({ path }) => path === id);
          let code = source;
          for (const cut of here) {
            if (code.split(cut.code).length !== 2) throw new Error(`${cut.file} has not once: ${cut.code}`);
            code = code.replace(cut.code, () => cut.without ?? "");
            cut.done = true;
          }
          return here.length > 0 ? { code, moduleType: "ts" } : null;
        },
      },
    ],
  });
  const folder = mkdtempSync(join(tmpdir(), "micro-mutant-"));
  made.push(folder);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  await build.write({ dir: folder, format: "cjs", entryFileNames: "kit.cjs", chunkFileNames: "[name].cjs" });
  await build.close();
  const missed = cuts.find(({ done }) => !done);
  if (missed !== undefined) throw new Error(`${missed.file} is not used any more, so it guards nothing`);
  // Node's own loader: the test runner's would take it apart anew.
  return createRequire(import.meta.url)(join(folder, "kit.cjs")) as Kit;
}

/** Removes the copies. */
export function removeMutants(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
}
