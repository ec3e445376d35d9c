import type { Catalog } from "../commands/catalog.ts";
import type { CommandContext } from "../commands/command.ts";
import { fields } from "../commands/fields.ts";
import { chatLine } from "../commands/line.ts";

const OUTPUTS = ["text", "json", "raw"];

/**
 * What may stand in place of the last word of a line that is being typed: commands, options, and whatever the command
 * itself offers for the field, such as services and endpoints.
 */
export async function complete(
  catalog: Catalog,
  typed: string,
  context: CommandContext,
  name = "micro",
  aliases: readonly string[] = [],
): Promise<readonly string[]> {
  const words = chatLine(typed).words.map((word) => word.text);
  const partial = /\S$/.test(typed) ? (words.pop() ?? "") : "";
  const named = words[0]?.toLowerCase() === name;
  if (named) words.shift();
  const before = chatLine(words.join(" "));
  // What somebody may not run is not offered to them.
  const mine = catalog.commands.filter(context.mayRun);
  const names = mine.flatMap((command) => [command.name, ...(command.aliases ?? [])]);
  const begun = (word: string) => [...words, word].join(" ").toLowerCase();
  const next = catalog.next(words).filter((word) => names.some((one) => `${one} `.startsWith(`${begun(word)} `)));
  const match = catalog.match(before);
  if (match === undefined || !context.mayRun(match.command)) {
    return [...next, ...(words.length === 0 ? aliases : [])].filter((word) => word.startsWith(partial));
  }

  const { command, from } = match;
  const specs = fields(command);
  const options = specs.filter((field) => field.place === "option");
  const said = words.slice(from);
  if (/^(--output|-o)$/.test(said.at(-1) ?? "")) return OUTPUTS;
  const asked = options.find((field) => field.type !== "boolean" && `--${field.name}` === said.at(-1));
  if (asked) return asked.choices.length > 0 ? asked.choices : offered(asked.name, {});
  if (partial.startsWith("-")) return [...options.map((field) => `--${field.name}`), "--output"];

  const given: Record<string, unknown> = {};
  let at = 0;
  for (let index = 0; index < said.length; index++) {
    const word = said[index] as string;
    if (word.startsWith("-")) {
      const option = options.find((field) => `--${field.name}` === word);
      if (option?.type !== "boolean" && !word.includes("=")) index++;
      continue;
    }
    const field = specs[at];
    if (field === undefined || field.place === "option") return [];
    given[field.name] = word;
    if (field.place === "word") at++;
  }
  const field = specs[at];
  const values = field && field.place !== "option" ? await offered(field.name, given) : [];
  // After `list` alone both `services` and what `list` itself takes may follow.
  return [...(said.length === 0 ? next : []), ...(field?.choices ?? []), ...values].filter((word) =>
    word.startsWith(partial),
  );

  function offered(field: string, given: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
    return command.complete?.(field, given, context) ?? Promise.resolve([]);
  }
}
