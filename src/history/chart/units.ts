import type { Unit } from "./chart.ts";

/** A value as people write it: `12.5 ms`, `34 MB`, `1.2 k`. */
export function written(value: number, unit: Unit): string {
  if (unit === "bytes") return scaled(value, 1024, ["B", "KB", "MB", "GB", "TB"]);
  if (unit === "ms") return value >= 1000 ? `${short(value / 1000)} s` : `${short(value)} ms`;
  const count = scaled(value, 1000, ["", "k", "M", "G"]).trimEnd();
  return unit === "perSecond" ? `${count}/s` : count;
}

function scaled(value: number, base: number, names: readonly string[]): string {
  let left = Math.abs(value);
  let at = 0;
  while (left >= base && at < names.length - 1) {
    left /= base;
    at++;
  }
  return `${value < 0 ? "-" : ""}${short(left)} ${names[at] ?? ""}`;
}

/** Three digits that say something. */
function short(value: number): string {
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}
