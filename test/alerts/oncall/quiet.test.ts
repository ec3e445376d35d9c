import { describe, expect, it } from "vitest";
import {
  neverEnds,
  type QuietHours,
  type QuietTime,
  quietUntil,
  readQuietTime,
} from "../../../src/alerts/oncall/quiet.ts";
import { readMoment, wallOf } from "../../../src/core/zone.ts";

function hours(zone: string, ...times: readonly string[]): QuietHours {
  return { zone, times: times.map((text) => readQuietTime(text) as QuietTime) };
}

function until(quiet: QuietHours, text: string): string | undefined {
  const end = quietUntil(quiet, readMoment(text, quiet.zone) as number);
  if (end === undefined) return undefined;
  const { month, day, hour, minute } = wallOf(end, quiet.zone);
  return `${month}-${day} ${hour}:${minute}`;
}

describe("quiet hours", () => {
  const nights = hours("Europe/Berlin", "22:00-07:00");
  it.each([
    ["2026-11-02 21:59", undefined],
    ["2026-11-02 22:00", "11-3 7:0"],
    ["2026-11-03 00:00", "11-3 7:0"],
    ["2026-11-03 06:59", "11-3 7:0"],
    ["2026-11-03 07:00", undefined],
    // An hour less, and one more.
    ["2026-03-28 23:00", "3-29 7:0"],
    ["2026-10-24 23:00", "10-25 7:0"],
  ])("every night, at %s: %s", (at, end) => {
    expect(until(nights, at)).toBe(end);
  });

  it("lasts an hour less or more in the night in which clocks are set", () => {
    const length = (zone: string, text: string) => {
      const at = readMoment(text, zone) as number;
      return ((quietUntil(hours(zone, "22:00-07:00"), at) as number) - at) / 3_600_000;
    };
    expect(length("Europe/Berlin", "2026-03-28 22:00")).toBe(8);
    expect(length("Europe/Berlin", "2026-10-24 22:00")).toBe(10);
    expect(length("America/New_York", "2026-03-07 22:00")).toBe(8);
    expect(length("America/New_York", "2026-10-31 22:00")).toBe(10);
  });

  it.each([
    // 2026-11-06 is a Friday.
    ["2026-11-06 23:00", "11-9 7:0"],
    ["2026-11-07 12:00", "11-9 7:0"],
    ["2026-11-08 23:59", "11-9 7:0"],
    ["2026-11-09 08:00", undefined],
    ["2026-11-09 23:00", "11-10 7:0"],
  ])("joins nights and weekends, at %s: %s", (at, end) => {
    const quiet = hours("Europe/Berlin", "weekdays 22:00-07:00", "sat,sun 00:00-24:00", "sun 22:00-07:00");
    expect(until(quiet, at)).toBe(end);
  });

  it.each(["22:00", "25:00-07:00", "22:00-22:00", "someday 22:00-07:00", "22:60-07:00", ""])("%s is none", (text) => {
    expect(readQuietTime(text)).toBeUndefined();
  });

  it("knows what never ends", () => {
    expect(neverEnds(hours("UTC", "00:00-24:00"), 0)).toBe(true);
    expect(neverEnds(hours("UTC", "mon-sat 00:00-24:00"), 0)).toBe(false);
  });
});
