import { type Chart, MAX_SERIES, type Point, type Series, type Unit } from "./chart/chart.ts";
import { thinned } from "./chart/thin.ts";

export interface LinesInit extends Pick<Chart, "from" | "to" | "zone"> {
  /** What the title begins with: a service's name. */
  readonly of: string;
  readonly title?: string;
  readonly unit: Unit;
  /** By their names; what a name begins with the same way as `of` is left out. */
  readonly lines: ReadonlyMap<string, readonly Point[]>;
}

/** More than a picture shows, and a journal wants to hold. */
const POINTS = 360;

/** A chart of lines: by name if all are shown, else those with the greatest values. */
export function chartOfLines({ of, title, unit, lines, from, to, zone }: LinesInit): Chart {
  const all = [...lines].map(([name, points]) => ({ name: shortNode(name, of), points, most: greatest(points) }));
  const left = all.length - MAX_SERIES;
  const shown = left > 0 ? all.sort((a, b) => b.most - a.most).slice(0, MAX_SERIES) : all;
  const series = shown
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, points }): Series => ({ name, points: thinned(points, POINTS) }));
  const most = left > 0 ? ` (the ${MAX_SERIES} greatest of ${all.length})` : "";
  return { title: `${title === undefined ? of : `${of}: ${title}`}${most}`, unit, from, to, zone, series };
}

/** `go.micro.srv.greeter-3f1c…` of `go.micro.srv.greeter` is `3f1c…`. */
function shortNode(id: string, service: string): string {
  const begins = `${service}-`;
  return id.startsWith(begins) && id.length > begins.length ? id.slice(begins.length) : id;
}

function greatest(points: readonly Point[]): number {
  return points.reduce((most, [, value]) => Math.max(most, value ?? 0), 0);
}
