import { expect, it } from "vitest";
import { backoff } from "../../src/core/backoff.ts";

it("doubles up to the most, each time up to half less, however often it failed", () => {
  for (const [attempt, whole] of [
    [0, 100],
    [1, 200],
    [3, 800],
    [7, 5000],
    [5000, 5000],
  ] as const) {
    for (let n = 0; n < 100; n++) {
      const wait = backoff(attempt, 100, 5000);
      expect(wait).toBeGreaterThanOrEqual(whole / 2);
      expect(wait).toBeLessThanOrEqual(whole);
    }
  }
});
