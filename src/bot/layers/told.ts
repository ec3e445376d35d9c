import type { Catalog } from "../../commands/catalog.ts";
import type { Line } from "../../commands/line.ts";
import { pipedIn } from "../../commands/pipe/split.ts";
import { type Told, told as toldAlone } from "../../commands/told.ts";
import type { Redactor } from "../../core/redact.ts";
import type { Layer } from "../context.ts";

/**
 * Puts the line as others may see it beside the line itself, before anything is written down; and while it is worked on,
 * keeps what it holds of secrets out of everything that is said and logged. Does not wait before it goes on.
 */
export function told(catalog: () => Catalog, redactor: Redactor): Layer {
  return (context, next) => {
    const { text, secrets } = toldBy(context.line, catalog(), redactor);
    const known = { ...context, told: text };
    if (secrets.length === 0) return next(known);
    return keeping(redactor.add(secrets), () => next(known));
  };
}

/** A command with secrets would not be understood with its pipe, and all of it be crossed out. */
export function toldBy(line: Line, catalog: Catalog, redactor: Redactor): Told {
  const piped = pipedIn(line);
  if (piped === undefined || (catalog.match(piped.head)?.command.secrets ?? []).length === 0) {
    return toldAlone(line, catalog, redactor);
  }
  const { text, secrets } = toldAlone(piped.head, catalog, redactor);
  return { text: `${text} | ${redactor.text(piped.text)}`, secrets };
}

async function keeping<T>(forget: () => void, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    forget();
  }
}
