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
  "status" | "severity" | "openedAt" | "turns" | "acked" | "silence" | "escalated" | "cards"
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
function countsFrom({ openedAt, turns, silence, severity, cards }: Escalating): number {
  const began = Math.max(openedAt, turns.at(-1) ?? 0);
  const quiet = severity === "critical" ? [] : cards.map(({ held }) => held?.until ?? 0);
  // Where one room was told at once somebody could have answered.
  const told = quiet.length > 0 ? Math.min(...quiet) : 0;
  return Math.max(began, silence?.until ?? 0, told);
}

/** A step is begun; who is told is known. @returns itself when there is nothing more to be done */
export function stepBegun(
  incident: Incident,
  { number }: NextStep,
  steps: readonly Step[],
  to: string,
  now: number,
  stuck?: ReadonlySet<number>,
): Incident {
  const next = nextStep(incident, steps, stuck);
  if (next === undefined || next.number !== number || next.at > now) return incident;
  const others = (incident.escalated ?? []).filter(({ step }) => step !== number);
  return { ...incident, escalated: [...others, { step: number, at: now, to }] };
}

/** Somebody was told. @param where as people call it */
export function stepSaid(incident: Incident, number: number, to: string, where: string, now: number): Incident {
  const entry = (incident.escalated ?? []).find(({ step }) => step === number);
  if (entry === undefined || entry.saidAt !== undefined) return incident;
  const done = { ...entry, to, where, saidAt: now };
  const others = (incident.escalated ?? []).filter(({ step }) => step !== number);
  const did = { at: now, by: "escalation", what: `told ${to} ${where}` };
  return { ...incident, changedAt: now, escalated: [...others, done], did: [...incident.did, did].slice(-30) };
}

/** It was certainly not said: it is as if it had not been begun. */
export function stepUnsaid(incident: Incident, number: number): Incident {
  const left = (incident.escalated ?? []).filter(({ step, saidAt }) => step !== number || saidAt !== undefined);
  return { ...incident, escalated: left };
}
