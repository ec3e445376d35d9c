import { describe, expect, it } from "vitest";
import { createBuckets, type Rate, rateText, readRate } from "../../../src/bot/limits/rate.ts";

const RATE: Rate = { count: 10, ms: 1000, burst: 3 };

describe("a rate", () => {
  it.each([
    ["30/10s", { count: 30, ms: 10_000, burst: 30 }],
    ["30/10s,5", { count: 30, ms: 10_000, burst: 5 }],
    [" 1 / 1m30s , 2 ", { count: 1, ms: 90_000, burst: 2 }],
    ["none", "none"],
  ])("%s is read", (text, rate) => {
    expect(readRate(text)).toEqual(rate);
  });

  it.each(["", "30", "0/1s", "30/0s", "30/10", "30/10s,0", "-1/1s", "1e9/1s", "30/10s,", "many/1s"])(
    "%j is none",
    (text) => {
      expect(() => readRate(text)).toThrow(/no limit; write it like 30\/10s|is no duration/);
    },
  );

  it.each(["30/10s", "30/10s,5", "1/1h", "7/90s", "5/250ms"])("%s is written as it was read", (text) => {
    expect(rateText(readRate(text) as Rate)).toBe(text);
  });
});

describe("buckets", () => {
  it("let a burst through after a rest, then one after the other, and say when there is the next", () => {
    const buckets = createBuckets(RATE);
    expect([0, 0, 0, 0].map(() => buckets.take("ann", 5000))).toEqual([0, 0, 0, 100]);
    expect(buckets.take("ann", 5060)).toBe(40);
    expect(buckets.take("ann", 5100)).toBe(0);
    expect(buckets.take("ann", 5100)).toBe(100);
    expect([0, 0, 0, 0].map(() => buckets.take("ann", 9000))).toEqual([0, 0, 0, 100]);
  });

  it("let no more through than the rate and one burst, however it is asked", () => {
    const buckets = createBuckets(RATE);
    let through = 0;
    for (let now = 0; now < 10_000; now++) if (buckets.take("ann", now) === 0) through++;
    expect(through).toBe(3 + 99);
  });

  it("are apart for each name", () => {
    const buckets = createBuckets({ count: 1, ms: 1000, burst: 1 });
    expect(buckets.take("ann", 0)).toBe(0);
    expect(buckets.take("bob", 0)).toBe(0);
    expect(buckets.take("ann", 0)).toBe(1000);
  });

  it("keep nobody waiting longer because the clock was set back", () => {
    const buckets = createBuckets(RATE);
    for (let count = 0; count < 4; count++) buckets.take("ann", 3_600_000);
    expect(buckets.take("ann", 0)).toBeLessThanOrEqual(300);
    expect(buckets.take("ann", 300)).toBe(0);
  });

  it("remember a bounded number of a million names, those that are used now among them", () => {
    const buckets = createBuckets({ count: 1, ms: 3_600_000, burst: 1 }, 1000);
    buckets.take("flooder", 0);
    for (let name = 0; name < 1_000_000; name++) {
      buckets.take(`stranger ${name}`, 0);
      if (name % 500 === 0) expect(buckets.take("flooder", 0)).toBeGreaterThan(0);
    }
    expect(buckets.size).toBeLessThanOrEqual(1000);
  });

  it("forget whose time has passed", () => {
    const buckets = createBuckets(RATE);
    for (let name = 0; name < 5000; name++) buckets.take(`stranger ${name}`, name * 1000);
    expect(buckets.size).toBeLessThan(10);
  });
});
