import { type Catalog, createCatalog } from "../commands/catalog.ts";
import type { AnyCommand } from "../commands/command.ts";
import { type Field, fields, usage, valueName } from "../commands/fields.ts";
import { argvLine } from "../commands/line.ts";
import type { OptionTable } from "./options.ts";
import { BOT, CHAT, GLOBAL, NEW } from "./settings.ts";
import { shell } from "./shell.ts";
import { VERSION } from "./version.ts";

type Row = readonly [name: string, what: string];

const BOT_SUMMARY = "Run the bot";
const CHAT_SUMMARY = "Talk to the bot that runs on this machine";
const GENERATE_SUMMARY = "Write typed endpoints and clients for a .proto file";
const LINT_SUMMARY =
  "Check command files, runbooks and the configuration of alerts as the bot does before it loads them";
const NEW_SUMMARY = "Make a new service in TypeScript, in a folder of its own, or a command or runbook of the bot";
const TEST_SUMMARY = "Run the tests that lie beside command files";
const REGISTRY_SUMMARY = "Group of the commands that ask and change the registry";

/** `micro --version`. */
export const versionText = `micro version ${VERSION}`;

/**
 * What `micro help <topic>` prints, in the layout of `toolkit.md §1.1`; everything in it is read from the commands and the
 * options. `undefined`: there is no such topic.
 */
export function helpText(catalog: Catalog, topic: string): string | undefined {
  if (topic === "" || topic === "help" || topic === "h") return program(catalog);
  if (topic === "bot") return bot();
  if (topic === "chat") return chat();
  if (topic === "generate") return generate();
  if (topic === "lint") return linted();
  if (topic === "new" || topic === "new command" || topic === "new runbook") return made();
  if (topic === "test") return tested();
  const words = topic.toLowerCase().split(/\s+/);
  if (words[0] === "registry") {
    return words.length > 1
      ? helpText(createCatalog(inRegistry(catalog)), words.slice(1).join(" "))
      : group("registry", REGISTRY_SUMMARY, inRegistry(catalog));
  }
  const match = catalog.match(argvLine(words));
  if (match && match.from === words.length) return about(match.command);
  const below = catalog.commands.filter((command) => command.name.startsWith(`${words.join(" ")} `));
  return below.length > 0
    ? group(words.join(" "), `${below.length === 1 ? "Holds" : "Hold"} what follows`, below)
    : undefined;
}

/** What the build stores beside the program: the answers to everything that `asked()` understands. */
export function storedTexts(catalog: Catalog = createCatalog(shell)): {
  readonly version: string;
  readonly help: Readonly<Record<string, string>>;
} {
  const names = catalog.commands.flatMap((command) => [command.name, ...(command.aliases ?? [])]);
  const groups = names.filter((name) => name.includes(" ")).map((name) => name.split(" ")[0] as string);
  const topics = [
    ...new Set(["", "help", "bot", "chat", "generate", "lint", "new", "registry", "test", ...groups, ...names]),
  ];
  return {
    version: versionText,
    help: Object.fromEntries(topics.map((topic) => [topic, helpText(catalog, topic) ?? ""])),
  };
}

/** The commands that may stand after `micro registry`. */
export function inRegistry(catalog: Catalog): readonly AnyCommand[] {
  return catalog.commands.filter((command) => command.permission.startsWith("registry:"));
}

function program(catalog: Catalog): string {
  const commands: Row[] = [
    ["bot", BOT_SUMMARY],
    ["chat", CHAT_SUMMARY],
    ...catalog.commands.map((command): Row => [[command.name, ...(command.aliases ?? [])].join(", "), command.summary]),
    ["generate", GENERATE_SUMMARY],
    ["lint", LINT_SUMMARY],
    ["new", NEW_SUMMARY],
    ["registry", REGISTRY_SUMMARY],
    ["test", TEST_SUMMARY],
    ["help, h", "Show this, or `help <command>` about one command"],
  ];
  return [
    section("NAME", ["micro - Ask, check and call microservices, from the shell and from chat"]),
    section("USAGE", ["micro [global options] command [command options] [arguments...]"]),
    section("VERSION", [VERSION]),
    section("COMMANDS", columns(commands)),
    section("GLOBAL OPTIONS", columns(optionRows(GLOBAL))),
  ].join("\n");
}

function bot(): string {
  return [
    section("NAME", [`micro bot - ${BOT_SUMMARY}`]),
    section("USAGE", ["micro [global options] bot [command options]"]),
    section("OPTIONS", columns(optionRows(BOT))),
    section("EXAMPLES", ["micro bot --inputs=terminal", "micro --registry=consul bot --inputs=slack"]),
  ].join("\n");
}

function chat(): string {
  return [
    section("NAME", [`micro chat - ${CHAT_SUMMARY}`]),
    section("USAGE", ["micro [global options] chat [command options]"]),
    section("OPTIONS", columns(optionRows(CHAT))),
    section("EXAMPLES", ["micro chat", "ssh -t host micro chat", "echo 'list services' | micro chat"]),
  ].join("\n");
}

function generate(): string {
  return [
    section("NAME", [`micro generate - ${GENERATE_SUMMARY}`]),
    section("USAGE", ["micro generate <file.proto> [file.ts]"]),
    section("EXAMPLES", ["micro generate greeter.proto src/greeter.ts"]),
  ].join("\n");
}

function made(): string {
  return [
    section("NAME", [`micro new - ${NEW_SUMMARY}`]),
    section("USAGE", ["micro new [command options] <folder>", "micro new command <name>", "micro new runbook <name>"]),
    section("OPTIONS", columns(optionRows(NEW))),
    section("EXAMPLES", [
      "micro new greeter",
      "micro new --namespace=com.example orders-service",
      "micro new command restart",
      "micro new runbook drain-orders",
    ]),
  ].join("\n");
}

function linted(): string {
  return [
    section("NAME", [`micro lint - ${LINT_SUMMARY}`]),
    section("USAGE", ["micro lint [--policy=policy.yaml] [folder or alerts.yaml...]"]),
    section("EXAMPLES", [
      "micro lint",
      "micro lint commands/ runbooks/",
      "micro lint --policy=policy.yaml alerts.yaml",
    ]),
  ].join("\n");
}

function tested(): string {
  return [
    section("NAME", [`micro test - ${TEST_SUMMARY}`]),
    section("USAGE", ["micro test [folder or file...]"]),
    section("EXAMPLES", ["micro test", "micro test commands/restart.test.ts"]),
  ].join("\n");
}

function group(name: string, summary: string, commands: readonly AnyCommand[]): string {
  return [
    section("NAME", [`micro ${name} - ${summary}`]),
    section("COMMANDS", columns(commands.map((command) => [command.name, command.summary]))),
  ].join("\n");
}

function about(command: AnyCommand): string {
  const specs = fields(command);
  const words = specs.filter((field) => field.place !== "option").map((field): Row => [field.name, described(field)]);
  const options = specs
    .filter((field) => field.place === "option")
    .map(
      (field): Row => [`--${field.name}${field.type === "boolean" ? "" : ` ${valueName(field)}`}`, described(field)],
    );
  const output: Row = [
    "--output <text|json|raw>, -o",
    "text; json: the facts; raw: what a service answered, as it came (default: text)",
  ];
  const examples = (command.examples ?? []).map((example) => `micro ${example.replace(/\{.*$/s, "'$&'")}`);
  return [
    section("NAME", [`micro ${[command.name, ...(command.aliases ?? [])].join(", ")} - ${command.summary}`]),
    section("USAGE", [`micro [global options] ${usage(command)}`]),
    ...(words.length > 0 ? [section("ARGUMENTS", columns(words))] : []),
    section("OPTIONS", columns([...options, output])),
    ...(examples.length > 0 ? [section("EXAMPLES", examples)] : []),
  ].join("\n");
}

function described(field: Field): string {
  if (field.default === undefined) return field.description;
  const usual = typeof field.default === "string" ? field.default : JSON.stringify(field.default);
  return `${field.description} (default: ${usual})`;
}

function optionRows(table: OptionTable): readonly Row[] {
  return Object.entries(table).map(([name, option]): Row => {
    const value = option.placeholder === undefined ? "" : ` <${option.placeholder}>`;
    const usual = shown(option.fallback, option.placeholder);
    return [
      `--${name}${value}${option.short ? `, -${option.short}` : ""}`,
      [option.description, usual && `(default: ${usual})`, option.env && `[$${option.env}]`].filter(Boolean).join(" "),
    ];
  });
}

function shown(fallback: unknown, placeholder: string | undefined): string {
  if (typeof fallback === "number") return placeholder === "duration" ? `${fallback / 1000}s` : String(fallback);
  if (Array.isArray(fallback)) return fallback.join(",");
  return typeof fallback === "string" ? fallback : "";
}

function section(title: string, lines: readonly string[]): string {
  return `${title}:\n${lines.map((line) => `   ${line}\n`).join("")}`;
}

function columns(rows: readonly Row[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 3;
  return rows.map(([name, what]) => (name.padEnd(width) + what).trimEnd());
}
