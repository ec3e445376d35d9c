import { createHash } from "node:crypto";
import type { Catalog } from "../commands/catalog.ts";
import type { CommandContext, Touched } from "../commands/command.ts";
import { chatLine } from "../commands/line.ts";
import { parse } from "../commands/parse.ts";
import { targetOf } from "../commands/target.ts";
import { MicroError } from "../core/errors.ts";
import type { Arguments, Runbook } from "./runbook.ts";
import { fill, type Template } from "./template.ts";

/**
 * What people are shown before they say yes to a run: the file as it is, so that a yes to another one is none, and the services
 * that its steps name. What a step finds out first is not known yet.
 */
export async function touchedBy(
  book: Runbook,
  args: Arguments,
  catalog: Catalog,
  { registry, signal }: Pick<CommandContext, "registry" | "signal">,
): Promise<readonly Touched[]> {
  const lines = book.steps.flatMap(({ act }) => (act.kind === "run" ? [act.line] : []));
  const names = new Set(lines.flatMap((line) => targetIn(line, args, catalog) ?? []));
  const found = await Promise.all(
    [...names].map(async (name): Promise<readonly Touched[]> => {
      try {
        const versions = await registry.get(name, { signal });
        return versions.map(({ version, nodes }) => ({ name, version, nodes: nodes.map(({ id }) => id) }));
      } catch (error) {
        if (MicroError.from(error).code === "not_found") return [{ name, version: "(not registered)", nodes: [] }];
        throw error;
      }
    }),
  );
  const version = createHash("sha256").update(book.text).digest("hex").slice(0, 8);
  return [{ name: `runbook ${book.name}`, version, nodes: [] }, ...found.flat()];
}

/** The service that a line which writes acts on, where that is known before the run. */
function targetIn(template: Template, args: Arguments, catalog: Catalog): string | undefined {
  try {
    const line = fill(template, ([first = ""]) => (Object.hasOwn(args, first) ? args[first] : undefined), catalog);
    const match = catalog.match(chatLine(line));
    return match?.command.effect === "write" ? targetOf(match.command, parse(match).input) : undefined;
  } catch {
    return undefined;
  }
}
