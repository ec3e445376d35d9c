import type { Catalog } from "../commands/catalog.ts";
import { MicroError } from "../core/errors.ts";
import { CROSSED_OUT } from "../core/redact.ts";
import type { Run } from "./run.ts";
import type { Runbook } from "./runbook.ts";
import { type Template, understand } from "./template.ts";

/** Names of the parameters that some line fills into a field which its command keeps secret (`Command.secrets`). */
export function secretParameters(book: Runbook, catalog: Catalog): readonly string[] {
  const templates = [...book.steps, ...book.onFailure].flatMap(({ act, rollback }) => [
    ...(act.kind === "approve" ? [] : [act.line]),
    ...(rollback ? [rollback] : []),
  ]);
  const named = new Set(templates.flatMap((template) => filledIntoSecrets(template, catalog)));
  return book.parameters.map(({ name }) => name).filter((name) => named.has(name));
}

function filledIntoSecrets(template: Template, catalog: Catalog): readonly string[] {
  if (template.references.length === 0) return [];
  try {
    const { command, given } = understand(template.marked, catalog);
    const secret = JSON.stringify((command.secrets ?? []).map((field: string) => given[field] ?? ""));
    return template.references.flatMap(([name = ""], index) => (secret.includes(`zq${index}qz`) ? [name] : []));
  } catch (error) {
    if (error instanceof MicroError) return [];
    throw error;
  }
}

/** A run as it may be seen. */
export function shownRun(run: Run): Run {
  const { args, secret = [] } = run;
  if (secret.length === 0) return run;
  const shown = Object.entries(args).map(([name, value]) => [name, secret.includes(name) ? CROSSED_OUT : value]);
  return { ...run, args: Object.fromEntries(shown) };
}

/** Those values, to be looked for in whatever is said and written down of the run. */
export function secretValues({ args, secret = [] }: Pick<Run, "args" | "secret">): readonly string[] {
  return secret.flatMap((name) => (Object.hasOwn(args, name) ? [String(args[name])] : []));
}
