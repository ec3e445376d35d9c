import { nearestOf } from "../commands/pipe/nearest.ts";

/** `did you mean region? `, where there is something like it; else nothing. */
export function didYouMean(said: string, names: readonly string[]): string {
  const near = nearestOf(said, names);
  return near === undefined ? "" : `did you mean ${near}? `;
}
