import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import { type Chart, MAX_SERIES } from "./chart.ts";
import { thinned } from "./thin.ts";
import { threadMain } from "./thread-main.ts";
import { type Tick, timeTicks, valueTicks } from "./ticks.ts";

/** Makes pictures of charts, in a thread: loading what draws takes 100 ms, and a picture 50. */
export interface Painter {
  /**
   * A PNG of 900 by 420 points on white, so that it reads the same on light and dark. @throws MicroError `internal` (it cannot be drawn),
   * `timeout` (10 s), `cancelled`
   */
  draw(chart: Chart, options?: CallOptions): Promise<Uint8Array>;
  /** A picture will be wanted soon: the thread is begun meanwhile. */
  ready(): void;
  /** Ends the thread, if there is one. */
  stop(): Promise<void>;
}

/** What the thread is handed: all words are made before. */
export interface Drawing {
  readonly chart: Chart;
  readonly width: number;
  readonly height: number;
  readonly ticks: readonly Tick[];
  readonly values: readonly Tick[];
}

const WIDTH = 900;
const HEIGHT = 420;
/** Not more points than a line can show. */
const POINTS = 360;
const MARKS = 20;
const DRAW_MS = 10_000;
/** The thread goes when nobody wanted a picture for so long; what draws takes some 60 MB. */
const IDLE_MS = 60_000;

interface Waiting {
  readonly resolve: (png: Uint8Array) => void;
  readonly reject: (error: MicroError) => void;
}

export function createPainter(): Painter {
  const waiting = new Map<number, Waiting>();
  let thread: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let drawn = 0;

  const end = async () => {
    clearTimeout(idle);
    const ending = thread;
    thread = undefined;
    await ending?.terminate();
  };
  /** Nothing is drawn just now, so it holds nobody up, and goes in a while. */
  const rest = () => {
    if (waiting.size > 0) return;
    thread?.unref();
    clearTimeout(idle);
    idle = setTimeout(() => void end(), IDLE_MS);
    idle.unref();
  };
  const lost = (why: string) => {
    for (const { reject } of waiting.values()) reject(new MicroError("internal", `no picture could be drawn: ${why}`));
    waiting.clear();
  };
  const begin = (): Worker => {
    const begun = new Worker(`(${threadMain.toString()})(require)`, {
      eval: true,
      workerData: placesOf(),
      env: {},
      execArgv: [],
    });
    begun.unref();
    begun.on("message", ({ id, png, failed }: { id: number; png?: Uint8Array; failed?: string }) => {
      const waiter = waiting.get(id);
      waiting.delete(id);
      if (png) waiter?.resolve(png);
      else waiter?.reject(new MicroError("internal", `no picture could be drawn: ${failed}`));
    });
    begun.on("error", (error) => {
      if (thread === begun) thread = undefined;
      lost(error.message);
    });
    begun.on("exit", () => {
      if (thread === begun) thread = undefined;
      lost("what draws it has ended");
    });
    return begun;
  };

  return {
    draw: async (chart, { signal, timeoutMs = DRAW_MS } = {}) => {
      thread ??= begin();
      clearTimeout(idle);
      const id = ++drawn;
      // The bot may end meanwhile; a program that waits for nothing but a picture must not.
      thread.ref();
      const limit = AbortSignal.timeout(timeoutMs);
      try {
        const picture = new Promise<Uint8Array>((resolve, reject) => waiting.set(id, { resolve, reject }));
        thread.postMessage({ id, drawing: drawingOf(chart) });
        return await orAbort(picture, signal ? AbortSignal.any([signal, limit]) : limit);
      } catch (error) {
        if (!limit.aborted || signal?.aborted) throw error;
        throw new MicroError("timeout", `no picture was drawn within ${timeoutMs} ms`);
      } finally {
        waiting.delete(id);
        rest();
      }
    },
    ready: () => {
      thread ??= begin();
      rest();
    },
    stop: async () => {
      await end();
      lost("it was stopped");
    },
  };
}

/** What is drawn of a chart, with the words for it. */
export function drawingOf(chart: Chart): Drawing {
  const { from, to, zone, unit, marks = [] } = chart;
  const left = chart.series.length - MAX_SERIES;
  const series = chart.series
    .slice(0, MAX_SERIES)
    .map(({ name, points }) => ({ name: cut(name), points: thinned(points, POINTS) }));
  const values = series.flatMap(({ points }) => points.map(([, value]) => value ?? 0));
  const title = left > 0 ? `${chart.title} (${left} more are not shown)` : chart.title;
  return {
    chart: { ...chart, title, series, marks: marks.slice(-MARKS).map(({ at, words }) => ({ at, words: cut(words) })) },
    width: WIDTH,
    height: HEIGHT,
    ticks: timeTicks(from, to, zone),
    values: valueTicks(
      values.reduce((one, other) => Math.max(one, other), 0),
      unit,
    ),
  };
}

function cut(name: string): string {
  return name.length > 40 ? `…${name.slice(-39)}` : name;
}

/** By their paths, since a thread that is made of text finds no packages. */
function placesOf(): { canvas: string; chart: string; fonts: readonly string[] } {
  const require = createRequire(import.meta.url);
  return {
    canvas: require.resolve("@napi-rs/canvas"),
    chart: require.resolve("chart.js"),
    fonts: ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"].map((file) => require.resolve(`dejavu-fonts-ttf/ttf/${file}`)),
  };
}
