import { hash } from "node:crypto";
import { basename } from "node:path";
import type { AnyCommand } from "../../commands/command.ts";
import { MicroError } from "../../core/errors.ts";
import type { Bundler } from "./bundle.ts";
import { isMeant, problemsOf } from "./check.ts";
import { evaluate, type HouseModules } from "./evaluate.ts";
import type { ThreadScript } from "./thread.ts";

/** What became of a file. */
export interface Loaded {
  /** As they are defined; empty where something is wrong. */
  readonly commands: readonly AnyCommand[];
  /** What is wrong, for people. */
  readonly why?: string;
  /** Whole paths of the files it is made of; also of those that keep it from being made. */
  readonly inputs: readonly string[];
  /** Of its code. */
  readonly digest?: string;
  /** Where one of them runs in a thread. */
  readonly script?: ThreadScript;
  /**
   * It stands in none of them why it was not made: it imports a file that is not there yet, and nothing of it has run. What has
   * run and failed is not run again until it is saved: it may hold the bot for seconds, and leave timers behind.
   */
  readonly again?: true;
}

/** Reads a file of commands as it is now. Never rejects. */
export async function loadFile(path: string, bundler: Bundler, modules: HouseModules): Promise<Loaded> {
  let inputs: readonly string[] = [path];
  try {
    const bundle = await bundler.bundle(path);
    inputs = bundle.inputs;
    const commands = commandsIn(evaluate(bundle.code, path, modules));
    if (commands.length === 0) return { commands: [], inputs, why: NONE };
    const wrong = commands.flatMap((command) => problemsOf(command).map((problem) => `${called(command)}${problem}`));
    if (wrong.length > 0) return { commands: [], inputs, why: wrong.join("; ") };
    const made = commands as AnyCommand[];
    const threads = made.some(({ worker }) => worker !== undefined);
    const digest = hash("sha256", bundle.code);
    return { commands: made, inputs, digest, ...(threads && { script: { code: bundle.code, path } }) };
  } catch (thrown) {
    const { message, details } = MicroError.from(thrown);
    const found = (details["inputs"] as readonly string[] | undefined) ?? [];
    const again = details["unresolved"] === true && { again: true as const };
    return { commands: [], inputs: [...new Set([...inputs, ...found])], why: message, ...again };
  }
}

const NONE = "it exports no command: `export default defineCommand({ … })`";

/** The default export and all others, each once; lists are taken apart. */
function commandsIn(exported: Readonly<Record<string, unknown>>): readonly object[] {
  const all = Object.values(exported).flatMap((value) => (Array.isArray(value) ? value : [value]));
  return [...new Set(all)].filter(isMeant);
}

function called(command: object): string {
  const { name } = command as { name?: unknown };
  return typeof name === "string" ? `\`${name}\`: ` : "";
}

/** Files that hold commands, by their names: not tests, not declarations, nothing hidden. */
export function isCommandFile(path: string): boolean {
  const name = basename(path);
  return /\.(?:[cm]?js|[cm]?ts)$/.test(name) && !/^[._]|\.d\.[cm]?ts$|\.(?:test|spec)\.[cm]?[jt]s$/.test(name);
}
