import type { Point } from "./chart.ts";

/**
 * At most about `most` points that look the same when drawn: of each stretch of time the least and the greatest value, in their order, so
 * that no peak is lost. Gaps stay.
 */
export function thinned(points: readonly Point[], most: number): readonly Point[] {
  if (points.length <= most) return points;
  const size = Math.ceil((points.length * 2) / most);
  const kept: Point[] = [];
  for (let start = 0; start < points.length; start += size) {
    const stretch = points.slice(start, start + size);
    const gap = stretch.find(([, value]) => value === null);
    const [first, ...others] = stretch.filter((point): point is readonly [number, number] => point[1] !== null);
    if (first === undefined) {
      kept.push(stretch[0] as Point);
      continue;
    }
    let least = first;
    let greatest = first;
    for (const point of others) {
      if (point[1] < least[1]) least = point;
      if (point[1] > greatest[1]) greatest = point;
    }
    const both: Point[] = least === greatest ? [least] : [least, greatest];
    if (gap) both.push(gap);
    kept.push(...both.sort(([one], [other]) => one - other));
  }
  return kept;
}
