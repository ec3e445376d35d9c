import type { Unit } from "./chart/chart.ts";
import type { Measure } from "./chunk.ts";

/** How each measure is written, and what stands in a chart's title. */
export const MEASURE_WORDS: Readonly<Record<Measure, { readonly unit: Unit; readonly title: string }>> = {
  latency: { unit: "ms", title: "latency" },
  memory: { unit: "bytes", title: "memory" },
  threads: { unit: "count", title: "threads" },
  gc: { unit: "ms", title: "collecting garbage, per minute" },
  requests: { unit: "perSecond", title: "requests" },
  errors: { unit: "perSecond", title: "errors" },
};
