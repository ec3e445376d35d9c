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

/** Nanoseconds as Go spells a duration: `1h2m3s`, `1.234567ms`, `0s`. */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e3) return `${nanoseconds}ns`;
  if (nanoseconds < 1e6) return `${trimmed(nanoseconds / 1e3, 3)}µs`;
  if (nanoseconds < 1e9) return `${trimmed(nanoseconds / 1e6, 6)}ms`;
  const total = nanoseconds / 1e9;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = `${trimmed(total - hours * 3600 - minutes * 60, 9)}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

function trimmed(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\.?0+$/, "");
}
