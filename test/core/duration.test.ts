import { describe, expect, it } from "vitest";
import { goDuration, readDuration } from "../../src/core/duration.ts";

describe("durations as Go spells them", () => {
  it.each([
    ["0", 0],
    ["0s", 0],
    ["500ms", 500],
    ["5s", 5000],
    ["1m", 60_000],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    [".5s", 500],
    ["1500us", 2],
    ["1500µs", 2],
    ["1ns", 1],
  ])("%s is %i ms", (text, ms) => {
    expect(readDuration(text)).toBe(ms);
  });

  it.each(["", "5", "s", "5 s", "-5s", "5x", "1m30", "1e3s", "99999999999999h"])("%j is none", (text) => {
    expect(() => readDuration(text)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

describe("nanoseconds as Go spells them", () => {
  it.each([
    [0, "0s"],
    [15, "15ns"],
    [1500, "1.5µs"],
    [1_234_567, "1.234567ms"],
    [2_000_000, "2ms"],
    [1_500_000_000, "1.5s"],
    [62_000_000_000, "1m2s"],
    [3_723_000_000_000, "1h2m3s"],
    [90_000_000_000_000, "25h0m0s"],
    [95_500_000_000, "1m35.5s"],
  ])("%d ns is %s", (nanoseconds, text) => {
    expect(goDuration(nanoseconds)).toBe(text);
  });
});
