import type { Chart, Series } from "./chart.ts";
import { MAX_SERIES } from "./chart.ts";
import { written } from "./units.ts";

const BLOCKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const GAP = "·";

/**
 * A chart as text, a line for each series: its course, then least, greatest and newest value. All lines have one scale, so they can be
 * compared.
 * @param most signs of each course; fewer, where there are fewer points
 */
export function sparklines({ title, unit, from, to, series }: Chart, most = 40): string {
  const shown = series.slice(0, MAX_SERIES);
  const values = shown.flatMap(valuesOf);
  if (values.length === 0) return `${title}: there are no samples`;
  const width = Math.max(1, Math.min(most, Math.floor((to - from) / stepOf(shown))));
  const least = leastOf(values);
  const greatest = greatestOf(values);
  const lines = shown.map((one) => {
    const own = valuesOf(one);
    const course = courseOf(one, from, to, width, least, greatest);
    if (own.length === 0) return `${one.name}\t${course}\tno samples`;
    const facts = [`min ${written(leastOf(own), unit)}`, `max ${written(greatestOf(own), unit)}`];
    return [one.name, course, ...facts, `now ${written(own.at(-1) as number, unit)}`].join("\t");
  });
  const left = series.length - shown.length;
  return [title, ...lines, ...(left > 0 ? [`and ${left} more`] : [])].join("\n");
}

/** Without the gaps. */
export function valuesOf({ points }: Series): readonly number[] {
  return points.flatMap(([, value]) => (value === null ? [] : [value]));
}

/** The least time between two points. */
function stepOf(series: readonly Series[]): number {
  let step = Number.POSITIVE_INFINITY;
  for (const { points } of series) {
    for (const [place, [at]] of points.entries()) {
      const before = points[place - 1]?.[0];
      if (before !== undefined && at > before) step = Math.min(step, at - before);
    }
  }
  // One point alone has its place.
  return Number.isFinite(step) ? step : 1;
}

/** The mean of each stretch of time as a block. */
function courseOf(
  { points }: Series,
  from: number,
  to: number,
  width: number,
  least: number,
  greatest: number,
): string {
  const sums = Array.from({ length: width }, () => ({ sum: 0, count: 0 }));
  for (const [at, value] of points) {
    const place = Math.min(width - 1, Math.floor(((at - from) / Math.max(1, to - from)) * width));
    const slot = sums[place];
    if (value === null || slot === undefined) continue;
    slot.sum += value;
    slot.count++;
  }
  const span = greatest - least;
  return sums
    .map(({ sum, count }) => {
      if (count === 0) return GAP;
      const height = span === 0 ? 0 : (sum / count - least) / span;
      return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(height * BLOCKS.length))];
    })
    .join("");
}

/** Of one value at least. */
export function leastOf(values: readonly number[]): number {
  return values.reduce((one, other) => Math.min(one, other));
}

/** Of one value at least. */
export function greatestOf(values: readonly number[]): number {
  return values.reduce((one, other) => Math.max(one, other));
}
