import { describe, expect, it } from "vitest";
import { goDuration } from "../../src/commands/stats.ts";

describe("goDuration", () => {
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
  ])("%d ns is %s", (nanoseconds, text) => {
    expect(goDuration(nanoseconds)).toBe(text);
  });
});
