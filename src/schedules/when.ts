import { Cron } from "croner";
import { z } from "zod";
import { goDuration, readDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";

/** When something is to be done. Survives JSON. */
export const whenSchema = z.discriminatedUnion("kind", [
  /** Each `ms` from `from` on, epoch ms: the times are the same whoever counts them and whenever. */
  z.object({ kind: z.literal("every"), ms: z.number(), from: z.number() }),
  /** Five or six fields of cron, by the clocks of a time zone. */
  z.object({ kind: z.literal("cron"), pattern: z.string(), zone: z.string(), said: z.string().optional() }),
  /** Once, epoch ms; `said`: so long after it was asked for. */
  z.object({ kind: z.literal("at"), at: z.number(), zone: z.string(), said: z.literal("in").optional() }),
]);

export type When = z.infer<typeof whenSchema>;

/**
 * The first time after `after`, epoch ms; `undefined`: there is none any more. What daylight saving leaves out of a day is done
 * right after the gap, and what it repeats is done once.
 */
export function nextAfter(when: When, after: number): number | undefined {
  switch (when.kind) {
    case "every":
      return when.from + Math.max(1, Math.floor((after - when.from) / when.ms) + 1) * when.ms;
    case "cron":
      return timer(when.pattern, when.zone).nextRun(new Date(after))?.getTime();
    case "at":
      return when.at > after ? when.at : undefined;
  }
}

/** For people: `every 10m`, `every day at 09:00 (Europe/Berlin)`. */
export function whenWords(when: When): string {
  if (when.kind === "every") return `every ${goDuration(when.ms * 1e6).replace(/(?<=[hm])0[sm].*$/, "")}`;
  if (when.kind === "at") return `at ${inZone(when.at, when.zone)}`;
  return `${when.said ?? `cron ${when.pattern}`} (${when.zone})`;
}

/** `2026-03-29 03:00 (Europe/Berlin)`; with seconds where it is not at a full minute. */
export function inZone(at: number, zone: string): string {
  const timeStyle = Math.floor(at / 1000) % 60 === 0 ? "short" : "medium";
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle });
  return `${parts.format(at)} (${zone})`;
}

/** @throws MicroError `invalid_argument` */
export function readZone(text: string): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw new MicroError(
      "invalid_argument",
      `there is no time zone "${text.slice(0, 40)}"; one is Europe/Berlin, or UTC`,
    );
  }
}

const TIME = /^([01]?\d|2[0-3]):([0-5]\d)$/;
const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** `10m`, `day at 09:00`, `monday at 9:00`, `weekday at 09:00`. @throws MicroError `invalid_argument` */
export function readEvery(words: readonly string[], zone: string, now: number): When {
  const [first = "", at, time = ""] = words.map((word) => word.toLowerCase());
  if (words.length === 1 && /\d/.test(first)) return { kind: "every", ms: readLong(first), from: now };
  if (words.length === 1 && first === "hour") return { kind: "every", ms: 3_600_000, from: now };
  const days = daysOf(first);
  const clock = TIME.exec(time);
  if (words.length !== 3 || days === undefined || at !== "at" || clock === null) throw wrong(EVERY);
  const [, hour = "", minute = ""] = clock;
  const said = `every ${first} at ${hour.padStart(2, "0")}:${minute}`;
  return { kind: "cron", pattern: `${Number(minute)} ${Number(hour)} * * ${days}`, zone, said };
}

/** `03:00`, `2026-12-01 03:00`. @throws MicroError `invalid_argument` */
export function readAt(words: readonly string[], zone: string, now: number): When {
  const [date, time = date ?? ""] = words;
  const clock = TIME.exec(time);
  if (clock === null || words.length > 2) throw wrong(AT);
  const [, hour = "", minute = ""] = clock;
  const day = words.length === 2 ? /^\d{4}-\d\d-\d\d$/.exec(date ?? "")?.[0] : undefined;
  if (words.length === 2 && day === undefined) throw wrong(AT);
  const pattern =
    day === undefined ? `${Number(minute)} ${Number(hour)} * * *` : `${day}T${hour.padStart(2, "0")}:${minute}:00`;
  const at = timer(pattern, zone).nextRun(new Date(now))?.getTime();
  if (at === undefined) throw wrong(`${words.join(" ")} (${zone}) is over`);
  return { kind: "at", at, zone };
}

/** `10m`, `2d`. @throws MicroError `invalid_argument` */
export function readIn(words: readonly string[], zone: string, now: number): When {
  const [first = "", ...more] = words;
  if (more.length > 0 || !/\d/.test(first)) throw wrong(IN);
  const ms = readLong(first.toLowerCase());
  if (ms < 1000) throw wrong(`that is now: ${IN}`);
  return { kind: "at", at: now + ms, zone, said: "in" };
}

/** A duration that may be one of days. */
function readLong(text: string): number {
  const days = /^(\d+)d$/.exec(text)?.[1];
  const ms = days === undefined ? readDuration(text) : Number(days) * 86_400_000;
  if (ms > LONGEST_MS) throw wrong("that is longer than a year");
  return ms;
}

/** What it was made with: what may be said of that holds for it as well. */
export function makerOf(when: When): "every" | "at" | "in" | "cron" {
  return when.kind === "at" ? (when.said ?? "at") : when.kind;
}

/** Cron's own five fields, or six with seconds first. @throws MicroError `invalid_argument` */
export function readCron(pattern: string, zone: string, now: number): When {
  const fields = pattern.trim().split(/\s+/).length;
  if (fields !== 5 && fields !== 6) throw wrong(CRON);
  const when: When = { kind: "cron", pattern: pattern.trim(), zone };
  if (nextAfter(when, now) === undefined) throw wrong(`"${when.pattern}" never comes`);
  return when;
}

/** The shortest time between two of the next times. */
export function shortestGap(when: When, now: number): number {
  if (when.kind === "every") return when.ms;
  let least = Number.POSITIVE_INFINITY;
  let last = nextAfter(when, now);
  for (let count = 0; count < 60 && last !== undefined; count++) {
    const next = nextAfter(when, last);
    if (next !== undefined) least = Math.min(least, next - last);
    last = next;
  }
  return least;
}

const LONGEST_MS = 366 * 86_400_000;
const EVERY = 'it is said like this: every 10m "…", every day at 09:00 "…", every monday at 09:00 in Europe/Berlin "…"';
const AT = 'it is said like this: at 03:00 "…", or at 2026-12-01 03:00 in Europe/Berlin "…"';
const IN = 'it is said like this: in 10m "…", in 2d in #ops "…"';
const CRON = 'it is said like this: cron "0 9 * * 1-5" "…": minute, hour, day, month and weekday';

function daysOf(word: string): string | undefined {
  if (word === "day") return "*";
  if (word === "weekday") return "1-5";
  const each = word.split(",").map((name) => DAYS.findIndex((day) => day === name || day.slice(0, 3) === name));
  return each.includes(-1) ? undefined : each.join(",");
}

/** Held by nobody: it only counts. @throws MicroError `invalid_argument` */
function timer(pattern: string, zone: string): Cron {
  try {
    return new Cron(pattern, { timezone: zone, paused: true });
  } catch (error) {
    throw wrong(`"${pattern.slice(0, 60)}" is no time: ${(error as Error).message.replace(/^CronPattern: /, "")}`);
  }
}

function wrong(words: string): MicroError {
  return new MicroError("invalid_argument", words);
}
