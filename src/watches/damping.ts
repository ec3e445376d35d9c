import { GONE } from "./state.ts";

/* What has to hold before it is told, and what changes too often to be told. Pure: times are arguments, in ms. */

/** A new state has been there for so long, or was seen by so many probes. */
export const HOLD_MS = 10_000;
const HOLD_PROBES = 2;
/** What was not there when the bot came back has gone after so long: registries and services take their time to come. */
export const GONE_AWAY_MS = 30_000;
/** What changes all the time without ever being what it was is told after so long in any case. */
const MOST_HOLD_MS = 60_000;
/** More turns than this within that time are flapping, until nothing has changed for as long. */
export const FLAP_TURNS = 4;
export const FLAP_MS = 600_000;

/** A state that differs from what people know. */
export interface Candidate {
  readonly key: string;
  readonly since: number;
  /** Since when it has differed, in whatever way. */
  readonly first: number;
  readonly probes: number;
}

/** @param probed nodes were asked just now @returns `undefined`: it is what people know */
export function candidateOf(
  before: Candidate | undefined,
  known: string | undefined,
  state: string,
  probed: boolean,
  now: number,
): Candidate | undefined {
  if (state === known) return undefined;
  const probes = probed ? 1 : 0;
  if (before?.key === state) return probed ? { ...before, probes: before.probes + 1 } : before;
  return { key: state, since: now, first: before?.first ?? now, probes };
}

/** From when on it may be told. */
function heldFrom({ since, first, probes }: Candidate): number {
  if (probes >= HOLD_PROBES) return since;
  return Math.min(since + HOLD_MS, first + MOST_HOLD_MS);
}

/**
 * The same of a watch that nobody has looked at for a while (`away`): services begin anew together with the bot, and some registries take
 * their time to tell who is there.
 */
export function tellFrom(away: boolean, candidate: Candidate): number {
  const held = heldFrom(candidate);
  return away && candidate.key === GONE ? Math.max(held, candidate.since + GONE_AWAY_MS) : held;
}

/** The turns that still count, with one now. */
export function turnsWith(turns: readonly number[], now: number): number[] {
  return [...turns.filter((at) => at > now - FLAP_MS && at <= now), now].slice(-(FLAP_TURNS + 1));
}

/** From when on something that flapped is quiet. */
export function quietFrom(turns: readonly number[], since: number): number {
  return Math.max(since, turns.at(-1) ?? 0) + FLAP_MS;
}
