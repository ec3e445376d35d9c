import { createRequire } from "node:module";
import { afterAll, describe, expect, it } from "vitest";
import type { Chart, Point } from "../../../src/history/chart/chart.ts";
import { createPainter, drawingOf } from "../../../src/history/chart/picture.ts";
import { sparklines } from "../../../src/history/chart/sparkline.ts";
import { thinned } from "../../../src/history/chart/thin.ts";
import { timeTicks, valueTicks } from "../../../src/history/chart/ticks.ts";
import { written } from "../../../src/history/chart/units.ts";

const MINUTE = 60_000;
const to = Date.UTC(2026, 10, 22, 3, 12);
const from = to - 60 * MINUTE;
const wave = (name: string, height: number) => ({
  name,
  points: Array.from({ length: 60 }, (_, at): Point => [from + at * MINUTE, height + Math.sin(at / 9) * 5]),
});
const chart: Chart = { title: "payments: latency", unit: "ms", from, to, zone: "UTC", series: [wave("a-1", 20)] };

describe("what is drawn of many points", () => {
  const long = Array.from({ length: 1440 }, (_, at): Point => [at, at % 100]);

  it("keeps the peaks and the order", () => {
    const peaked = long.map(([at]): Point => [at, at === 777 ? 1000 : 1]);
    const kept = thinned(peaked, 360);
    expect(kept.length).toBeLessThanOrEqual(370);
    expect(kept).toContainEqual([777, 1000]);
    expect(kept.map(([at]) => at)).toEqual(kept.map(([at]) => at).sort((one, other) => one - other));
  });

  it("keeps gaps, short and long", () => {
    const broken = long.map(([at, value]): Point => [at, at === 300 || (at > 600 && at < 700) ? null : value]);
    const gaps = thinned(broken, 360).filter(([, value]) => value === null);
    expect(gaps.map(([at]) => at)).toContain(300);
    expect(gaps.some(([at]) => at > 600 && at < 700)).toBe(true);
  });

  it("leaves few as they are", () => {
    expect(thinned(long.slice(0, 300), 360)).toEqual(long.slice(0, 300));
  });
});

describe("axes", () => {
  it("has round times of the zone", () => {
    const words = timeTicks(from, to, "Europe/Berlin").map((tick) => tick.words);
    expect(words).toEqual(["03:20", "03:30", "03:40", "03:50", "04:00", "04:10"]);
    const kathmandu = timeTicks(to - 24 * 60 * MINUTE, to, "Asia/Kathmandu").map((tick) => tick.words);
    expect(kathmandu).toEqual(["09:00", "12:00", "15:00", "18:00", "21:00", "00:00", "03:00", "06:00"]);
  });

  it("tells days where there are several", () => {
    expect(timeTicks(to - 5 * 1440 * MINUTE, to, "UTC").map((tick) => tick.words)[0]).toBe("18/11, 00:00");
  });

  it.each([
    [79, "ms", ["0 ms", "20 ms", "40 ms", "60 ms", "80 ms"]],
    [3.5 * 2 ** 20, "bytes", ["0 B", "1 MB", "2 MB", "3 MB", "4 MB"]],
    [0, "count", ["0", "0.25", "0.5", "0.75", "1"]],
    [2400, "perSecond", ["0/s", "1 k/s", "2 k/s", "3 k/s"]],
  ] as const)("has round values up to %d %s", (most, unit, words) => {
    expect(valueTicks(most, unit).map((tick) => tick.words)).toEqual(words);
  });

  it.each([
    [1234, "ms", "1.23 s"],
    [12.345, "ms", "12.3 ms"],
    [123_456_789, "bytes", "118 MB"],
    [1500, "count", "1.5 k"],
    [-2048, "bytes", "-2 KB"],
  ] as const)("writes %d %s as %s", (value, unit, words) => {
    expect(written(value, unit)).toBe(words);
  });
});

describe("sparklines", () => {
  it("shows all lines on one scale, gaps and the newest value", () => {
    const flat = (name: string, value: number | null) => ({
      name,
      points: Array.from({ length: 60 }, (_, at): Point => [from + at * MINUTE, at < 30 ? value : null]),
    });
    const text = sparklines({ ...chart, series: [flat("a-1", 10), flat("a-2", 80), flat("a-3", null)] }, 8);
    expect(text.split("\n")).toEqual([
      "payments: latency",
      "a-1\t▁▁▁▁····\tmin 10 ms\tmax 10 ms\tnow 10 ms",
      "a-2\t████····\tmin 80 ms\tmax 80 ms\tnow 80 ms",
      "a-3\t········\tno samples",
    ]);
  });

  it("says that there is nothing", () => {
    expect(sparklines({ ...chart, series: [] })).toBe("payments: latency: there are no samples");
  });
});

describe("a picture", () => {
  const painter = createPainter();
  afterAll(() => painter.stop());
  const { loadImage, createCanvas } = createRequire(import.meta.url)(
    "@napi-rs/canvas",
  ) as typeof import("@napi-rs/canvas");
  /** How many points of a rectangle are not white. */
  const ink = async (png: Uint8Array, x: number, y: number, width: number, height: number) => {
    const image = await loadImage(Buffer.from(png));
    const sheet = createCanvas(image.width, image.height);
    const context = sheet.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(x, y, width, height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      if ((data[at] as number) + (data[at + 1] as number) + (data[at + 2] as number) < 600) count++;
    }
    return count;
  };

  it("has a title, a line and words on its axes, on a machine with whatever fonts", async () => {
    const png = await painter.draw(chart);
    const bare = await painter.draw({ ...chart, title: " ", series: [{ name: " ", points: [] }] });
    expect(Buffer.from(png.subarray(1, 4)).toString()).toBe("PNG");
    expect(await ink(png, 0, 10, 400, 36)).toBeGreaterThan(400);
    expect(await ink(bare, 0, 10, 400, 36)).toBeLessThan(20);
    expect(await ink(png, 100, 60, 780, 270)).toBeGreaterThan((await ink(bare, 100, 60, 780, 270)) + 500);
    // Not boxes in the stead of letters: other words are other points.
    const other = await painter.draw({ ...chart, title: "payments: memorys" });
    expect(await ink(other, 0, 10, 400, 36)).not.toBe(await ink(png, 0, 10, 400, 36));
  });

  it("shows eight lines and tells how many more there are", async () => {
    const many = { ...chart, series: Array.from({ length: 12 }, (_, at) => wave(`a-${at}`, at)) };
    expect(drawingOf(many).chart.series).toHaveLength(8);
    expect(drawingOf(many).chart.title).toBe("payments: latency (4 more are not shown)");
    expect((await painter.draw(many)).length).toBeGreaterThan(10_000);
  });

  it("draws one point, and none", async () => {
    const one = await painter.draw({ ...chart, series: [{ name: "a-1", points: [[from + 30 * MINUTE, 5]] }] });
    const none = await painter.draw({ ...chart, series: [] });
    expect(await ink(one, 100, 60, 780, 270)).toBeGreaterThan(await ink(none, 100, 60, 780, 270));
  });

  it("is given up with its signal, and goes on afterwards", async () => {
    await expect(painter.draw(chart, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
    expect((await painter.draw(chart)).length).toBeGreaterThan(1000);
  });

  it("says that it was stopped", async () => {
    const own = createPainter();
    const drawing = own.draw(chart);
    await own.stop();
    await expect(drawing).rejects.toMatchObject({ code: "internal" });
  });
});
