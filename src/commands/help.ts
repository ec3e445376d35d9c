import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import type { AliasRow } from "./alias.ts";
import { oneLine } from "./audit.ts";
import type { Catalog } from "./catalog.ts";
import { type AnyCommand, type Command, defineCommand } from "./command.ts";
import { fields, usage, valueName } from "./fields.ts";
import { chatLine } from "./line.ts";

const input = z.object({ topic: z.string().optional().describe("a command's name") });

/** What `help` answers: the commands there are, or one of them in full. */
interface Help {
  readonly commands: readonly { readonly usage: string; readonly summary: string }[];
  readonly about?: readonly string[];
}

/** `help`, over whatever catalog is in force when it is asked. */
export function helpCommand(
  catalog: () => Catalog,
  aliases: () => Promise<readonly AliasRow[]> = async () => [],
): Command<typeof input, Help> {
  return defineCommand({
    name: "help",
    summary: "Show what can be said, or how to say one thing",
    input,
    words: ["topic"],
    rest: "topic",
    permission: "bot:talk",
    effect: "read",
    urgent: true,
    personal: true,
    examples: ["help", "help call"],
    run: async ({ topic }, { mayRun }) => {
      // Commands can be told of while the store is away.
      const short = (await aliases().catch(() => [])).filter(({ broken }) => broken === undefined);
      if (topic === undefined) {
        const said = short.map(({ name, line }) => ({ usage: name, summary: `alias: ${oneLine(line, 80)}` }));
        return { commands: [...catalog().commands.filter(mayRun).flatMap(briefs), ...said] };
      }
      const line = chatLine(topic);
      const alias = catalog().match(line) ? undefined : short.find(({ name }) => name === topic.trim().toLowerCase());
      if (alias) {
        const { name, line: stands, owner } = alias;
        const about = [`${name} is an alias, made by ${owner}, for`, "", `  ${stands}`];
        return { commands: [{ usage: name, summary: `alias: ${stands}` }], about };
      }
      const match = catalog().match(line);
      const family = catalog().commands.filter(({ name }) => name.startsWith(`${topic.trim().toLowerCase()} `));
      // `help runbook`: all that can be said of runbooks.
      if (match === undefined && family.length > 1) return { commands: family.filter(mayRun).flatMap(briefs) };
      const found =
        match?.command ??
        catalog().commands.find((command) => command.name.startsWith(topic)) ??
        catalog().commands.find(({ says = [] }) => says.some(({ usage }) => usage.startsWith(topic)));
      if (found && mayRun(found)) return { commands: [brief(found)], about: about(found) };
      const near = catalog().nearest(line, 3, mayRun);
      throw new MicroError(
        "not_found",
        `there is no command "${topic}"; ${near.length > 0 ? `the nearest are ${near.map(({ name }) => `\`${name}\``).join(", ")}` : "and there is none that you may run"}`,
      );
    },
    view: (result) => ({
      kind: "report",
      text: (result.about ?? result.commands.map((command) => `${command.usage}\t${command.summary}`)).join("\n"),
      note: result.about ? undefined : "`help <command>` tells more about one of them",
    }),
    complete: async (_field, _given, { mayRun }) =>
      catalog()
        .commands.filter(mayRun)
        .map((command) => command.name),
  });
}

function briefs(command: AnyCommand): readonly { usage: string; summary: string }[] {
  return command.says ?? [brief(command)];
}

function brief(command: AnyCommand): { usage: string; summary: string } {
  const words = fields(command).filter((field) => field.place !== "option");
  const named = words.map((field) => (field.required ? `<${field.name}>` : `[${field.name}]`));
  return { usage: [command.name, ...named].join(" "), summary: command.summary };
}

/** What it is if nothing is said; that nothing is need not be told. */
function usual(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return ["", "{}", "[]"].includes(text) ? "" : ` (default ${text})`;
}

/** Everything about one command, as lines: usage, fields, examples. Also what `micro help <command>` prints. */
function about(command: AnyCommand): readonly string[] {
  const lines = [usage(command), "", command.summary];
  const specs = fields(command);
  if (specs.length > 0) lines.push("");
  for (const field of specs) {
    const name =
      field.place === "option"
        ? `--${field.name}${field.type === "boolean" ? "" : ` ${valueName(field)}`}`
        : field.name;
    lines.push(`  ${name}\t${field.description}${usual(field.default)}`);
  }
  if (command.says && command.says.length > 0) {
    lines.push("", ...command.says.map(({ usage, summary }) => `${usage}\t${summary}`));
  }
  if (command.details) lines.push("", ...command.details);
  if (command.aliases) lines.push("", `also: ${command.aliases.join(", ")}`);
  if (command.examples) lines.push("", ...command.examples.map((example) => `e.g. ${example}`));
  lines.push(
    "",
    `permission ${command.permission}, ${command.effect === "write" ? "may change things" : "changes nothing"}`,
    ...(command.maxMs === undefined ? [] : ["it goes on: `jobs` shows it while it does, `cancel` ends it"]),
  );
  return lines;
}
