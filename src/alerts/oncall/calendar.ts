import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import { epochOf, isZone } from "../../core/zone.ts";
import {
  type CalendarTask,
  calendarThread,
  type FromCalendar,
  type Moment,
  type Occurrence,
} from "./calendar-thread.ts";
import type { Shift } from "./shift.ts";

/** A larger calendar is not read. */
export const CALENDAR_BYTES = 2 << 20;
const READ_MS = 10_000;
const MEMORY_MB = 256;
/** So many shifts are kept of one. */
const MOST = 1400;
const DAY_MS = 86_400_000;

/** The time of which shifts are wanted, epoch ms. */
export interface Window {
  readonly from: number;
  readonly until: number;
}

/**
 * The shifts of a calendar (RFC 5545): what recurs, as often as it does, without its exceptions; whole days from midnight to midnight.
 * @param zone of what names none @param nameOf who it is, by addresses (`mailto:…`) and title
 * @returns by their beginning, 1400 at most
 * @throws MicroError `invalid_argument` (that is no calendar, or too large a one), `timeout` (10 s), `cancelled`
 */
export async function readCalendar(
  text: string,
  zone: string,
  window: Window,
  nameOf: (mails: readonly string[], summary: string) => string,
  { signal, timeoutMs = READ_MS }: CallOptions = {},
): Promise<readonly Shift[]> {
  if (Buffer.byteLength(text) > CALENDAR_BYTES) {
    throw new MicroError("invalid_argument", `the calendar is larger than ${CALENDAR_BYTES >> 20} MB`);
  }
  if (!/^\uFEFF?\s*BEGIN:VCALENDAR\s/i.test(text)) throw new MicroError("invalid_argument", "that is no iCalendar");
  const library = createRequire(import.meta.url).resolve("ical.js");
  const task: CalendarTask = { library, text, from: window.from - DAY_MS, until: window.until + DAY_MS, most: MOST };
  const thread = new Worker(`(${calendarThread.toString()})(require)`, {
    eval: true,
    workerData: task,
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const answered = new Promise<FromCalendar>((resolve, reject) => {
      thread.on("message", resolve);
      const lost = () =>
        reject(new MicroError("invalid_argument", "the calendar cannot be read: it wants too much memory"));
      thread.on("error", lost);
      thread.on("exit", lost);
    });
    const answer = await orAbort(answered, signal ? AbortSignal.any([signal, limit]) : limit);
    if ("failed" in answer) throw new MicroError("invalid_argument", `the calendar cannot be read: ${answer.failed}`);
    return answer.found
      .map((one) => shiftOf(one, zone, nameOf))
      .filter(({ from, until }) => until > window.from && from < window.until && from < until)
      .toSorted((a, b) => a.from - b.from);
  } catch (error) {
    if (limit.aborted && !signal?.aborted) {
      throw new MicroError("timeout", `the calendar was not read within ${timeoutMs} ms: does it recur too often?`);
    }
    throw error;
  } finally {
    await thread.terminate();
  }
}

function shiftOf(
  { summary, mails, start, end }: Occurrence,
  zone: string,
  nameOf: (mails: readonly string[], summary: string) => string,
) {
  return { person: nameOf(mails, summary), from: epochOfMoment(start, zone), until: epochOfMoment(end, zone) };
}

function epochOfMoment({ wall, zone: named, exact }: Moment, zone: string): number {
  if (named === "Z") return wall;
  if (named !== "" && !isZone(named) && exact !== undefined) return exact;
  const at = new Date(wall);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()];
  const clock = { year, month, day, hour: at.getUTCHours(), minute: at.getUTCMinutes() };
  return epochOf(clock, named !== "" && isZone(named) ? named : zone);
}

/** Who is on call by shifts that are in the order of their beginnings: of several at once the one that began last. */
export function shiftAt(shifts: readonly Shift[], at: number): { readonly shift?: Shift; readonly next?: Shift } {
  const began = shifts.filter(({ from = 0 }) => from <= at);
  const shift = began.findLast(({ until = at + 1 }) => until > at);
  const next = shifts.find(({ from = 0 }) => from > at);
  if (shift === undefined) return next ? { next } : {};
  // It ends early where another begins.
  const until = Math.min(shift.until ?? Number.POSITIVE_INFINITY, next?.from ?? Number.POSITIVE_INFINITY);
  const after = next?.from === until ? next : (began.find((one) => one !== shift && (one.until ?? 0) > until) ?? next);
  return {
    shift: { ...shift, until },
    ...(after && { next: after.from !== undefined && after.from < until ? { ...after, from: until } : after }),
  };
}
