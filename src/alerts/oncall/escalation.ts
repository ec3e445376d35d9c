import type { Incident } from "../incidents/incident.ts";
import type { Step } from "./routing.ts";

/** The step of an escalation that is next. */
export interface NextStep {
  /** 0 is the first. */
  readonly number: number;
  readonly step: Step;
  /** Epoch ms. */
  readonly at: number;
  /** Since when nobody has answered; epoch ms. */
  readonly since: number;
}

type Escalating = Pick<
  Incident,
  "status" | "severity" | "openedAt" | "wantsSince" | "turns" | "acked" | "silence" | "escalated" | "cards"
>;

/**
 * Which step is next and when; `undefined`: nobody more is told, because somebody has acknowledged it, it is resolved, or all were
 * told. A step that was begun and not said is still the next one. What is silenced, or waits for the end of quiet hours, counts
 * from the end of that. @param stuck numbers of steps that cannot be said now, so that those behind them are
 */
export function nextStep(
  incident: Escalating,
  steps: readonly Step[],
  stuck: ReadonlySet<number> = new Set(),
): NextStep | undefined {
  if (incident.status === "resolved" || incident.acked) return undefined;
  const said = new Set((incident.escalated ?? []).filter((one) => one.saidAt !== undefined).map(({ step }) => step));
  const number = steps.findIndex((_step, at) => !said.has(at) && !stuck.has(at));
  const step = steps[number];
  if (step === undefined) return undefined;
  const since = countsFrom(incident);
  return { number, step, since, at: since + step.after };
}

/** When it began to want an answer. */
function countsFrom({ openedAt, wantsSince, turns, silence, severity, cards }: Escalating): number {
  // What was written down before that was kept has its last turn.
  const began = Math.max(openedAt, wantsSince ?? turns.at(-1) ?? 0);
  const quiet = severity === "critical" ? [] : cards.map(({ held }) => held?.until ?? 0);
  // Where one room was told at once somebody could have answered.
  const told = quiet.length > 0 ? Math.min(...quiet) : 0;
  return Math.max(began, silence?.until ?? 0, told);
}

/** Who begins a step. */
export interface Beginning {
  /** Who is told, as people call them. */
  readonly to: string;
  /** Epoch ms. */
  readonly now: number;
  /** The number of the turn of who begins it (`Incidents.turn`). */
  readonly turn: number;
  /** Numbers of steps that cannot be said now. */
  readonly stuck?: ReadonlySet<number>;
}

/**
 * A step is begun; who is told is known. What was begun in a later turn is not ours to say any more.
 * @returns itself when there is nothing more to be done
 */
export function stepBegun(
  incident: Incident,
  { number }: NextStep,
  steps: readonly Step[],
  { to, now, turn, stuck }: Beginning,
): Incident {
  const next = nextStep(incident, steps, stuck);
  if (next === undefined || next.number !== number || next.at > now) return incident;
  if ((openStep(incident, number)?.turn ?? 0) > turn) return incident;
  return { ...incident, escalated: [...othersOf(incident, number), { step: number, at: now, to, turn }] };
}

/** What was begun and not said, as far as anybody knows. */
export function openStep({ escalated = [] }: Pick<Incident, "escalated">, number: number) {
  return escalated.find(({ step, saidAt }) => step === number && saidAt === undefined);
}

/** Somebody was told, whoever has begun it since. @param where as people call it */
export function stepSaid(incident: Incident, number: number, to: string, where: string, now: number): Incident {
  const entry = (incident.escalated ?? []).find(({ step }) => step === number);
  if (entry === undefined || entry.saidAt !== undefined) return incident;
  const done = { ...entry, to, where, saidAt: now };
  const did = { at: now, by: "escalation", what: `told ${to} ${where}` };
  const escalated = [...othersOf(incident, number), done];
  return { ...incident, changedAt: now, escalated, did: [...incident.did, did].slice(-30) };
}

/** It was certainly not said in that turn: it is as if it had not been begun then. */
export function stepUnsaid(incident: Incident, number: number, turn: number): Incident {
  return openStep(incident, number)?.turn === turn ? { ...incident, escalated: othersOf(incident, number) } : incident;
}

function othersOf({ escalated = [] }: Pick<Incident, "escalated">, number: number) {
  return escalated.filter(({ step }) => step !== number);
}
