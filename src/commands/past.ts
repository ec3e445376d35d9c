import { z } from "zod";
import { readDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";

const DAY_MS = 86_400_000;
const WAYS = "say 30m, 6h, 2d, 1w, today, yesterday, or a day as 2026-11-20 (with a time: 2026-11-20T09:00)";

/** How far back, as people type it: `6h`, `1d12h`, `1w`, `today`, `yesterday`, `2026-11-20`, `2026-11-20T09:00`. `readPast` reads it. */
export const pastText = z.string().superRefine((text, context) => {
  try {
    beginningOf(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: MicroError.from(error).message });
  }
});

/**
 * When a past span begins, epoch ms: days begin at midnight by the clocks of this machine. @param now epoch ms
 * @throws MicroError `invalid_argument`: it is no such time, or still to come
 */
export function readPast(text: string, now: number): number {
  const at = beginningOf(text)(now);
  if (at <= now) return at;
  throw new MicroError("invalid_argument", `${text.slice(0, 40)} is still to come; ${WAYS}`);
}

/** For people: `in the last 6h`, `since yesterday`. */
export function pastWords(text: string): string {
  return lengthOf(text) === undefined ? `since ${text}` : `in the last ${text}`;
}

function beginningOf(text: string): (now: number) => number {
  const length = lengthOf(text);
  if (length !== undefined) return (now) => now - length;
  const word = text.toLowerCase();
  if (word === "today") return (now) => midnight(now, 0);
  if (word === "yesterday") return (now) => midnight(now, 1);
  const at = momentOf(text);
  if (at !== undefined) return () => at;
  throw new MicroError("invalid_argument", `"${text.slice(0, 40)}" is no time to look back to; ${WAYS}`);
}

/** A duration with weeks and days before it; ms. */
function lengthOf(text: string): number | undefined {
  const [, weeks, days, rest = ""] = /^(?:(\d{1,4})w)?(?:(\d{1,5})d)?(.*)$/.exec(text) ?? [];
  const whole = (Number(weeks ?? 0) * 7 + Number(days ?? 0)) * DAY_MS;
  if (rest === "") return weeks === undefined && days === undefined ? undefined : whole;
  try {
    return whole + readDuration(rest);
  } catch {
    return undefined;
  }
}

/** A day is 23 or 25 hours long where clocks are set. */
function midnight(now: number, daysAgo: number): number {
  const today = new Date(now);
  return new Date(today.getFullYear(), today.getMonth(), today.getDate() - daysAgo).getTime();
}

function momentOf(text: string): number | undefined {
  const [, ...parts] = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d?):(\d\d))?$/.exec(text) ?? [];
  if (parts.length === 0) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = parts.map((part) => Number(part ?? 0));
  const date = new Date(year, month - 1, day, hour, minute);
  // What a month has not would be a day of the next one, and the first years are taken for those of the 20th century.
  const same = date.getFullYear() === year && date.getMonth() + 1 === month && date.getDate() === day;
  const real = same && hour < 24 && minute < 60;
  return real ? date.getTime() : undefined;
}
