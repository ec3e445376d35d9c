import { MicroError } from "./errors.ts";

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/**
 * A duration as Go spells it (`500ms`, `1m30s`, `1.5h`), in whole milliseconds; anything above zero is at least 1.
 * A bare `0` needs no unit.
 * @throws MicroError `invalid_argument`
 */
export function readDuration(text: string): number {
  if (text === "0") return 0;
  let ms = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const part = PART.exec(text);
    if (part === null) throw notOne(text);
    ms += Number(part[1]) * (UNITS[part[2] as string] as number);
  }
  if (text === "" || !Number.isSafeInteger(Math.round(ms))) throw notOne(text);
  return ms === 0 ? 0 : Math.max(1, Math.round(ms));
}

function notOne(text: string): MicroError {
  return new MicroError("invalid_argument", `"${text}" is no duration; write it like 500ms, 5s or 1m30s`);
}
