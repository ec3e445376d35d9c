import { CROSSED_OUT, type Redactor } from "../core/redact.ts";
import type { Catalog } from "./catalog.ts";
import type { Line } from "./line.ts";
import { parse } from "./parse.ts";

/** A line for others to see, and the values in it that are to be kept from them. */
export interface Told {
  readonly text: string;
  readonly secrets: readonly string[];
}

/**
 * Crosses the values of a command's secret fields out (`Command.secrets`), and whatever else is known or looks like a
 * secret. Where that is not certain, nothing is left but the command's name: values that are short or spelled otherwise
 * than they are read, and lines that are not understood.
 */
export function told(line: Line, catalog: Catalog, redactor: Redactor): Told {
  const match = catalog.match(line);
  const names: readonly string[] = match?.command.secrets ?? [];
  if (match === undefined || names.length === 0) return { text: redactor.text(line.text), secrets: [] };
  const hidden = `${match.command.name} …`;
  let input: Record<string, unknown>;
  try {
    ({ input } = parse(match));
  } catch {
    const words = line.words.slice(match.from).map(({ text }) => text);
    return { text: hidden, secrets: words };
  }
  const secrets = names.flatMap((name) => texts(input[name]));
  let text = line.text;
  for (const secret of secrets) {
    const without = secret.length < LONG ? text : text.replaceAll(secret, CROSSED_OUT);
    if (without === text) return { text: hidden, secrets };
    text = without;
  }
  return { text: redactor.text(text), secrets };
}

/** A shorter one stands in other words, and taking it out of those shows it. */
const LONG = 6;

/** The texts in a value, and the numbers as they are written. */
function texts(value: unknown): readonly string[] {
  if (typeof value === "string") return value === "" ? [] : [value];
  if (typeof value === "number") return [String(value)];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(texts);
}
