import { expect, it } from "vitest";
import { heardIn } from "../../src/app/samples.ts";

it("takes memory, goroutines, requests and their latency from what the monitor says", () => {
  const none = { count: 0, mean: 0, upper95: 0 };
  const said = {
    service: "p",
    version: "1",
    node: "p-1",
    at: 0,
    intervalMs: 10_000,
    cpu: { user: 0, system: 0 },
    maxRss: 0,
    goroutines: 12,
    heap: { total: 2048, inUse: 1024 },
    endpoints: [
      { name: "A.B", success: { ...none, count: 30, mean: 2e6 }, errors: { ...none, count: 5 }, dropped: none },
      { name: "A.C", success: { ...none, count: 10, mean: 6e6 }, errors: none, dropped: { ...none, count: 5 } },
    ],
  };
  expect(heardIn(said)).toEqual({
    service: "p",
    node: "p-1",
    sample: { memory: 1024, threads: 12, latency: 3, requests: 5, errors: 1 },
  });
  expect(heardIn({ ...said, goroutines: 0, heap: { total: 0, inUse: 0 }, endpoints: [] }).sample).toEqual({
    requests: 0,
    errors: 0,
  });
});
