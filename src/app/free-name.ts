import { GREETINGS } from "../bot/address.ts";
import { SPOKEN } from "../bot/catalogs.ts";
import type { Catalog } from "../commands/catalog.ts";
import { chatLine } from "../commands/line.ts";
import { MicroError } from "../core/errors.ts";

/**
 * Refuses a name that no bot would load a command by, because lines with it mean something else by now.
 * @param catalog of a bot with the commands that are there
 * @throws MicroError `conflict` that says who has it, and which name is free
 */
export function demandFree(name: string, catalog: Catalog): void {
  const why = clashOf(name, catalog);
  if (why === undefined) return;
  const free = ["my-", "our-", "new-"]
    .map((before) => before + name)
    .find((one) => clashOf(one, catalog) === undefined);
  const next = free === undefined ? "take another name" : `\`${free}\` is free: micro new command ${free}`;
  throw new MicroError("conflict", `no bot would load a command called "${name}": ${why}; ${next}`);
}

function clashOf(name: string, catalog: Catalog): string | undefined {
  const words = name.split(" ");
  const [first = ""] = words;
  if ((GREETINGS as readonly string[]).includes(first)) {
    return `\`${first}\` is a greeting, which is left out before a command is looked for`;
  }
  if (SPOKEN.includes(first)) return `\`${first}\` is said to the bot about a question or a request`;
  if (first === "micro") return "that is what the bot is called";
  const taken = catalog.match(chatLine(name))?.command.name;
  if (taken === name) return "there is a command of that name";
  if (taken !== undefined) return `it would take lines from \`${taken}\``;
  const [longer] = catalog.next(words);
  return longer === undefined ? undefined : `it would take lines from \`${name} ${longer}\``;
}
