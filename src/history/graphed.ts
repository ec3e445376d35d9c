import type { CommandContext } from "../commands/command.ts";
import { lookUpShort, mayRunOn } from "../commands/look-up.ts";
import { readPast } from "../commands/past.ts";
import { MicroError } from "../core/errors.ts";
import { meant } from "../core/health/short-name.ts";
import { marked } from "../core/look-alike.ts";
import type { ServiceChanges } from "../core/registry/service-change.ts";
import type { Chart, Mark } from "./chart/chart.ts";
import type { Measure } from "./chunk.ts";
import { chartOfLines } from "./lines.ts";
import { MEASURE_WORDS } from "./measures.ts";
import type { Prometheus } from "./prometheus/prometheus.ts";
import { type Queries, queryFor } from "./prometheus/queries.ts";
import type { SampleReader } from "./samples.ts";

/** Where graphs have their numbers from. */
export interface GraphParts {
  readonly samples?: SampleReader;
  /** What is asked first for measures that it has a query for. */
  readonly prometheus?: Prometheus & { readonly queries: Queries };
  /** Versions that came are marked. */
  readonly changes?: ServiceChanges;
  /** IANA name, for times. */
  readonly zone: string;
  /** Why there are none, and what to do: `they are taken every minute, the first at 14:03`. */
  noneBecause(): string;
  /** When it was read. */
  close?(): Promise<void>;
}

/** A chart that was asked for. Survives JSON. */
export interface Graphed {
  readonly chart: Chart;
  /** The measure; of a query `query`. */
  readonly measure: string;
  readonly note?: string;
}

export interface GraphQuestion {
  readonly service?: string | undefined;
  readonly measure: Measure;
  readonly last: string;
  readonly node?: string | undefined;
  readonly query?: string | undefined;
}

const MINUTE = 60_000;
const SHORTEST_MS = MINUTE;
const LONGEST_MS = 31 * 86_400_000;
/** What is drawn has no more points. */
const POINTS = 360;
const FINEST_MS = 15_000;

/** @throws MicroError `not_found` (no such service, no samples), `invalid_argument`, and what a Prometheus throws */
export async function graphOf(
  question: GraphQuestion,
  command: Parameters<typeof mayRunOn>[0],
  context: CommandContext,
  parts: GraphParts,
): Promise<Graphed> {
  const to = context.clock.now();
  const span = { from: beginningOf(question.last, to), to };
  if (question.query !== undefined)
    return { chart: await queried(question.query, span, context, parts), measure: "query" };
  const service = await named(question.service ?? "", command, context, parts);
  return ofService({ ...question, service }, span, context, parts);
}

interface Span {
  readonly from: number;
  readonly to: number;
}

function beginningOf(last: string, to: number): number {
  const from = readPast(last, to);
  if (to - from >= SHORTEST_MS && to - from <= LONGEST_MS) return from;
  const words = "from 1m to 31d, as in 15m, 6h, 1d, 1w, today, yesterday or 2026-11-20";
  throw new MicroError("invalid_argument", `a graph does not go back ${last}: ${words}`);
}

/** Of those that are registered; else of those that were. */
async function named(
  said: string,
  command: Parameters<typeof mayRunOn>[0],
  context: CommandContext,
  { samples }: GraphParts,
): Promise<string> {
  try {
    return (await lookUpShort(said, command, context)).service;
  } catch (error) {
    if (MicroError.from(error).code === "invalid_argument") throw error;
    const { signal } = context;
    const all = (await samples?.services({ signal }).catch(() => [])) ?? [];
    const [name, ...others] = meant(
      said,
      all.filter((one) => one === said || mayRunOn(command, one, context)),
    );
    if (name === undefined || others.length > 0) throw error;
    return name;
  }
}

async function queried(query: string, span: Span, { signal }: CommandContext, parts: GraphParts): Promise<Chart> {
  if (parts.prometheus === undefined) {
    throw new MicroError(
      "invalid_argument",
      "there is no Prometheus to ask: --prometheus_address=host:port says where it is",
    );
  }
  const lines = await parts.prometheus.range({ ...span, query, stepMs: stepOf(span) }, { signal });
  if (lines.size === 0) throw new MicroError("not_found", `${parts.prometheus.where} has no values for that`);
  const title = query.length > 80 ? `${query.slice(0, 79)}…` : query;
  return chartOfLines({ of: title, unit: "count", lines, ...span, zone: parts.zone });
}

async function ofService(
  { service, measure, node }: GraphQuestion & { readonly service: string },
  span: Span,
  context: CommandContext,
  parts: GraphParts,
): Promise<Graphed> {
  const { signal } = context;
  const { title, unit } = MEASURE_WORDS[measure];
  const asked = await fromPrometheus(service, measure, span, signal, parts);
  const found = asked.lines ?? (await parts.samples?.of(service, measure, span, { signal })) ?? new Map();
  const lines = new Map([...found].filter(([id]) => node === undefined || id.includes(node)));
  if (lines.size === 0) {
    if (asked.error && found.size === 0) throw asked.error;
    const of = `${measure === "latency" ? "" : `the ${title} of `}${marked(service)}`;
    if (node !== undefined && found.size > 0) {
      throw new MicroError(
        "not_found",
        `no node of ${marked(service)} has "${node}" in its id: there are ${[...found.keys()].slice(0, 5).join(", ")}`,
      );
    }
    throw new MicroError("not_found", `no samples of ${of} yet: ${parts.noneBecause()}`);
  }
  const marks = await marksOf(service, span, context, parts);
  const chart = { ...chartOfLines({ of: service, title, unit, lines, ...span, zone: parts.zone }), marks };
  return { chart, measure, ...(asked.error && { note: `${asked.error.message}; these are my own samples` }) };
}

/** `lines`: it has some; `error`: it does not tell. */
async function fromPrometheus(
  service: string,
  measure: Measure,
  span: Span,
  signal: AbortSignal,
  { prometheus }: GraphParts,
): Promise<{ readonly lines?: Awaited<ReturnType<Prometheus["range"]>>; readonly error?: MicroError }> {
  const template = prometheus?.queries[measure];
  if (!prometheus || !template) return {};
  const stepMs = stepOf(span);
  const query = queryFor(template, service, Math.max(4 * FINEST_MS, 2 * stepMs));
  try {
    const lines = await prometheus.range({ ...span, query, stepMs }, { signal });
    return lines.size === 0 ? {} : { lines };
  } catch (thrown) {
    const error = MicroError.from(thrown);
    if (error.code === "cancelled") throw error;
    return { error };
  }
}

function stepOf({ from, to }: Span): number {
  return Math.max(FINEST_MS, Math.ceil((to - from) / POINTS / 1000) * 1000);
}

/** Versions that came meanwhile. What cannot be told is not marked. */
async function marksOf(
  service: string,
  { from, to }: Span,
  { signal }: CommandContext,
  { changes }: GraphParts,
): Promise<readonly Mark[]> {
  const found = (await changes?.lately({ service, since: from, limit: 100 }, { signal }).catch(() => [])) ?? [];
  return found
    .filter(({ kind, at, words }) => kind === "version" && at <= to && !words.includes(" is gone"))
    .map(({ at, version = "" }) => ({ at, words: version }))
    .sort((a, b) => a.at - b.at);
}
