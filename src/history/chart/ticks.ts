import { offsetAt } from "../../core/zone.ts";
import type { Unit } from "./chart.ts";
import { written } from "./units.ts";

/** A place on an axis, and what is written there. */
export interface Tick {
  readonly at: number;
  readonly words: string;
}

const MINUTE = 60_000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * MINUTE);

/** Round times of a zone between two, eight or so. */
export function timeTicks(from: number, to: number, zone: string): readonly Tick[] {
  const step =
    STEPS.find((one) => (to - from) / one <= 8) ?? Math.ceil((to - from) / 8 / (1440 * MINUTE)) * 1440 * MINUTE;
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    ...(to - from > 1440 * MINUTE && { day: "2-digit", month: "2-digit" }),
  });
  const offset = offsetAt(from, zone);
  const ticks: Tick[] = [];
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step) {
    ticks.push({ at, words: format.format(at) });
  }
  return ticks;
}

/** Round values from 0 to at least the greatest, five or so. */
export function valueTicks(greatest: number, unit: Unit): readonly Tick[] {
  const most = Math.max(greatest, unit === "count" ? 1 : Number.EPSILON);
  const base = unit === "bytes" ? 1024 ** Math.max(0, Math.floor(Math.log2(most) / 10)) : 1;
  const raw = most / base / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((one) => one * power >= raw) ?? 10) * power * base;
  const count = Math.ceil(most / step);
  return Array.from({ length: count + 1 }, (_, index) => ({ at: index * step, words: written(index * step, unit) }));
}
