import type { Rate } from "./rate.ts";

/**
 * How much may be said and done. Each process counts for itself: to share the counts would cost every message a write into
 * the store, and a flood would flood that. So with three replicas it may be three times as much at most.
 */
export interface LimitInit {
  /** What one person may say, on all networks together. @default 30/10s */
  readonly person?: Rate | "none";
  /** What one stranger may say; those whom nobody can tell apart are one in each room. @default 10/10s */
  readonly guest?: Rate | "none";
  /** What may be said in one room by everybody, half of it by strangers. @default 100/10s */
  readonly room?: Rate | "none";
  /** How often one command may be run by everybody. @default 300/10s */
  readonly command?: Rate | "none";
  /** How often one service may be acted on by everybody. @default 100/10s */
  readonly target?: Rate | "none";
}

export const LIMITS = {
  person: { count: 30, ms: 10_000, burst: 30 },
  guest: { count: 10, ms: 10_000, burst: 10 },
  room: { count: 100, ms: 10_000, burst: 100 },
  command: { count: 300, ms: 10_000, burst: 300 },
  target: { count: 100, ms: 10_000, burst: 100 },
} as const satisfies Required<LimitInit>;

/** For whoever disturbs nobody else. */
export const UNLIMITED = {
  person: "none",
  guest: "none",
  room: "none",
  command: "none",
  target: "none",
} as const satisfies LimitInit;
