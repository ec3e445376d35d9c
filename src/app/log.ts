import type { Writable } from "node:stream";
import type { Log } from "../core/log.ts";
import type { Redactor } from "../core/redact.ts";

/** A log of JSON lines, each without secrets wherever they stand in it, in messages of libraries and causes of errors too. */
export async function createLog(level: string, output: Writable, redactor: Redactor): Promise<Log> {
  const { pino } = await import("pino");
  const write = (line: string) => void output.write(`${redactor.jsonText(line.trimEnd())}\n`);
  const log: Log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
  return log;
}
