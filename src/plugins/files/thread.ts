import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { AnyCommand, CommandContext } from "../../commands/command.ts";
import type { Given } from "../../commands/needs.ts";
import { type ErrorCode, MicroError } from "../../core/errors.ts";
import { threadMain } from "./thread-main.ts";

/** The script that a command came in. */
export interface ThreadScript {
  readonly code: string;
  readonly path: string;
}

/** What a thread begins with; survives being sent. */
export interface ThreadData extends ThreadScript {
  readonly name: string;
  readonly input: unknown;
  readonly facts: object;
  /** Where this program's zod is. */
  readonly zod: string;
}

interface Failure {
  /** It was thrown as an error of ours. */
  readonly ours: boolean;
  readonly code: ErrorCode;
  readonly message: string;
  /** Where in the script, for the log. */
  readonly stack?: string;
  readonly details: Readonly<Record<string, unknown>>;
}

type FromThread =
  | { readonly call: number; readonly what: string; readonly args: readonly unknown[] }
  | { readonly done: true; readonly value: unknown }
  | { readonly failed: Failure };

const MEMORY_MB = 64;
/** What a thread may ask for; each goes through what the command is given. */
const FORWARDED: ReadonlySet<string> = new Set([
  ...["client.request", "registry.get", "registry.list", "broker.publish", "secrets.get", "http", "emit", "ask"],
  ...["get", "list", "put", "create", "update", "delete"].map((name) => `kv.${name}`),
]);

/**
 * Runs a command in a thread of its own, made for this one run, with no environment and no more memory than it may have, and
 * ends the thread with it: when it is done, when it is cancelled, when its time is over.
 * @throws MicroError what the command throws; `exhausted` (memory), `timeout` (`timeMs`), `internal` (it ended itself)
 */
export async function inThread(
  command: AnyCommand,
  script: ThreadScript,
  input: unknown,
  context: CommandContext & Given,
): Promise<unknown> {
  const { name, worker } = command;
  const { memoryMb = MEMORY_MB, timeMs } = worker === true || worker === undefined ? {} : worker;
  const { caller, person, room, guest, oneShot, behalf, signal } = context;
  const facts = { caller, person, room, guest, oneShot, behalf };
  const zod = createRequire(import.meta.url).resolve("zod");
  signal.throwIfAborted();
  const thread = new Worker(`(${threadMain.toString()})(require)`, {
    eval: true,
    workerData: { ...script, name, input, facts, zod } satisfies ThreadData,
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: {
      maxOldGenerationSizeMb: memoryMb,
      maxYoungGenerationSizeMb: Math.max(2, memoryMb / 8),
      stackSizeMb: 4,
    },
  });
  // What it prints is for nobody.
  thread.stdout.resume();
  thread.stderr.resume();
  let timer: NodeJS.Timeout | undefined;
  let ended = () => {};
  try {
    return await new Promise<unknown>((resolve, reject) => {
      ended = () => reject(MicroError.from(signal.reason));
      signal.addEventListener("abort", ended, { once: true });
      if (timeMs !== undefined) {
        const words = `\`${name}\` was ended: it took longer than ${timeMs} ms`;
        timer = setTimeout(() => reject(new MicroError("timeout", words)), timeMs);
      }
      thread.on("message", (message: FromThread) => {
        if ("done" in message) resolve(message.value);
        else if ("failed" in message) reject(errorOf(message.failed));
        else
          void forward(message.what, message.args, context).then(
            (value) => thread.postMessage({ call: message.call, value }),
            (thrown) => {
              const { code, message: words, details } = MicroError.from(thrown);
              thread.postMessage({ call: message.call, error: { code, message: words, details } });
            },
          );
      });
      thread.on("error", (error: NodeJS.ErrnoException) => {
        const spent = error.code === "ERR_WORKER_OUT_OF_MEMORY";
        const why = spent
          ? `it wanted more than ${memoryMb} MB of memory`
          : `it threw where nobody waits: ${error.message}`;
        reject(new MicroError(spent ? "exhausted" : "internal", `\`${name}\` was ended: ${why}`, { cause: error }));
      });
      thread.on("exit", () => reject(new MicroError("internal", `\`${name}\` ended itself before it was done`)));
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", ended);
    await thread.terminate();
  }
}

/** Does what a thread asks for, as the command that it runs might. */
async function forward(what: string, args: readonly unknown[], context: CommandContext & Given): Promise<unknown> {
  if (!FORWARDED.has(what)) throw new MicroError("unimplemented", `${what} is not there for a command in a thread`);
  const [part = "", method] = what.split(".");
  const owner = (context as unknown as Record<string, unknown>)[part];
  const target = method === undefined ? owner : (owner as Record<string, unknown>)[method];
  const value: unknown = await (target as (...given: unknown[]) => unknown).apply(
    method === undefined ? undefined : owner,
    [...args],
  );
  // `json` of an HTTP answer is made anew over there.
  return JSON.parse(JSON.stringify(value ?? null)) ?? undefined;
}

function errorOf({ ours, code, message, details, stack }: Failure): Error {
  if (ours) return new MicroError(code, message, { details });
  return Object.assign(new Error(message), stack !== undefined && { stack });
}
