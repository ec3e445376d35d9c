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
 * What people are shown before they say yes to a run: the file as it is, so that a yes to another one is none, the lines in it that
 * write, and the services that these name. What a step finds out first is not known yet.
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
  const writes = lines.flatMap((line) => writtenBy(line, args, catalog) ?? []);
  const version = createHash("sha256").update(book.text).digest("hex").slice(0, 8);
  return [{ name: `runbook ${book.name}`, version, nodes: [] }, ...writes, ...found.flat()];
}

/** A line that writes, as the file has it: what is filled in stands in the question already, and may be secret. */
function writtenBy(template: Template, args: Arguments, catalog: Catalog): Touched | undefined {
  const { text } = template;
  const command = catalog.match(chatLine(filled(template, args, catalog) ?? text))?.command;
  return command?.effect === "write" ? { name: `what \`${text}\` does`, nodes: [] } : undefined;
}

function filled(template: Template, args: Arguments, catalog: Catalog): string | undefined {
  try {
    return fill(template, ([first = ""]) => (Object.hasOwn(args, first) ? args[first] : undefined), catalog);
  } catch {
    return undefined;
  }
}

/** The service that a line which writes acts on, where that is known before the run. */
function targetIn(template: Template, args: Arguments, catalog: Catalog): string | undefined {
  const line = filled(template, args, catalog);
  const match = line === undefined ? undefined : catalog.match(chatLine(line));
  try {
    return match?.command.effect === "write" ? targetOf(match.command, parse(match).input) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The lines that a run would say, whatever comes of each: its steps and what takes them back, also when it fails. What is not known
 * before the run stands in them as the file has it.
 */
export function linesOf(book: Runbook, args: Arguments, catalog: Catalog): readonly string[] {
  const lines = [...book.steps, ...book.onFailure].flatMap(({ act, rollback }) => [
    ...(act.kind === "approve" ? [] : [act.line]),
    ...(rollback ? [rollback] : []),
  ]);
  return lines.map((template) => filled(template, args, catalog) ?? template.text);
}
