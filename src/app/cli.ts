import type { Audit } from "../commands/audit-record.ts";
import type { Catalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import { drawShown, drawText } from "../commands/draw.ts";
import { fields } from "../commands/fields.ts";
import { argvLine, type Line } from "../commands/line.ts";
import { type Mark, type Output, parse } from "../commands/parse.ts";
import type { Clock } from "../core/clock.ts";
import { jsonCodec, RawJson } from "../core/codec/json.ts";
import { MicroError } from "../core/errors.ts";
import { silent } from "../core/log.ts";
import type { Tools } from "./known.ts";
import { lazyBroker, lazyClient, type Makers } from "./parts.ts";
import { GLOBAL, type GlobalSettings } from "./settings.ts";

/** What one command of the command line needs. */
export interface CliInit {
  readonly catalog: Catalog;
  readonly makers: Makers;
  readonly settings: GlobalSettings;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly user: string;
  /** Of the bot that runs here, or ran. */
  readonly audit: Audit;
  /** Writes to stdout; resolves when there is room for more. */
  readonly print: (text: string) => Promise<void>;
}

/**
 * Runs one command and gives what belongs on stdout beside what it has shown by itself.
 * @throws MicroError what the command throws; `invalid_argument` for a line that is not understood
 */
export async function runCli(args: readonly string[], init: CliInit): Promise<string | undefined> {
  const { catalog, clock, signal, makers, settings } = init;
  const line = argvLine(args);
  const match = catalog.match(line);
  if (match === undefined) throw await notOfShell(line, catalog);
  const { input, output } = understood(() => parse(match), match.command, args);
  const tools: Tools = { clock, log: silent };
  const registry = await makers.registry(settings, tools);
  const client = lazyClient(async () =>
    makers.client({ registry, transport: await makers.transport(settings) }, settings, tools),
  );
  const broker = lazyBroker(settings.broker, () => makers.broker({ registry }, settings, tools));
  try {
    if (needsRegistry(match.command)) await registry.start({ signal });
    const result: unknown = await match.command.run(input, {
      registry,
      client,
      broker,
      audit: init.audit,
      clock,
      signal,
      caller: `terminal:${init.user}`,
      mayRun: () => true,
      oneShot: true,
      stateDir: settings.state_dir,
      emit: (view, fact) => init.print(`${drawShown(view, fact, output)}\n`),
    });
    if (match.command.maxMs !== undefined) return undefined;
    return printed(match.command, input, result, output);
  } finally {
    await broker.stop();
    await client.close();
    await registry.stop();
  }
}

/** What tells of the past works, too, when the registry is what has failed. */
function needsRegistry({ name, permission }: AnyCommand): boolean {
  // Nor does what only reads files.
  if (permission === "runbook:read") return false;
  return permission !== "audit:read" || name === "replay";
}

/** An error as stderr shows it: in the reference's words where it has some, and where in the line the trouble is. */
export function errorText(error: MicroError): string {
  const { reference, usage, line, mark } = error.details as {
    reference?: string;
    usage?: string;
    line?: string;
    mark?: Mark;
  };
  const lines = [reference ?? error.message];
  if (line !== undefined && mark !== undefined && !/[\n\t]/.test(line)) {
    lines.push(`  micro ${line}`, `        ${" ".repeat(mark.start)}${"^".repeat(Math.max(1, mark.end - mark.start))}`);
  }
  if (usage !== undefined) lines.push(`usage: micro ${usage}`);
  return lines.join("\n");
}

function printed(command: AnyCommand, input: unknown, result: unknown, output: Output): string {
  if (output === "text") return drawText(command.view(result, input));
  const text = result instanceof RawJson ? result.text : new TextDecoder().decode(jsonCodec.encode(result));
  return output === "raw" ? text : drawText({ kind: "json", text });
}

/** A global option after the command is the likeliest mistake, so it gets an answer of its own. */
function understood<T>(read: () => T, command: AnyCommand, args: readonly string[]): T {
  try {
    return read();
  } catch (error) {
    const own = new Set(fields(command).map((field) => field.name));
    const misplaced = args
      .map((arg) => /^--?([^=]+)/.exec(arg)?.[1]?.replaceAll("-", "_") ?? "")
      .find((name) => Object.hasOwn(GLOBAL, name) && !own.has(name));
    if (misplaced === undefined) throw error;
    const { details } = MicroError.from(error);
    throw new MicroError(
      "invalid_argument",
      `--${misplaced} stands before the command: micro --${misplaced}=… ${command.name}`,
      {
        cause: error,
        details,
      },
    );
  }
}

/** Some things can be said to a bot alone, because they are about it or the room they are said in. */
async function notOfShell(line: Line, catalog: Catalog): Promise<MicroError> {
  const { isForBot } = await import("./shell.ts");
  if (!(await isForBot(line))) return unknownCommand(line, catalog);
  const said = line.words[0]?.text.slice(0, 64) ?? "";
  const words = `\`${said}\` is said to a running bot: in chat, in \`micro chat\`, or echo '${said} …' | micro chat`;
  return new MicroError("invalid_argument", words);
}

/** What to say of a line that begins with no command. */
export function unknownCommand(line: Line, catalog: Catalog): MicroError {
  const said = line.words[0]?.text.slice(0, 64) ?? "";
  const near = catalog.nearest(line, 3).map(({ name }) => `\`${name}\``);
  return new MicroError(
    "invalid_argument",
    `unknown command "${said}"; the nearest are ${near.join(", ")}, and \`micro help\` shows all`,
  );
}
