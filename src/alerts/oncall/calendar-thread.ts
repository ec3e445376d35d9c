/** What the thread is given. */
export interface CalendarTask {
  readonly library: string;
  readonly text: string;
  /** Milliseconds since 1970 as if every clock showed UTC: what ends before, or begins after, is left out. */
  readonly from: number;
  readonly until: number;
  readonly most: number;
}

/** When one of its ends is: what clocks show (as ms, as if they showed UTC), and which clocks. */
export interface Moment {
  readonly wall: number;
  /** `Z`, the name of a zone, or empty: the reader's own. */
  readonly zone: string;
  /** Epoch ms, by the calendar's own word on its zone. */
  readonly exact?: number;
}

/** Something that a calendar has at a time. */
export interface Occurrence {
  readonly summary: string;
  /** Addresses of who is to be there, in lower case. */
  readonly mails: readonly string[];
  readonly start: Moment;
  readonly end: Moment;
}

export type FromCalendar =
  | { readonly found: readonly Occurrence[]; readonly cut: boolean }
  | { readonly failed: string };

/**
 * What runs in the thread that reads a calendar: a rule in it that recurs every second, or never, must not hold up anything else. It is
 * handed over as text, so nothing from outside the function may be named in it, but for types.
 */
export function calendarThread(require: NodeJS.Require): void {
  const { parentPort, workerData } = require("node:worker_threads") as typeof import("node:worker_threads");
  const { library, text, from, until, most } = workerData as CalendarTask;
  const ICAL = require(library) as typeof import("ical.js").default;
  type Time = InstanceType<typeof ICAL.Time>;
  type Component = InstanceType<typeof ICAL.Component>;
  const DAY = 86_400_000;
  const TRIES = 50_000;

  const momentOf = (time: Time, component: Component, property: string) => {
    const { year, month, day, hour, minute, second } = time;
    const wall = Date.UTC(year, month - 1, day, hour, minute, second);
    if (time.zone === ICAL.Timezone.utcTimezone) return { wall, zone: "Z" };
    const named =
      component.getFirstProperty(property)?.getParameter("tzid") ??
      component.getFirstProperty("dtstart")?.getParameter("tzid");
    const zone = time.isDate || typeof named !== "string" ? "" : named;
    const known = zone !== "" && time.zone !== ICAL.Timezone.localTimezone;
    return { wall, zone, ...(known && { exact: time.toUnixTime() * 1000 }) };
  };
  const read = () => {
    const all = [ICAL.parse(text)].flat(1);
    // One calendar, or several in one file.
    const roots = typeof all[0] === "string" ? [all] : all;
    const found: Occurrence[] = [];
    let cut = false;
    let tries = 0;
    for (const root of roots) {
      const calendar = new ICAL.Component(root as never);
      const events = calendar.getAllSubcomponents("vevent");
      const moved = new Map<string, Component[]>();
      for (const event of events) {
        if (!event.hasProperty("recurrence-id")) continue;
        const uid = String(event.getFirstPropertyValue("uid"));
        moved.set(uid, [...(moved.get(uid) ?? []), event]);
      }
      const uids = new Set(
        events
          .filter((event) => !event.hasProperty("recurrence-id"))
          .map((event) => String(event.getFirstPropertyValue("uid"))),
      );
      const add = (component: Component, start: Time, end: Time) => {
        if (String(component.getFirstPropertyValue("status") ?? "").toUpperCase() === "CANCELLED") return;
        const began = momentOf(start, component, "dtstart");
        const ended = momentOf(end, component, component.hasProperty("dtend") ? "dtend" : "dtstart");
        if (ended.wall < from || began.wall > until || ended.wall <= began.wall) return;
        if (found.length >= most) {
          cut = true;
          return;
        }
        const mails = component
          .getAllProperties("attendee")
          .slice(0, 20)
          .map((property) => String(property.getFirstValue()).toLowerCase());
        const summary = String(component.getFirstPropertyValue("summary") ?? "").slice(0, 200);
        found.push({ summary, mails, start: began, end: ended });
      };
      for (const component of events) {
        const uid = String(component.getFirstPropertyValue("uid"));
        const exception = component.hasProperty("recurrence-id");
        if (exception && uids.has(uid)) continue;
        if (!component.hasProperty("dtstart")) continue;
        const event = new ICAL.Event(component, {
          exceptions: exception ? [] : (moved.get(uid) ?? []),
          strictExceptions: false,
        });
        if (exception || !event.isRecurring()) {
          add(component, event.startDate, event.endDate);
          continue;
        }
        const iterator = event.iterator();
        for (let next = iterator.next(); next; next = iterator.next()) {
          if (++tries > TRIES) throw new Error("it recurs too often");
          const day = Date.UTC(next.year, next.month - 1, next.day);
          // What was moved may have been moved by some days.
          if (day > until + 31 * DAY) break;
          if (day < from - 62 * DAY) continue;
          const { item, startDate, endDate } = event.getOccurrenceDetails(next);
          add(item.component, startDate, endDate);
        }
      }
    }
    return { found, cut };
  };
  let answer: FromCalendar;
  try {
    answer = read();
  } catch (error) {
    answer = { failed: String((error as Error)?.message ?? error).slice(0, 200) };
  }
  parentPort?.postMessage(answer);
}
