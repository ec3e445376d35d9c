import { describe, expect, it } from "vitest";
import { type Maker, readRequest } from "../../src/schedules/request.ts";
import { nextAfter, shortestGap, whenWords } from "../../src/schedules/when.ts";

/* When something is due, also on the two days on which clocks are set. */

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0);
const zone = "Europe/Berlin";
const read = (kind: Maker, text: string, now = NOW) => readRequest(kind, text, zone, now);
const times = (kind: "every" | "at" | "cron", text: string, from: string, count: number) => {
  const { when } = read(kind, text, Date.parse(from));
  const found: string[] = [];
  for (let at = nextAfter(when, Date.parse(from)); at !== undefined && found.length < count; at = nextAfter(when, at)) {
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
};

describe("a request", () => {
  it("says when, what, where and by which clock, in any order that reads well", () => {
    expect(read("every", '10m "health orders" in #ops')).toEqual({
      when: { kind: "every", ms: 600_000, from: NOW },
      line: "health orders",
      room: "#ops",
    });
    expect(read("every", 'day at 9:00 in America/New_York in #ops "x | y"')).toMatchObject({
      when: { kind: "cron", pattern: "0 9 * * *", zone: "America/New_York" },
      line: "x | y",
      room: "#ops",
    });
    expect(read("cron", '"0 9 * * 1-5" "stats orders" in UTC').when).toMatchObject({
      pattern: "0 9 * * 1-5",
      zone: "UTC",
    });
    expect(read("every", 'mon,fri at 18:30 "x"').when).toMatchObject({ pattern: "30 18 * * 1,5" });
    expect(read("at", '03:00 "x"').when).toEqual({ kind: "at", at: Date.UTC(2026, 0, 2, 2), zone });
    expect(read("at", '2026-12-01 03:00 in UTC "x"').when).toEqual({
      kind: "at",
      at: Date.UTC(2026, 11, 1, 3),
      zone: "UTC",
    });
    expect(read("in", '90m in #ops "x"')).toMatchObject({
      when: { kind: "at", at: NOW + 5_400_000, zone, said: "in" },
      room: "#ops",
    });
    expect(read("every", '2d "x"').when).toMatchObject({ ms: 172_800_000 });
  });

  it("that is wrong says how it is said", () => {
    for (const [kind, text, why] of [
      ["every", "10m health orders", "in quotes"],
      ["every", '10x "a"', "no duration"],
      ["every", 'noon at 09:00 "a"', "every monday at 09:00"],
      ["every", 'day at 25:00 "a"', "it is said like this"],
      ["every", '10m "a" "b"', "once"],
      ["every", '10m "a" in', "which room"],
      ["every", 'day at 9:00 in Europe/Berlyn "a"', 'no time zone "Europe/Berlyn"'],
      ["every", '9000h "a"', "longer than a year"],
      ["at", '2026-13-01 03:00 "a"', "no time"],
      ["at", '2025-12-01 03:00 "a"', "is over"],
      ["at", 'tomorrow 03:00 "a"', "it is said like this"],
      ["cron", '"0 25 * * *" "a"', "no time"],
      ["cron", '"* *" "a"', "five fields|minute, hour"],
      ["cron", '"0 0 30 2 *" "a"', "never comes"],
    ] as const) {
      expect(() => read(kind, text), text).toThrow(new RegExp(why));
    }
  });
});

describe("times", () => {
  it("come by the clock of their zone, through both days on which it is set", () => {
    // At 02:00 of 29 March it is 03:00, and at 03:00 of 25 October it is 02:00 again.
    expect(times("every", 'day at 09:00 "x"', "2026-03-28T00:00:00Z", 3)).toEqual([
      "2026-03-28T08:00",
      "2026-03-29T07:00",
      "2026-03-30T07:00",
    ]);
    expect(times("every", 'day at 09:00 "x"', "2026-10-24T00:00:00Z", 3)).toEqual([
      "2026-10-24T07:00",
      "2026-10-25T08:00",
      "2026-10-26T08:00",
    ]);
  });

  it("that a day leaves out come right after, and those that it repeats come once", () => {
    expect(times("every", 'day at 02:30 "x"', "2026-03-28T12:00:00Z", 2)).toEqual([
      "2026-03-29T01:00",
      "2026-03-30T00:30",
    ]);
    expect(times("every", 'day at 02:30 "x"', "2026-10-24T12:00:00Z", 2)).toEqual([
      "2026-10-25T00:30",
      "2026-10-26T01:30",
    ]);
    expect(times("at", '02:30 "x"', "2026-03-28T12:00:00Z", 2)).toEqual(["2026-03-29T01:00"]);
  });

  it("of an interval are the same whoever counts them, and whenever", () => {
    const { when } = read("every", '7m "x"');
    let at = NOW;
    for (let count = 1; count <= 10_000; count++) {
      at = nextAfter(when, at) ?? 0;
      expect(at).toBe(NOW + count * 420_000);
    }
    expect(nextAfter(when, NOW + 420_000 * 3 + 1)).toBe(NOW + 420_000 * 4);
  });

  it("know how near they come to each other", () => {
    expect(shortestGap(read("cron", '"*/5 * * * * *" "x"').when, NOW)).toBe(5000);
    expect(shortestGap(read("cron", '"0,1 0 9 * * *" "x"').when, NOW)).toBe(1000);
    expect(shortestGap(read("at", '03:00 "x"').when, NOW)).toBe(Number.POSITIVE_INFINITY);
  });

  it("are told to people", () => {
    expect(whenWords(read("every", '10m "x"').when)).toBe("every 10m");
    expect(whenWords(read("every", '90m "x"').when)).toBe("every 1h30m");
    expect(whenWords(read("every", '1d "x"').when)).toBe("every 24h");
    expect(whenWords(read("every", 'day at 9:00 "x"').when)).toBe("every day at 09:00 (Europe/Berlin)");
    expect(whenWords(read("at", '2026-03-29 03:30 "x"').when)).toBe("at 2026-03-29 03:30 (Europe/Berlin)");
  });
});
