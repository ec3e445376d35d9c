import { epochOf, wallOf } from "../../core/zone.ts";
import type { Answer, Shift } from "./shift.ts";

/** People who take turns. */
export interface Rotation {
  readonly people: readonly string[];
  readonly zone: string;
  /** The day on which the first of them begins. */
  readonly start: { readonly year: number; readonly month: number; readonly day: number };
  /** Minutes after midnight, by the clocks of the zone, on the day of a handover. */
  readonly handover: number;
  /** How long a turn is: days by the calendar, or hours by the clock. */
  readonly every: { readonly days: number } | { readonly ms: number };
}

/** Who has the turn. Before the start nobody has. */
export function turnAt(rotation: Rotation, at: number): Answer {
  const first = beginOf(rotation, 0);
  if (at < first) return { next: shiftOf(rotation, 0) };
  const { every } = rotation;
  const length = "ms" in every ? every.ms : every.days * 86_400_000;
  // Days of 23 and 25 hours move a turn by less than one.
  let turn = Math.max(0, Math.floor((at - first) / length) - 1);
  while (beginOf(rotation, turn + 1) <= at) turn++;
  return { shift: shiftOf(rotation, turn), next: shiftOf(rotation, turn + 1) };
}

function shiftOf(rotation: Rotation, turn: number): Shift {
  const person = rotation.people[turn % rotation.people.length] as string;
  return { person, from: beginOf(rotation, turn), until: beginOf(rotation, turn + 1) };
}

function beginOf({ start, handover, every, zone }: Rotation, turn: number): number {
  const hour = Math.floor(handover / 60);
  const minute = handover % 60;
  if ("ms" in every) return epochOf({ ...start, hour, minute }, zone) + turn * every.ms;
  return epochOf({ ...start, day: start.day + turn * every.days, hour, minute }, zone);
}

/** The day that a text names: `2026-11-02`; `undefined`: there is none such. */
export function readDay(text: string): Rotation["start"] | undefined {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  const noon = epochOf({ year: Number(year), month: Number(month), day: Number(day), hour: 12, minute: 0 }, "UTC");
  const there = wallOf(noon, "UTC");
  return there.month === Number(month) && there.day === Number(day)
    ? { year: there.year, month: there.month, day: there.day }
    : undefined;
}
