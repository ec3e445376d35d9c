/* Croner, which has schedules, puts what daylight saving leaves out elsewhere: as long after the gap as it is within. */

/** A day and a time as clocks on walls show it. */
export interface Wall {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** Days beyond a month's end are days of the next one. */
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();
/** So many zones are remembered: a calendar may name what it likes. */
const FORMATS = 200;

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  if (formats.size >= FORMATS) formats.clear();
  formats.set(zone, made);
  return made;
}

/** Whether there is a time zone of that name, as `Europe/Berlin`. */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** What clocks of a zone show at a time (epoch ms). */
export function wallOf(at: number, zone: string): Wall {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) parts[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = parts;
  return { year, month, day, hour, minute };
}

/**
 * When clocks of a zone show that, epoch ms. Of a time that comes twice the first; of one that daylight saving leaves out, the end of
 * what is left out.
 */
export function epochOf(wall: Wall, zone: string): number {
  const asUtc = utcOf(wall);
  // The offsets of the days around it are all that it can have.
  const offsets = [offsetAt(asUtc - DAY_MS, zone), offsetAt(asUtc + DAY_MS, zone)];
  const times = offsets.map((offset) => asUtc - offset).toSorted((a, b) => a - b);
  const found = times.find((at) => utcOf(wallOf(at, zone)) === asUtc);
  if (found !== undefined) return found;
  // In a gap: the clocks jump at some time between the two readings.
  let [before = asUtc, after = asUtc] = times;
  const jump = offsetAt(before - 1, zone);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle, zone) === jump) before = middle;
    else after = middle;
  }
  return after;
}

/** The day of the week of a wall's date: 0 is Sunday. */
export function weekdayOf({ year, month, day }: Pick<Wall, "year" | "month" | "day">): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay();
}

const DAY_MS = 86_400_000;
const NAMES = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** `Thu 2026-12-24 09:00 CET`: a time for people, by the clocks of a zone. */
export function timeIn(at: number, zone: string): string {
  const wall = wallOf(at, zone);
  const { year, month, day, hour, minute } = wall;
  const two = (number: number) => String(number).padStart(2, "0");
  const named = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeZoneName: "short" }).formatToParts(at);
  const name = named.find(({ type }) => type === "timeZoneName")?.value ?? zone;
  return `${NAMES[weekdayOf(wall)]} ${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)} ${name}`;
}

const MOMENT = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d?):(\d\d))?$/;

/** `2026-12-24 09:00` or `2026-12-24`, by clocks of a zone, to epoch ms; `undefined`: that is no such time. */
export function readMoment(text: string, zone: string): number | undefined {
  const [, year, month, day, hour = "0", minute = "0"] = MOMENT.exec(text.trim()) ?? [];
  if (year === undefined) return undefined;
  const wall: Wall = {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
  };
  const there = new Date(utcOf(wall));
  const real = there.getUTCMonth() + 1 === wall.month && there.getUTCDate() === wall.day;
  return real && wall.hour < 24 && wall.minute < 60 ? epochOf(wall, zone) : undefined;
}

function utcOf({ year, month, day, hour, minute }: Wall): number {
  return Date.UTC(year, month - 1, day, hour, minute);
}

/** How far clocks of a zone are before UTC at a time, in ms. */
export function offsetAt(at: number, zone: string): number {
  const minute = Math.floor(at / 60_000) * 60_000;
  return utcOf(wallOf(minute, zone)) - minute;
}
