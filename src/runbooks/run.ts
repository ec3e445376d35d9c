import type { Behalf } from "../commands/perform.ts";
import type { Speaker } from "../commands/speaker.ts";
import type { Arguments, Runbook, Step } from "./runbook.ts";

/** A runbook that was begun, as it stands in the store; survives JSON. Nobody changes one: `runs.ts` writes the next. */
export interface Run {
  /** `rb7f3a9c`, for typing. */
  readonly id: string;
  readonly runbook: string;
  /** The file as it was when the run began: a change of it is for the next. */
  readonly text: string;
  readonly args: Arguments;
  /** Names of those that are secret: shown nowhere, and not kept once it has ended. */
  readonly secret?: readonly string[];
  readonly by: Beginner;
  /** Epoch ms. */
  readonly startedAt: number;
  /** The engine that drives it; another one takes over by writing its own name here. */
  readonly driver: string;
  readonly phase: Phase;
  /** What becomes of it once the present phase is over, and why. */
  readonly outcome: "done" | "failed" | "aborted";
  readonly why?: string;
  /** Set by people, taken at the next boundary of a step. */
  readonly paused?: { readonly by: string; readonly why?: string };
  readonly abort?: { readonly by: string };
  /** In the order in which they began. */
  readonly records: readonly StepRecord[];
  /** Epoch ms; absent while it is open. */
  readonly endedAt?: number;
}

export type Phase = "steps" | "rollback" | "failure";

/** Who began it; steps are carried out as them. */
export interface Beginner extends Speaker {
  readonly behalf: Behalf;
}

/** One step's durable state. */
export interface StepRecord {
  readonly step: string;
  readonly phase: Phase;
  /**
   * `begun`: written before the command; `again`: an attempt failed and the next one waits; `unknown`: it was a write, and
   * it was cut off, or the process went before its end was written.
   */
  readonly state: "begun" | "again" | "done" | "failed" | "skipped" | "unknown";
  /** Tells this attempt from another. */
  readonly token: string;
  /** Of `run`, `wait` and `approve` steps; a wait and an approval go on after a restart. */
  readonly kind: "run" | "wait" | "approve";
  /** What was said, cut. */
  readonly line: string;
  readonly effect: "read" | "write";
  readonly attempt: number;
  readonly at: number;
  readonly endedAt?: number;
  /** Facts, where a later step looks at them. */
  readonly result?: unknown;
  /** In a few words, for people. */
  readonly told?: string;
  readonly error?: string;
  readonly approvals?: readonly Speaker[];
  readonly refusedBy?: string;
  /** Who said how it ended, when that was not known. */
  readonly settledBy?: string;
}

/** What a run does next. */
export type Task =
  | { readonly kind: "step"; readonly step: Step; readonly record: StepRecord | undefined }
  | { readonly kind: "turn"; readonly to: Phase; readonly outcome: Run["outcome"]; readonly why?: string }
  | { readonly kind: "hold"; readonly on: "paused" | "unknown"; readonly record?: StepRecord }
  | { readonly kind: "end" };

/** Out of what is written alone, so that whoever takes over comes to the same. */
export function nextTask(run: Run, book: Runbook): Task {
  const last = run.records.at(-1);
  if (run.abort && run.phase === "steps") {
    const why = `${run.abort.by} aborted it`;
    return { kind: "turn", to: book.onAbort === "keep" ? "failure" : "rollback", outcome: "aborted", why };
  }
  if (last?.state === "unknown" && last.phase === run.phase) return { kind: "hold", on: "unknown", record: last };
  if (run.paused) return { kind: "hold", on: "paused" };
  const own = run.records.filter(({ phase }) => phase === run.phase);
  const open = own.find(({ state }) => state === "begun" || state === "again");
  const recordOf = ({ id }: Step) => own.find(({ step }) => step === id);
  switch (run.phase) {
    case "steps": {
      const failed = own.find(({ state }) => state === "failed");
      if (failed) {
        const why = `step ${failed.step} failed: ${failed.error ?? "no reason was given"}`;
        return { kind: "turn", to: "rollback", outcome: "failed", why };
      }
      const step = book.steps.find((one) => recordOf(one) === undefined || recordOf(one) === open);
      return step ? { kind: "step", step, record: open } : { kind: "end" };
    }
    case "rollback": {
      const step = undone(run, book).find((one) => recordOf(one) === undefined || recordOf(one) === open);
      if (step) return { kind: "step", step, record: open };
      return { kind: "turn", to: "failure", outcome: run.outcome };
    }
    case "failure": {
      const steps = run.outcome === "failed" ? book.onFailure : [];
      const step = steps.find((one) => recordOf(one) === undefined || recordOf(one) === open);
      return step ? { kind: "step", step, record: open } : { kind: "end" };
    }
  }
}

/** The steps that were done and can be taken back, the last first. */
function undone(run: Run, book: Runbook): readonly Step[] {
  const done = run.records.filter(({ phase, state }) => phase === "steps" && state === "done").map(({ step }) => step);
  return done.toReversed().flatMap((id) => book.steps.find((step) => step.id === id && step.rollback) ?? []);
}

/** What is known of a run whose driver went: a write that had begun may have been done or not; everything else goes on. */
export function recovered(run: Run, driver: string): Run {
  const records = run.records.flatMap((record): StepRecord[] => {
    if (record.state !== "begun" || record.kind !== "run") return [record];
    return record.effect === "read" ? [] : [{ ...record, state: "unknown" }];
  });
  return { ...run, driver, records };
}

/** In a word: what it is doing, or how it ended. */
export function stateOf(run: Run): string {
  const last = run.records.at(-1);
  if (run.endedAt !== undefined) return run.outcome;
  if (last?.state === "unknown" && last.phase === run.phase && !run.abort) return "unknown, not repeated";
  if (run.paused) return "paused";
  if (last?.kind === "approve" && last.state === "begun") return "waits for approval";
  if (run.phase !== "steps") return run.phase === "rollback" ? "being rolled back" : "ending";
  return "running";
}
