import { epochOf, wallOf, weekdayOf } from "../../core/zone.ts";

/** Times of quiet, by the clocks of a zone. */
export interface QuietHours {
  readonly zone: string;
  readonly times: readonly QuietTime[];
}

export interface QuietTime {
  /** Minutes after midnight; where it does not end later than it begins, it ends on the next day. */
  readonly from: number;
  readonly until: number;
  /** Weekdays on which it begins; 0 is Sunday. */
  readonly days: readonly number[];
}

/** Quiet that goes on beyond this does not end. */
const LONGEST_MS = 8 * 86_400_000;
const DAY_MINUTES = 1440;

/** Until when it is quiet (epoch ms), over times that follow one upon another; `undefined`: it is not quiet then. */
export function quietUntil(quiet: QuietHours, at: number): number | undefined {
  let until = at;
  while (until - at < LONGEST_MS) {
    const further = endOf(quiet, until);
    if (further === undefined) break;
    until = further;
  }
  return until === at ? undefined : until;
}

/** Whether it is quiet all the time. */
export function neverEnds(quiet: QuietHours, at: number): boolean {
  return (quietUntil(quiet, at) ?? at) - at >= LONGEST_MS;
}

/** The latest end among the times that hold at that moment. */
function endOf({ zone, times }: QuietHours, at: number): number | undefined {
  const { year, month, day } = wallOf(at, zone);
  let latest: number | undefined;
  for (const { from, until, days } of times) {
    for (const begins of [day - 1, day]) {
      if (!days.includes(weekdayOf({ year, month, day: begins }))) continue;
      const on = (minutes: number, later: number) =>
        epochOf({ year, month, day: begins + later, hour: Math.floor(minutes / 60), minute: minutes % 60 }, zone);
      const start = on(from, 0);
      const end = until === DAY_MINUTES ? on(0, 1) : on(until, until > from ? 0 : 1);
      if (start <= at && at < end && end > (latest ?? at)) latest = end;
    }
  }
  return latest;
}

const TIME = /^(?:([a-z,\s-]+)\s)?(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)$/;
const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const SETS: Readonly<Record<string, readonly number[]>> = {
  weekdays: [1, 2, 3, 4, 5],
  weekends: [0, 6],
  daily: [0, 1, 2, 3, 4, 5, 6],
};

/** `22:00-07:00`, `weekdays 22:00-07:00`, `sat,sun 00:00-24:00`; `undefined`: that is none. */
export function readQuietTime(text: string): QuietTime | undefined {
  const [, days = "daily", ...numbers] = TIME.exec(text.trim().toLowerCase()) ?? [];
  const [hour = 99, minute = 0, endHour = 99, endMinute = 0] = numbers.map(Number);
  const from = hour * 60 + minute;
  const until = endHour * 60 + endMinute;
  if (minute > 59 || endMinute > 59 || from >= DAY_MINUTES || until > DAY_MINUTES || from === until) return undefined;
  const on = readDays(days);
  return on && { from, until, days: on };
}

/** `weekdays`, `sat,sun`, `mon-thu`. */
function readDays(text: string): readonly number[] | undefined {
  const found = new Set<number>();
  for (const part of text.split(",").map((one) => one.trim())) {
    const set = SETS[part];
    const [first = "", last = first] = part.split("-").map((one) => one.trim());
    const [from, to] = [dayOf(first), dayOf(last)];
    if (set) for (const day of set) found.add(day);
    else if (from === undefined || to === undefined) return undefined;
    else
      for (let day = from; ; day = (day + 1) % 7) {
        found.add(day);
        if (day === to) break;
      }
  }
  return [...found].toSorted((a, b) => a - b);
}

function dayOf(word: string): number | undefined {
  const day = DAYS.findIndex((name) => name === word || name.slice(0, 3) === word);
  return day < 0 ? undefined : day;
}
