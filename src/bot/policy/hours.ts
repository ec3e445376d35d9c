/** A part of the week in a time zone. */
export interface Hours {
  /** By day from Sunday; absent: every day. */
  readonly days?: readonly boolean[];
  /** Minutes of the day; `from` belongs to it, `to` does not. Where `to` is not later it is on the next day. Absent: all day. */
  readonly from?: number;
  readonly to?: number;
  /** A name of the IANA's list: `Europe/London`. */
  readonly zone: string;
  /** As it is written. */
  readonly text: string;
}

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const DAY = 24 * 60;

/** `mon`, `mon-fri`, `fri-mon`: the days it names, from Sunday; `undefined`: it names none. */
export function readDays(word: string): readonly boolean[] | undefined {
  const [first, last, more] = word.toLowerCase().split("-");
  const from = DAYS.indexOf(first ?? "");
  const to = last === undefined ? from : DAYS.indexOf(last);
  if (from === -1 || to === -1 || more !== undefined) return undefined;
  const length = (to - from + 7) % 7;
  return DAYS.map((_, day) => (day - from + 7) % 7 <= length);
}

/** `08:00-18:00`, `22:00-06:00`, `00:00-24:00` in minutes; `undefined`: it is no such thing. */
export function readSpan(word: string): { readonly from: number; readonly to: number } | undefined {
  const match = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(word);
  if (match === null) return undefined;
  const [fromHour, fromMinute, toHour, toMinute] = match.slice(1).map(Number) as [number, number, number, number];
  const from = fromHour * 60 + fromMinute;
  const to = toHour * 60 + toMinute;
  return fromMinute > 59 || toMinute > 59 || from >= DAY || to > DAY || from === to ? undefined : { from, to };
}

/** Whether Node knows the zone. */
export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return /^(UTC|[A-Z][\w+-]*(\/[\w+-]+)+)$/.test(name);
  } catch {
    return false;
  }
}

/** What goes over midnight belongs to the day on which it began. */
export function covers({ days, from = 0, to = DAY, zone }: Hours, at: number): boolean {
  const { day, minute } = local(zone, at);
  const on = (which: number) => days?.[which] ?? true;
  if (from < to) return on(day) && minute >= from && minute < to;
  return (on(day) && minute >= from) || (on((day + 6) % 7) && minute < to);
}

const QUARTER = 15 * 60_000;
const formats = new Map<string, { readonly format: Intl.DateTimeFormat; slot: number; day: number; minute: number }>();

/** Clocks are put forward or back at quarters of an hour, so within one the last answer is as good as a new one. */
function local(zone: string, at: number): { readonly day: number; readonly minute: number } {
  let known = formats.get(zone);
  if (known === undefined) {
    const options = { timeZone: zone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    known = { format: new Intl.DateTimeFormat("en", options), slot: Number.NaN, day: 0, minute: 0 };
    formats.set(zone, known);
  }
  const slot = Math.floor(at / QUARTER);
  if (slot !== known.slot) {
    const parts = known.format.formatToParts(slot * QUARTER);
    const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
    known.slot = slot;
    known.day = DAYS.indexOf(part("weekday").toLowerCase());
    known.minute = Number(part("hour")) * 60 + Number(part("minute"));
  }
  return { day: known.day, minute: known.minute + Math.floor((at - slot * QUARTER) / 60_000) };
}
