import { existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { type Catalog, createCatalog } from "../commands/catalog.ts";
import { argvLine } from "../commands/line.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { plainText } from "../core/plain-text.ts";
import type { Redactor } from "../core/redact.ts";
import { asked } from "./asked.ts";
import { auditOf } from "./audit.ts";
import { errorText, runCli, unknownCommand } from "./cli.ts";
import { helpText, inRegistry, versionText } from "./help.ts";
import { type OptionTable, readOptions } from "./options.ts";
import { type Makers, makers } from "./parts.ts";
import { BOT, CHAT, GLOBAL } from "./settings.ts";
import { shell } from "./shell.ts";
import { ownName } from "./state.ts";

export interface ProgramInit {
  /** Without the names of node and of the script. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Aborts when the program is to leave. */
  readonly signal: AbortSignal;
  /** Who is sitting there. Default: as the operating system says. */
  readonly user?: string;
  readonly clock?: Clock;
  /** For a registry or client other than the settings ask for. */
  readonly makers?: Partial<Makers>;
}

/** The `micro` program: reads its arguments, does what they say, and resolves to the exit code. Never rejects. */
export async function program(init: ProgramInit): Promise<number> {
  const { stdout, stderr, args, env } = init;
  let redactor: Redactor | undefined;
  try {
    const text = await run(init, (known) => {
      redactor = known;
    });
    if (text !== undefined) stdout.write(`${forScreen(text, stdout)}\n`);
    return 0;
  } catch (error) {
    const { secretsBefore } = await import("./secrets.ts");
    const before = secretsBefore(args, env).text(plainText(errorText(MicroError.from(error))));
    stderr.write(`${redactor?.text(before) ?? before}\n`);
    return 1;
  }
}

/** A screen is not to be moved about by what a service says; a script at the end of a pipe gets it as it is. */
function forScreen(text: string, stdout: ProgramInit["stdout"]): string {
  return stdout.isTTY === true ? plainText(text) : text;
}

/** What is left to be written to stdout. */
async function run(init: ProgramInit, onSecrets: (known: Redactor) => void): Promise<string | undefined> {
  const { env, signal, clock = systemClock } = init;
  const made: Makers = { ...makers, ...init.makers };
  const { settings, rest } = globalOptions(init.args, env);
  const catalog = createCatalog(shell);
  if (settings.version) return versionText;
  const question = asked(settings.help ? ["help", ...rest] : rest);
  if (question?.about === "version") return versionText;
  if (question !== undefined) {
    const text = helpText(catalog, question.topic);
    if (text === undefined) throw unknownCommand(argvLine(question.topic.split(" ")), catalog);
    return text;
  }
  if (rest[0] === "generate") {
    const { generate } = await import("./generate.ts");
    return generate(rest.slice(1));
  }
  if (rest[0] === "new" && rest[1] === "runbook") {
    const { newRunbook } = await import("./new-runbook.ts");
    return newRunbook(rest.slice(2), process.cwd());
  }
  if (rest[0] === "new" && rest[1] === "command") {
    const { newCommand } = await import("./new-command.ts");
    return newCommand(rest.slice(2), process.cwd());
  }
  if (rest[0] === "lint") {
    const { lint } = await import("./lint.ts");
    return lint(rest.slice(1), process.cwd());
  }
  if (rest[0] === "test") {
    const { testCommands } = await import("./own-tests.ts");
    const write = (text: string) => void init.stdout.write(text);
    await testCommands(rest.slice(1), { cwd: process.cwd(), signal, write });
    return undefined;
  }
  if (rest[0] === "new") {
    const { newService } = await import("./new.ts");
    return newService(rest.slice(1), process.cwd());
  }
  const user = init.user ?? ownName();
  /** What one command needs is looked up only if there is something to be looked up. */
  const opened = async <T extends typeof settings>(given: T, table: OptionTable): Promise<T> => {
    if (
      !Object.values(given)
        .flat()
        .some((value) => typeof value === "string" && /^(?:file|env|vault):/.test(value))
    ) {
      return given;
    }
    const { openSecrets } = await import("./secrets.ts");
    const { settings: found, redactor } = await openSecrets(given, table, { env, signal, clock });
    onSecrets(redactor);
    return found;
  };
  // These two have no arguments, so it does not matter on which side of their name an option stands.
  const before = init.args.slice(0, init.args.length - rest.length);
  if (rest[0] === "bot") {
    const { runBot } = await import("./bot.ts");
    const read = readOptions({ ...GLOBAL, ...BOT }, [...before, ...rest.slice(1)], env);
    if (read.rest[0] !== undefined) {
      throw new MicroError("invalid_argument", `bot does not know what to do with "${read.rest[0]}"`);
    }
    const { openSecrets } = await import("./secrets.ts");
    const opened = await openSecrets(read.settings, { ...GLOBAL, ...BOT }, { env, signal, clock });
    onSecrets(opened.redactor);
    await runBot(opened.settings, { ...init, user, clock, makers: made, secrets: opened });
    return undefined;
  }
  if (rest[0] === "chat") {
    const { runChat } = await import("./chat.ts");
    const read = readOptions({ ...GLOBAL, ...CHAT }, [...before, ...rest.slice(1)], env);
    if (read.rest[0] !== undefined) {
      const line = read.rest.join(" ");
      throw new MicroError(
        "invalid_argument",
        `chat takes what is said from the terminal or a pipe: echo '${line}' | micro chat`,
      );
    }
    await runChat(read.settings, { ...init, clock });
    return undefined;
  }
  const inGroup = rest[0] === "registry";
  const line = inGroup ? rest.slice(1) : rest;
  const commands = inGroup ? createCatalog(inRegistry(catalog)) : catalog;
  // `registry`, `list`, `get` and the like show what may follow.
  if (line.length < 2 && commands.match(argvLine(line)) === undefined) {
    const text = helpText(catalog, rest.join(" "));
    if (text !== undefined) return text;
  }
  const own = await ownOf(line, commands);
  await using audit = auditOf(settings, { env, user, clock, signal });
  return await runCli(line, {
    catalog: own ?? commands,
    makers: made,
    settings: await opened(settings, GLOBAL),
    clock,
    signal,
    user,
    audit,
    print: (text) => written(init.stdout, forScreen(text, init.stdout), signal),
  });
}

/** What a file in `commands/` says of a line that is none of the program's own. */
async function ownOf(line: readonly string[], commands: Catalog): Promise<Catalog | undefined> {
  if (line.length === 0 || commands.match(argvLine(line)) || !existsSync("commands")) return undefined;
  const { ownCatalog } = await import("./own-shell.ts");
  return ownCatalog(line, process.cwd());
}

/** An option of the bot before that word is a likely mistake, so it gets an answer of its own. */
function globalOptions(args: readonly string[], env: ProgramInit["env"]) {
  try {
    return readOptions(GLOBAL, args, env);
  } catch (error) {
    const name = String(MicroError.from(error).details["option"] ?? "");
    const word = Object.hasOwn(CHAT, name) && args.includes("chat") ? "chat" : "bot";
    if (!Object.hasOwn(BOT, name)) throw error;
    const { placeholder } = (BOT as OptionTable)[name] ?? {};
    const option = `--${name}${placeholder === undefined ? "" : "=…"}`;
    throw new MicroError(
      "invalid_argument",
      `--${name} is an option of \`${word}\` and stands behind that word: micro ${word} ${option}`,
      { cause: error },
    );
  }
}

/** Resolves when there is room for more, or nobody to have it. */
function written(stdout: Writable, text: string, signal: AbortSignal): Promise<void> {
  if (stdout.write(text) || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      stdout.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    stdout.on("drain", done);
    signal.addEventListener("abort", done);
  });
}
