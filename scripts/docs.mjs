// Writes the README's tables from the code they describe, between their markers. With --check it changes nothing and
// fails when a table is not what the code says. Wants a build.
import { readFileSync, writeFileSync } from "node:fs";
import { alerts } from "../dist/src/alerts/alerts.js";
import { ALERT_TABLES } from "../dist/src/alerts/incidents/closed.js";
import { onCallCommands } from "../dist/src/alerts/oncall/commands.js";
import { escalationsCommand } from "../dist/src/alerts/oncall/escalations-command.js";
import { routingCommands } from "../dist/src/alerts/oncall/routing-commands.js";
import { raiseCommands } from "../dist/src/alerts/raise.js";
import { sourcesCommand } from "../dist/src/alerts/receive/sources-command.js";
import { graphOfNothing } from "../dist/src/app/samples.js";
import { BOT, GLOBAL } from "../dist/src/app/settings.js";
import { createBot } from "../dist/src/bot/bot.js";
import { builtin, smallTalk } from "../dist/src/commands/builtin.js";
import { fields, usage } from "../dist/src/commands/fields.js";
import { tokenCommands } from "../dist/src/commands/tokens.js";
import { ERROR_CODES } from "../dist/src/core/errors.js";
import { memoryRegistry } from "../dist/src/core/registry/memory.js";
import { createHistory } from "../dist/src/history/history.js";
import { HISTORY_TABLES } from "../dist/src/history/tables.js";
import { memoryDb } from "../dist/src/platform/db/memory.js";
import { runbooks } from "../dist/src/runbooks/extension.js";
import { RUNBOOK_TABLES } from "../dist/src/runbooks/runs.js";
import { folderShelf } from "../dist/src/runbooks/shelf.js";
import { schedules } from "../dist/src/schedules/schedules.js";
import { watches } from "../dist/src/watches/watches.js";

const root = new URL("../", import.meta.url);
const cell = (text) => text.replaceAll("|", "\\|");
const table = (head, rows) =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");

function commandTable() {
  // Made for its catalog alone; `token` is there when there is a store.
  const registry = memoryRegistry()();
  const commands = [...builtin, ...smallTalk, ...tokenCommands({})];
  const { extension: history } = createHistory({ registry, db: memoryDb(HISTORY_TABLES) });
  const incidents = alerts({ db: memoryDb(ALERT_TABLES), registry, roomsFor: () => [] });
  const raising = () => ({ commands: [...raiseCommands({ raise: async () => {} }), sourcesCommand([], () => ({}))] });
  const onCall = () => ({
    commands: [...onCallCommands({}), ...routingCommands({ quiet: {} }), escalationsCommand({})],
  });
  const extensions = [
    schedules(),
    watches({ registry, client: {} }),
    history,
    () => ({ commands: [graphOfNothing()] }),
    incidents,
    raising,
    onCall,
    runbooks({ shelf: folderShelf("runbooks"), db: memoryDb(RUNBOOK_TABLES) }),
  ];
  const { catalog } = createBot({ inputs: [], commands, registry, client: {}, extensions });
  const ofBot = catalog.commands.filter((command) => !builtin.includes(command) && !smallTalk.includes(command));
  const all = [...builtin, ...ofBot, ...smallTalk];
  return table(
    ["command", "", "needs"],
    all.map((command) => {
      const words = fields(command).filter((field) => field.place !== "option");
      const nameOf = (field) => (field.type === "list" ? `${field.name} …` : field.name);
      // As `usage` has them, which is cut off behind them.
      const named = words.map((field) =>
        field.type === "pairs" ? "[key=value …]" : field.required ? `<${nameOf(field)}>` : `[${nameOf(field)}]`,
      );
      const options = usage(command)
        .slice([command.name, ...named].join(" ").length)
        .trim();
      const also = command.aliases ? ` Also: ${command.aliases.map((name) => `\`${name}\``).join(", ")}.` : "";
      const more = options === "" ? "" : ` Options: \`${options}\`.`;
      return [
        `\`${[command.name, ...named].join(" ")}\``,
        `${command.summary}.${also}${more}`,
        `\`${command.permission}\``,
      ];
    }),
  );
}

function optionTable() {
  const rows = (options) =>
    Object.entries(options).map(([name, option]) => {
      const short = option.short ? `, \`-${option.short}\`` : "";
      return [`\`--${name}\`${short}`, option.env ? `\`${option.env}\`` : "", option.description];
    });
  return [
    table(["option", "environment", ""], rows(GLOBAL)),
    "After `micro bot`:",
    table(["option", "environment", ""], rows(BOT)),
  ].join("\n\n");
}

function errorTable() {
  return table(
    ["code", "status", "the same again may succeed"],
    Object.entries(ERROR_CODES).map(([code, { status, retryable }]) => [
      `\`${code}\``,
      String(status),
      retryable ? "yes" : "no",
    ]),
  );
}

/** The example as it stands, from its first import on. */
function greeter() {
  const text = readFileSync(new URL("examples/greeter.ts", root), "utf8").trim();
  return `\`\`\`ts\n${text.replaceAll("../src/index.ts", "micro-chatops")}\n\`\`\``;
}

/** What the last run of the Go interop suite that was kept came to. */
function interop() {
  return readFileSync(new URL("test/interop/table.md", root), "utf8").trim();
}

const sections = {
  interop: interop(),
  commands: commandTable(),
  options: optionTable(),
  errors: errorTable(),
  greeter: greeter(),
};
const path = new URL("README.md", root);
const before = readFileSync(path, "utf8");
let after = before;
for (const [name, text] of Object.entries(sections)) {
  const marked = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`);
  if (!marked.test(after)) throw new Error(`README.md has no section "${name}"`);
  after = after.replace(marked, (_, open, close) => `${open}${text}\n${close}`);
}
if (process.argv.includes("--check")) {
  if (after !== before) {
    console.error("README.md is not what the code says: run `npm run docs` and commit it");
    process.exitCode = 1;
  }
} else writeFileSync(path, after);
