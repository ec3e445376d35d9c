import { CROSSED_OUT, createRedactor, type Redactor } from "../core/redact.ts";
import type { Catalog, Match } from "./catalog.ts";
import { chatLine, type Line } from "./line.ts";
import { type Mark, type Parsed, parse } from "./parse.ts";
import { pipedIn } from "./pipe/split.ts";

/** A line for others to see, and the values in it that are to be kept from them. */
export interface Told {
  readonly text: string;
  readonly secrets: readonly string[];
}

/**
 * Crosses the values of a command's secret fields out (`Command.secrets`), where they stand in the line and whatever their
 * length, and whatever else is known or looks like a secret; also within the line that a command takes (`Command.takesLine`).
 * Of a line that is not understood nothing is left but the command's name.
 */
export function told(line: Line, catalog: Catalog, redactor: Redactor): Told {
  const match = catalog.match(line);
  const names: readonly string[] = match?.command.secrets ?? [];
  if (match?.command.takesLine) return withLine(match, catalog, redactor);
  if (match === undefined || names.length === 0) return { text: redactor.text(line.text), secrets: [] };
  let parsed: Parsed;
  try {
    parsed = parse(match);
  } catch {
    const words = line.words.slice(match.from).map(({ text }) => text);
    return { text: `${match.command.name} …`, secrets: words };
  }
  const values = parsed.values.filter(({ field }) => names.includes(field));
  const asSaid = values.map(({ start, end }) => line.text.slice(start, end));
  const secrets = [...new Set([...names.flatMap((name) => texts(parsed.input[name])), ...asSaid])];
  return { text: redactor.text(without(line.text, values, secrets)), secrets };
}

/** The same of a line that may have pipes: with them a command with secrets would not be understood, and all of it be crossed out. */
export function toldBy(line: Line, catalog: Catalog, redactor: Redactor): Told {
  const piped = pipedIn(line);
  if (piped === undefined || (catalog.match(piped.head)?.command.secrets ?? []).length === 0) {
    return told(line, catalog, redactor);
  }
  const { text, secrets } = told(piped.head, catalog, redactor);
  return { text: `${text} | ${redactor.text(piped.text)}`, secrets };
}

/** A command's name has no more words than that. */
const NAME_WORDS = 8;

/** The quotes around the line may have been forgotten: then it goes on to the end. */
function withLine({ line, from }: Match, catalog: Catalog, redactor: Redactor): Told {
  const secrets: string[] = [];
  let out = "";
  let done = 0;
  const put = (start: number, end: number) => {
    const inner = toldBy(chatLine(line.text.slice(start, end)), catalog, redactor);
    out += line.text.slice(done, start) + inner.text;
    done = end;
    secrets.push(...inner.secrets);
  };
  for (let at = from; at < line.words.length; at++) {
    const { start, end, quoted } = line.words[at] as Line["words"][number];
    if (quoted) put(start + 1, end - 1);
    else if (
      catalog.match({ text: line.text, words: line.words.slice(at, at + NAME_WORDS) })?.command.secrets?.length
    ) {
      put(start, line.text.length);
      break;
    }
  }
  return { text: redactor.text(out + line.text.slice(done)), secrets: [...new Set(secrets)] };
}

/** What stands between the values, where a long one may stand once more; a short one would be found in other words. */
function without(text: string, values: readonly Mark[], secrets: readonly string[]): string {
  const rest = createRedactor(secrets);
  let out = "";
  let from = 0;
  for (const { start, end } of values) {
    out += rest.text(text.slice(from, start)) + CROSSED_OUT;
    from = end;
  }
  return out + rest.text(text.slice(from));
}

/** The texts in a value, and the numbers as they are written. */
function texts(value: unknown): readonly string[] {
  if (typeof value === "string") return value === "" ? [] : [value];
  if (typeof value === "number") return [String(value)];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(texts);
}
