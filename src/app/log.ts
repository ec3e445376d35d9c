import type { Writable } from "node:stream";
import type { Log } from "../core/log.ts";

/** A log of JSON lines. Whatever `secrets` names is crossed out wherever it stands, in messages of libraries too. */
export async function createLog(level: string, output: Writable, secrets: readonly string[]): Promise<Log> {
  const { pino } = await import("pino");
  const write = (line: string) => void output.write(redacted(line, secrets));
  const log: Log = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
  return log;
}

/** The text without secrets, spelled as they are or as JSON spells them. */
export function redacted(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < 6) continue;
    clean = clean.replaceAll(secret, "[secret]").replaceAll(JSON.stringify(secret).slice(1, -1), "[secret]");
  }
  return clean;
}
