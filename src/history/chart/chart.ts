/** Lines over time, to be drawn: `picture.ts` makes a PNG of them, `sparkline.ts` text. Survives JSON. */
export interface Chart {
  /** `payments: latency`. */
  readonly title: string;
  /** What the numbers are, which decides how they are written. */
  readonly unit: Unit;
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  /** IANA name, for the times under it. */
  readonly zone: string;
  /** Drawn in this order; from the ninth on they are left out, and counted in the title. */
  readonly series: readonly Series[];
  /** What happened meanwhile: a version that came, an incident. At most 20 are drawn. */
  readonly marks?: readonly Mark[];
}

export type Unit = "ms" | "bytes" | "count" | "perSecond";

export interface Series {
  readonly name: string;
  /** By time; `null`: there was a time without a sample, and the line has a gap. */
  readonly points: readonly Point[];
}

/** Epoch ms, and the value then. */
export type Point = readonly [at: number, value: number | null];

export interface Mark {
  readonly at: number;
  /** A word or two: `1.4.0`. */
  readonly words: string;
}

/** More lines than this are no picture any more. */
export const MAX_SERIES = 8;
