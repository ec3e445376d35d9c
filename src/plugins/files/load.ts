import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, dirname, relative, sep } from "node:path";
import type { AnyCommand } from "../../commands/command.ts";
import { MicroError } from "../../core/errors.ts";
import type { Flaw } from "../plugins.ts";
import type { Bundler } from "./bundle.ts";
import { type Flawed, flawsOf, isMeant } from "./check.ts";
import { evaluate, type HouseModules } from "./evaluate.ts";
import { type Origins, originsOf } from "./origins.ts";
import { placeIn } from "./place.ts";
import type { ThreadScript } from "./thread.ts";

/** What became of a file. */
export interface Loaded {
  /** As they are defined; empty where something is wrong. */
  readonly commands: readonly AnyCommand[];
  /** What is wrong, for people. */
  readonly why?: string;
  /** The same, one by one. */
  readonly flaws?: readonly Flaw[];
  /** Whole paths of the files it is made of; also of those that keep it from being made. */
  readonly inputs: readonly string[];
  /** Of its code. */
  readonly digest?: string;
  /** Where one of them runs in a thread. */
  readonly script?: ThreadScript;
  /** Of what its commands throw. */
  readonly origins?: Origins;
  /**
   * It stands in none of them why it was not made: it imports a file that is not there yet, and nothing of it has run. What has
   * run and failed is not run again until it is saved: it may hold the bot for seconds, and leave timers behind.
   */
  readonly again?: true;
}

/** Reads a file of commands as it is now. Never rejects. */
export async function loadFile(path: string, bundler: Bundler, modules: HouseModules): Promise<Loaded> {
  let inputs: readonly string[] = [path];
  let origins: Origins | undefined;
  try {
    const bundle = await bundler.bundle(path);
    inputs = bundle.inputs;
    origins = originsOf(path, bundle.map);
    const commands = commandsIn(evaluate(bundle.code, path, modules));
    if (commands.length === 0) return { commands: [], inputs, why: NONE };
    const wrong = commands.flatMap((command) => flawsOf(command));
    if (wrong.length > 0) return { commands: [], inputs, ...(await told(wrong, path, inputs)) };
    const made = commands as AnyCommand[];
    const threads = made.some(({ worker }) => worker !== undefined);
    const digest = hash("sha256", bundle.code);
    return { commands: made, inputs, digest, origins, ...(threads && { script: { code: bundle.code, path } }) };
  } catch (thrown) {
    const { message, details, cause } = MicroError.from(thrown);
    const { inputs: found = [], mistakes, unresolved } = details as Partial<BundleDetails>;
    const place = origins?.placeOf(cause);
    const [, file = "", line, column] = /^(.*):(\d+):(\d+)$/.exec(place ?? "") ?? [];
    const here = file === "" ? {} : { file, line: Number(line), column: Number(column) };
    return {
      commands: [],
      inputs: [...new Set([...inputs, ...found])],
      why: place === undefined ? message : `${place}: ${message}`,
      flaws: mistakes && mistakes.length > 0 ? mistakes : [{ ...here, why: message }],
      ...(unresolved === true && { again: true as const }),
    };
  }
}

/** What a bundler says beside its message. */
interface BundleDetails {
  readonly inputs: readonly string[];
  readonly mistakes: readonly Flaw[];
  readonly unresolved: boolean;
}

/** Flaws of definitions with their places, looked for in the files that the definitions may stand in. */
async function told(
  wrong: readonly Flawed[],
  path: string,
  inputs: readonly string[],
): Promise<Pick<Loaded, "why" | "flaws">> {
  const own = [...new Set([path, ...inputs])].filter((input) => !input.includes(`${sep}node_modules${sep}`));
  const texts = await Promise.all(
    own.slice(0, MOST_SEARCHED).map(async (input) => ({
      file: relative(dirname(path), input),
      text: await readFile(input, "utf8").catch(() => ""),
    })),
  );
  const flaws = wrong.map((flaw): Flaw => {
    const why = `${called(flaw)}${flaw.why}`;
    for (const { file, text } of texts) {
      const place = placeIn(text, flaw);
      if (place !== undefined) return { why, file, ...place };
    }
    return { why };
  });
  return { why: flaws.map(({ why }) => why).join("; "), flaws };
}

/** Files that a definition is looked for in. */
const MOST_SEARCHED = 20;

const NONE = "it exports no command: `export default defineCommand({ … })`";

/** The default export and all others, each once; lists are taken apart. */
function commandsIn(exported: Readonly<Record<string, unknown>>): readonly object[] {
  const all = Object.values(exported).flatMap((value) => (Array.isArray(value) ? value : [value]));
  return [...new Set(all)].filter(isMeant);
}

function called({ name }: Flawed): string {
  return name === undefined ? "" : `\`${name}\`: `;
}

/** Files that hold commands, by their names: not tests, not declarations, nothing hidden. */
export function isCommandFile(path: string): boolean {
  const name = basename(path);
  return /\.(?:[cm]?js|[cm]?ts)$/.test(name) && !/^[._]|\.d\.[cm]?ts$|\.(?:test|spec)\.[cm]?[jt]s$/.test(name);
}
