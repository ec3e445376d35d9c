/** What is sampled of a node. */
export const MEASURES = ["latency", "memory", "threads", "gc", "requests", "errors"] as const;

export type Measure = (typeof MEASURES)[number];

/**
 * What was found of a node at one time; what is left out was not told. `latency`: ms of a round trip; `memory`: bytes; `threads`; `gc`: ms
 * within a minute in which it collected garbage; `requests`, `errors`: for each second.
 */
export type Sample = Readonly<Partial<Record<Measure, number>>>;

/** A stretch of time of one service: a column of numbers for each node and measure. */
export interface Chunk {
  readonly service: string;
  /** Epoch ms. */
  readonly from: number;
  /** Epoch ms, of the columns' places. */
  readonly at: readonly number[];
  /** By node; a column may be shorter than `at`. */
  readonly nodes: Readonly<Record<string, Readonly<Partial<Record<Measure, readonly (number | null)[]>>>>>;
}

/** Columns as JSON: seconds since its beginning, KiB, three digits that say something (four of memory). */
export function chunkText({ service, from, at, nodes }: Chunk): string {
  const packed = Object.entries(nodes).map(([id, columns]) => [
    id,
    Object.fromEntries(MEASURES.flatMap((name) => (columns[name] ? [[name, columns[name].map(packing(name))]] : []))),
  ]);
  const seconds = at.map((one) => (one - from) / 1000);
  return JSON.stringify({ service, from, at: seconds, nodes: packed });
}

/** @returns `undefined` for what is none */
export function chunkIn(text: string): Chunk | undefined {
  try {
    const { service, from, at, nodes } = JSON.parse(text) as {
      service: string;
      from: number;
      at: number[];
      nodes: [string, Record<string, (number | null)[]>][];
    };
    return {
      service,
      from,
      at: at.map((seconds) => from + seconds * 1000),
      nodes: Object.fromEntries(nodes.map(([id, columns]) => [id, unpacked(columns)])),
    };
  } catch {
    return undefined;
  }
}

const KIB = 1024;

function packing(measure: Measure): (value: number | null) => number | null {
  if (measure === "memory") return (value) => (value === null ? null : Number((value / KIB).toPrecision(4)));
  return (value) => (value === null ? null : Number(value.toPrecision(3)));
}

function unpacked(columns: Readonly<Record<string, readonly (number | null)[]>>): Chunk["nodes"][string] {
  const { memory } = columns;
  return memory === undefined
    ? columns
    : { ...columns, memory: memory.map((value) => (value === null ? null : value * KIB)) };
}
