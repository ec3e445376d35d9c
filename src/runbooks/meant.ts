import { nearestOf } from "../commands/pipe/nearest.ts";

/** `did you mean region? `, where there is something like it; else nothing. */
export function didYouMean(said: string, names: readonly string[]): string {
  const near = nearestOf(said, names);
  return near === undefined ? "" : `did you mean ${near}? `;
}

/** `there are region, grace`, `there is region`, `there are none`. */
export function thereAre(names: readonly string[]): string {
  return `${names.length === 1 ? "there is" : "there are"} ${names.join(", ") || "none"}`;
}
