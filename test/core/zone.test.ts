import { describe, expect, it } from "vitest";
import { epochOf, isZone, readMoment, timeIn, wallOf } from "../../src/core/zone.ts";

const iso = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString().slice(0, 16));

describe("clocks of a zone", () => {
  it.each([
    ["2026-03-28 02:30", "Europe/Berlin", "2026-03-28T01:30"],
    // Left out: what comes right after the gap.
    ["2026-03-29 02:30", "Europe/Berlin", "2026-03-29T01:00"],
    ["2026-03-29 03:00", "Europe/Berlin", "2026-03-29T01:00"],
    // Twice: the first.
    ["2026-10-25 02:30", "Europe/Berlin", "2026-10-25T00:30"],
    ["2026-10-25 03:00", "Europe/Berlin", "2026-10-25T02:00"],
    ["2026-03-08 02:30", "America/New_York", "2026-03-08T07:00"],
    ["2026-11-01 01:30", "America/New_York", "2026-11-01T05:30"],
    ["2026-04-05 01:45", "Australia/Lord_Howe", "2026-04-04T14:45"],
    ["2026-10-04 02:15", "Australia/Lord_Howe", "2026-10-03T15:30"],
    ["2026-12-24", "UTC", "2026-12-24T00:00"],
  ])("%s in %s is %s", (text, zone, at) => {
    expect(iso(readMoment(text, zone))).toBe(at);
  });

  it.each(["2026-02-30", "2026-13-01 09:00", "2026-01-01 24:00", "tomorrow", "2026-1-1"])("%s is no time", (text) => {
    expect(readMoment(text, "Europe/Berlin")).toBeUndefined();
  });

  it("shows what it was made of, at every hour of a year", () => {
    for (const zone of ["Europe/Berlin", "America/New_York", "Asia/Kathmandu"]) {
      for (let hour = 0; hour < 8760; hour += 7) {
        const at = Date.UTC(2026, 0, 1, hour);
        const again = epochOf(wallOf(at, zone), zone);
        expect([at, at - 3_600_000]).toContain(again);
      }
    }
  });

  it("says a time for people", () => {
    expect(timeIn(Date.UTC(2026, 11, 24, 8), "Europe/Berlin")).toBe("Thu 2026-12-24 09:00 CET");
    expect(isZone("Europe/Berlin")).toBe(true);
    expect(isZone("Europe/Atlantis")).toBe(false);
  });
});
