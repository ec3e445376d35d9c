import { describe, expect, it } from "vitest";
import { pastText, pastWords, readPast } from "../../src/commands/past.ts";

// Days are those of the machine's clocks, whatever its zone.
const NOW = new Date(2026, 10, 22, 15, 30).getTime();
const HOUR = 3_600_000;

describe("how far back", () => {
  it.each([
    ["90s", NOW - 90_000],
    ["1h30m", NOW - 1.5 * HOUR],
    ["1d", NOW - 24 * HOUR],
    ["1w", NOW - 168 * HOUR],
    ["1w2d3h", NOW - (168 + 48 + 3) * HOUR],
    ["today", new Date(2026, 10, 22).getTime()],
    ["Yesterday", new Date(2026, 10, 21).getTime()],
    ["2026-11-20", new Date(2026, 10, 20).getTime()],
    ["2026-11-20T09:05", new Date(2026, 10, 20, 9, 5).getTime()],
    ["2026-11-20 9:05", new Date(2026, 10, 20, 9, 5).getTime()],
  ])("%s is read", (text, at) => {
    expect(pastText.safeParse(text).success).toBe(true);
    expect(readPast(text, NOW)).toBe(at);
  });

  it.each(["1y", "", "d", "soon", "1h1d", "2026-13-01", "2026-02-30", "0026-11-20", "2026-11-20 25:00", "20.11.2026"])(
    "%s is no time, and is answered with what is one",
    (text) => {
      expect(pastText.safeParse(text).success).toBe(false);
      expect(() => readPast(text, NOW)).toThrow(/is no time to look back to; say 30m, 6h, 2d, 1w, today, yesterday/);
    },
  );

  it("is not to come", () => {
    expect(() => readPast("2026-11-23", NOW)).toThrow("2026-11-23 is still to come; say 30m");
  });

  it("is told as it was said", () => {
    expect([pastWords("1d"), pastWords("today"), pastWords("2026-11-20")]).toEqual([
      ...["in the last 1d", "since today", "since 2026-11-20"],
    ]);
  });
});
