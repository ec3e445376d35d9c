import type { Catalog } from "../../commands/catalog.ts";
import { toldBy } from "../../commands/told.ts";
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

async function keeping<T>(forget: () => void, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    forget();
  }
}
