import type { Drawing } from "./picture.ts";

/**
 * What runs in the thread that draws. It is handed over as text, so that no file has to be found beside a bundled program: nothing from
 * outside the function may be named in it, but for types.
 */
export function threadMain(require: NodeJS.Require): void {
  const { parentPort, workerData } = require("node:worker_threads") as typeof import("node:worker_threads");
  const { canvas, chart, fonts } = workerData as { canvas: string; chart: string; fonts: readonly string[] };
  const { createCanvas, GlobalFonts } = require(canvas) as typeof import("@napi-rs/canvas");
  const { Chart, LineController, LineElement, PointElement, LinearScale, Legend, Title } = require(
    chart,
  ) as typeof import("chart.js");

  // A machine may have no font at all.
  for (const font of fonts) GlobalFonts.registerFromPath(font, "Micro Sans");
  Chart.register(LineController, LineElement, PointElement, LinearScale, Legend, Title);

  const TEXT = "#24292f";
  const GRID = "#d8dee4";
  const MARK = "#57606a";
  /** Okabe and Ito's colours, darkened to 4.5:1 on white where they are lighter; told apart by all kinds of eyes, and by their dashes. */
  const COLOURS = ["#0072b2", "#b34700", "#00735a", "#8a4b73", "#6b5b00", "#00688b", "#3b3b3b", "#9a1f1f"];
  const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]];
  const dashOf = (index: number) => DASHES[Math.floor(index / 2) % DASHES.length] as number[];

  const isNone = (point: readonly [number, number | null] | undefined) => point === undefined || point[1] === null;

  type Context = import("@napi-rs/canvas").SKRSContext2D;
  const draw = ({ chart, width, height, ticks, values }: Drawing) => {
    const sheet = createCanvas(width, height);
    const font = { family: "Micro Sans", size: 13 };
    const background = {
      id: "background",
      beforeDraw: ({ ctx }: { ctx: Context }) => {
        ctx.save();
        ctx.fillStyle = "#ffffff";
        ctx.fillRect(0, 0, width, height);
        ctx.restore();
      },
    };
    const marks = {
      id: "marks",
      afterDatasetsDraw: ({
        ctx,
        chartArea,
        scales,
      }: {
        ctx: Context;
        chartArea: { top: number; bottom: number; left: number; right: number };
        scales: Record<string, { getPixelForValue(value: number): number }>;
      }) => {
        let free = Number.NEGATIVE_INFINITY;
        for (const { at, words } of chart.marks ?? []) {
          const x = scales["x"]?.getPixelForValue(at) ?? 0;
          ctx.save();
          ctx.strokeStyle = MARK;
          ctx.setLineDash([4, 4]);
          ctx.beginPath();
          ctx.moveTo(x, chartArea.top);
          ctx.lineTo(x, chartArea.bottom);
          ctx.stroke();
          ctx.fillStyle = MARK;
          ctx.font = `12px "Micro Sans"`;
          const wide = ctx.measureText(words).width;
          const left = Math.min(x + 4, chartArea.right - wide);
          // Words do not stand on words.
          if (left > free) {
            ctx.fillText(words, left, chartArea.top + 12);
            free = left + wide + 6;
          }
          ctx.restore();
        }
      },
    };
    const shown = new Chart(sheet as never, {
      type: "line",
      data: {
        datasets: chart.series.map(({ name, points }, index) => ({
          label: name,
          data: points.map(([x, y]) => ({ x, y: y as number })),
          borderColor: COLOURS[index % COLOURS.length] as string,
          backgroundColor: COLOURS[index % COLOURS.length] as string,
          borderDash: dashOf(index),
          borderWidth: 2,
          // A point between two gaps has no line.
          pointRadius: points.map((_, at) => (isNone(points[at - 1]) && isNone(points[at + 1]) ? 3 : 0)),
          // The greatest value may be on the frame.
          clip: 4,
          spanGaps: false,
        })),
      },
      options: {
        animation: false,
        responsive: false,
        devicePixelRatio: 1,
        events: [],
        parsing: false,
        normalized: true,
        layout: { padding: 16 },
        plugins: {
          title: { display: true, text: chart.title, color: TEXT, align: "start", font: { ...font, size: 16 } },
          legend: {
            position: "bottom",
            labels: {
              color: TEXT,
              font,
              usePointStyle: true,
              pointStyle: "line",
              pointStyleWidth: 34,
              // A point has no dashes, and its line has.
              generateLabels: (of) =>
                Chart.defaults.plugins.legend.labels
                  .generateLabels(of)
                  .map((label) => ({ ...label, lineDash: dashOf(label.datasetIndex ?? 0) })),
            },
          },
        },
        scales: {
          x: {
            type: "linear",
            min: chart.from,
            max: chart.to,
            afterBuildTicks: (axis) => {
              axis.ticks = ticks.map(({ at }) => ({ value: at }));
            },
            ticks: {
              color: TEXT,
              font,
              maxRotation: 0,
              callback: (value) => ticks.find(({ at }) => at === value)?.words ?? "",
            },
            grid: { color: GRID },
          },
          y: {
            min: 0,
            max: values.at(-1)?.at ?? 1,
            afterBuildTicks: (axis) => {
              axis.ticks = values.map(({ at }) => ({ value: at }));
            },
            ticks: { color: TEXT, font, callback: (value) => values.find(({ at }) => at === value)?.words ?? "" },
            grid: { color: GRID },
          },
        },
      },
      plugins: [background, marks],
    });
    try {
      return sheet.toBuffer("image/png");
    } finally {
      shown.destroy();
    }
  };

  parentPort?.on("message", ({ id, drawing }: { id: number; drawing: Drawing }) => {
    try {
      parentPort?.postMessage({ id, png: draw(drawing) });
    } catch (error) {
      parentPort?.postMessage({ id, failed: String((error as Error)?.message ?? error) });
    }
  });
}
