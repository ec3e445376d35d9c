import type { Writable } from "node:stream";
import type { Log } from "../core/log.ts";
import type { Redactor } from "../core/redact.ts";

/**
 * A log of JSON lines, each without secrets wherever they stand in it, in messages of libraries and causes of errors too; on a
 * screen of lines that people read.
 */
export async function createLog(
  level: string,
  output: Writable & { readonly isTTY?: boolean },
  redactor: Redactor,
): Promise<Log> {
  const [{ pino }, { readable }] = await Promise.all([import("pino"), import("./readable.ts")]);
  const write = (line: string) => {
    const clean = redactor.jsonText(line.trimEnd());
    output.write(`${output.isTTY === true ? readable(clean) : escaped(clean)}\n`);
  };
  const log: Log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
  return log;
}

/** What acts on a screen and JSON lets stand, escaped as JSON escapes the rest. */
function escaped(line: string): string {
  return line.replace(
    /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
