import { MicroError } from "../../core/errors.ts";
import { MEASURES, type Measure } from "../chunk.ts";

/** A query for each measure that a Prometheus is asked for; `$service` and `$window` are put in. */
export type Queries = Readonly<Partial<Record<Measure, string>>>;

const OF = '{micro_name="$service"}';
const FAILED = '{micro_name="$service",micro_status=~"fail.*"}';
const FAILED_2016 = '{micro_name="$service",status=~"fail.*"}';
const mean = (name: string) =>
  `sum by (micro_id) (rate(${name}_sum${OF}[$window])) / sum by (micro_id) (rate(${name}_count${OF}[$window]))`;

/**
 * What go-micro's wrapper for Prometheus exports (`platform.md §4`): its histogram in seconds, and where a service is older, its summary
 * in microseconds. In the units of `MEASURE_WORDS`. Memory and threads have names there that do not tell of which service they are.
 */
export const DEFAULT_QUERIES: Queries = {
  latency: `1000 * ${mean("micro_request_duration_seconds")} or ${mean("micro_latency_microseconds")} / 1000`,
  requests: `sum by (micro_id) (rate(micro_request_total${OF}[$window]))`,
  errors: `sum by (micro_id) (rate(micro_request_total${FAILED}[$window]) or rate(micro_request_total${FAILED_2016}[$window]))`,
};

/** The usual ones with others in their stead; an empty one is none. @throws MicroError `invalid_argument` for a measure that is none */
export function queriesWith(own: Readonly<Record<string, string>>): Queries {
  for (const name of Object.keys(own)) {
    if (MEASURES.some((measure) => measure === name)) continue;
    throw new MicroError("invalid_argument", `there is no measure ${name}: there are ${MEASURES.join(", ")}`);
  }
  return { ...DEFAULT_QUERIES, ...own };
}

/** A name cannot end the text that it stands in. @param windowMs over which rates are made */
export function queryFor(template: string, service: string, windowMs: number): string {
  const quoted = JSON.stringify(service).slice(1, -1);
  const values: Readonly<Record<string, string>> = {
    $service: quoted,
    $window: `${Math.max(1, Math.round(windowMs / 1000))}s`,
  };
  return template.replace(/\$service|\$window/g, (name) => values[name] ?? name);
}
