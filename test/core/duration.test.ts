import { describe, expect, it } from "vitest";
import { readDuration } from "../../src/core/duration.ts";

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
