import { plainText } from "../core/plain-text.ts";

const LEVELS: Readonly<Record<number, string>> = {
  10: "TRACE",
  20: "DEBUG",
  30: "INFO",
  40: "WARN",
  50: "ERROR",
  60: "FATAL",
};

/** Characters of one field that are shown; the JSON of a log that goes elsewhere has all of them. */
const SHOWN = 200;

/** A line of the log for who sits before it: time (UTC), level, message, fields. What is no such line comes back as it is. */
export function readable(line: string): string {
  let record: { readonly time?: unknown; readonly level?: unknown; readonly msg?: unknown };
  try {
    record = JSON.parse(line) as typeof record;
  } catch {
    return line;
  }
  const { time, level, msg, ...fields } = record;
  const when = String(time).replace("T", " ").slice(0, 19);
  const named = Object.entries(fields).map(([name, value]) => `${name}=${shown(value)}`);
  return oneLine([when, (LEVELS[Number(level)] ?? String(level)).padEnd(5), String(msg ?? ""), ...named].join(" "));
}

function shown(value: unknown): string {
  const { message } = (value ?? {}) as { readonly message?: unknown };
  // Of an error what people read; its stack is in the JSON.
  const said = typeof message === "string" ? message : value;
  const text = typeof said === "string" && /^[^\s"=]+$/.test(said) ? said : JSON.stringify(said);
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;
}

/** Nothing in it moves a cursor or begins a line of its own. */
function oneLine(text: string): string {
  return plainText(text).replace(/\s*\n\s*/g, " ");
}
