import { createHash } from "node:crypto";
import type { CallOptions } from "../core/lifecycle.ts";
import type { Db } from "../platform/db/db.ts";
import type { Point } from "./chart/chart.ts";
import { type Chunk, chunkIn, chunkText, MEASURES, type Measure, type Sample } from "./chunk.ts";

/** What was sampled of services, read. Default limit of every call that of the `Db`. */
export interface SampleReader {
  /**
   * One measure of a service's nodes by time, for a day at most; `null`: the node was not heard of then, or nobody took samples.
   * @returns by the nodes' ids, empty when there is none @throws MicroError `unavailable`
   */
  of(
    service: string,
    measure: Measure,
    span: { readonly from: number; readonly to: number },
    options?: CallOptions,
  ): Promise<ReadonlyMap<string, readonly Point[]>>;
  /** Services of which there are samples, those that have gone among them. @throws MicroError `unavailable` */
  services(options?: CallOptions): Promise<readonly string[]>;
}

/** What was sampled of services, kept for a day in the table `samples` of a `Db`. */
export interface Samples extends SampleReader {
  /**
   * What was found at one time, later than what was added before: else it is let go. One call for a service at a time. Resolves when it
   * is on the disk. @param nodes by their ids @throws MicroError `unavailable`
   */
  add(service: string, at: number, nodes: ReadonlyMap<string, Sample>, options?: CallOptions): Promise<void>;
}

const TABLE = "samples";
const SERVICES = "services";
/** What is lost with a damaged record, and what is written each minute. */
const CHUNK_MS = 900_000;
const DAY_MS = 86_400_000;
/** A day and the chunk that is being filled: afterwards a record stands in the place of the one of a day before. */
const SLOTS = DAY_MS / CHUNK_MS + 1;
const HOUR_MS = 3_600_000;
const DAY_HOURS = 25;
const MOST_SERVICES = 5000;

/** @param init `db`: with the tables `SAMPLE_TABLES`; started and stopped by whoever made it */
export function createSamples({ db }: { readonly db: Db }): Samples {
  const filling = new Map<string, Chunk>();
  /** By name, the hour in which they were last heard of. */
  let seen: Map<string, number> | undefined;

  const stored = async (service: string, from: number, options: CallOptions): Promise<Chunk | undefined> => {
    const record = await db.get(TABLE, idOf(service, from), options);
    const chunk = record === undefined ? undefined : chunkIn(record.value);
    return chunk?.service === service && chunk.from === from ? chunk : undefined;
  };
  const names = async (options: CallOptions) => {
    seen ??= new Map(namesIn((await db.get(TABLE, SERVICES, options))?.value));
    return seen;
  };
  /** Writes names down that are new, or are there in another hour, and forgets what is a day old. */
  const remember = async (service: string, at: number, options: CallOptions) => {
    const all = await names(options);
    const hour = Math.floor(at / HOUR_MS);
    if (all.get(service) === hour || (!all.has(service) && all.size >= MOST_SERVICES)) return;
    const isNew = !all.has(service);
    const later = Math.max(0, ...all.values()) < hour;
    all.set(service, hour);
    if (!isNew && !later) return;
    const old = [...all].filter(([, last]) => hour - last > DAY_HOURS);
    for (const [name] of old) {
      all.delete(name);
      filling.delete(name);
      for (let slot = 0; slot < SLOTS; slot++) await db.delete(TABLE, idOf(name, slot * CHUNK_MS), options);
    }
    await db.put(TABLE, { id: SERVICES, at, facts: {}, value: JSON.stringify([...all]) }, options);
  };

  return {
    add: async (service, at, nodes, options = {}) => {
      const from = Math.floor(at / CHUNK_MS) * CHUNK_MS;
      let chunk = filling.get(service);
      if (chunk?.from !== from) chunk = (await stored(service, from, options)) ?? { service, from, at: [], nodes: {} };
      if (at <= (chunk.at.at(-1) ?? 0)) return;
      const grown = withSamples(chunk, at, nodes);
      filling.set(service, grown);
      await remember(service, at, options);
      await db.put(TABLE, { id: idOf(service, from), at: from, facts: {}, value: chunkText(grown) }, options);
    },
    of: async (service, measure, { from, to }, options = {}) => {
      const first = Math.max(from, to - DAY_MS);
      const reading: Promise<Chunk | undefined>[] = [];
      for (let start = Math.floor(first / CHUNK_MS) * CHUNK_MS; start <= to; start += CHUNK_MS) {
        const held = filling.get(service);
        reading.push(held?.from === start ? Promise.resolve(held) : stored(service, start, options));
      }
      const chunks = (await Promise.all(reading)).filter((chunk) => chunk !== undefined);
      const times = chunks.flatMap(({ at }) => at);
      const columns = new Map<string, (number | null)[]>();
      let begins = 0;
      for (const { at, nodes } of chunks) {
        for (const [id, all] of Object.entries(nodes)) {
          const column = columns.get(id) ?? new Array<number | null>(times.length).fill(null);
          columns.set(id, column);
          for (const [place, value] of (all[measure] ?? []).entries()) column[begins + place] = value;
        }
        begins += at.length;
      }
      const span = { from: first, to, usual: usualStep(times) };
      const lines = [...columns].map(([id, column]) => [id, pointsOf(times, column, span)] as const);
      return new Map(lines.filter(([, points]) => points.length > 0));
    },
    services: async (options = {}) => [...(await names(options)).keys()],
  };
}

function withSamples(chunk: Chunk, at: number, samples: ReadonlyMap<string, Sample>): Chunk {
  const place = chunk.at.length;
  const nodes = { ...chunk.nodes };
  for (const [id, sample] of samples) {
    const columns = { ...nodes[id] };
    for (const measure of MEASURES) {
      const value = sample[measure];
      if (value === undefined) continue;
      const column = columns[measure] ?? [];
      columns[measure] = [...column, ...Array.from({ length: place - column.length }, () => null), value];
    }
    nodes[id] = columns;
  }
  return { ...chunk, at: [...chunk.at, at], nodes };
}

/** From the first value on; with a `null`, too, where there are no samples for longer than between most. */
function pointsOf(
  times: readonly number[],
  column: readonly (number | null)[],
  { from, to, usual }: { readonly from: number; readonly to: number; readonly usual: number },
): readonly Point[] {
  const points: Point[] = [];
  let before = Number.POSITIVE_INFINITY;
  for (const [place, at] of times.entries()) {
    const value = column[place] ?? null;
    if (at < from || at > to || (value === null && points.length === 0)) continue;
    if (at - before > 2.5 * usual) points.push([before + usual, null]);
    points.push([at, value]);
    before = at;
  }
  return points;
}

function usualStep(times: readonly number[]): number {
  const steps = times
    .slice(1)
    .map((at, place) => at - (times[place] as number))
    .sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? Number.POSITIVE_INFINITY;
}

function idOf(service: string, from: number): string {
  const name = createHash("sha256").update(service).digest("hex").slice(0, 32);
  return `${name}.${(from / CHUNK_MS) % SLOTS}`;
}

/** What cannot be read is forgotten. */
function namesIn(text = "[]"): readonly (readonly [string, number])[] {
  try {
    const all: unknown = JSON.parse(text);
    return Array.isArray(all) ? all.filter((one): one is [string, number] => typeof one?.[0] === "string") : [];
  } catch {
    return [];
  }
}
