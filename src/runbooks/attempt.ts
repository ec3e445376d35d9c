import type { Performed } from "../commands/perform.ts";
import { MicroError } from "../core/errors.ts";
import type { Redactor } from "../core/redact.ts";
import {
  type ActInit,
  type Ended,
  keepable,
  mayHaveBeenDone,
  mayTryAgain,
  say,
  short,
  spoken,
  templateOf,
} from "./act.ts";
import type { Run, StepRecord } from "./run.ts";
import type { Runbook, Step } from "./runbook.ts";
import type { Wanted } from "./wanted.ts";
import type { Held, Writing } from "./written.ts";

export interface AttemptInit extends ActInit {
  readonly writing: Writing;
  readonly wanted: Wanted;
  readonly redactor: Redactor;
  /** What writes is cut off then. */
  readonly gone: AbortSignal;
  readonly onPoint: (point: string) => void;
}

/** Attempts at steps that say a line: written down, said, and what came of it written down. */
export interface Attempts {
  /** @param before the attempt that was written down last @throws MicroError when nothing has begun */
  run(run: Run, step: Step, before: StepRecord | undefined, book: Runbook, lease: Held): Promise<void>;
  /** The run has ended. */
  forget(id: string): void;
}

export function createAttempts(init: AttemptInit): Attempts {
  const { writing, wanted, clock, redactor, gone, onPoint } = init;
  /** By run, the attempt that was written down, if at all, and surely not said. */
  const unsaid = new Map<string, string>();

  const failed = async (
    run: Run,
    { id, act }: Step,
    { token, effect, attempt }: StepRecord,
    error: MicroError,
    lease: Held,
  ) => {
    const { code, message, details } = error;
    const cut = effect === "read" ? code === "cancelled" : gone.aborted;
    // A read is said anew; of a write nobody knows, and whoever comes next says so.
    if (cut && effect === "write") return;
    if (cut || details["paused"] === true) {
      await writing.surely(run.id, lease, (now) => ({
        ...now,
        records: now.records.filter((one) => one.token !== token),
        ...(details["paused"] === true && { paused: { by: "`pause writes`", why: short(message) } }),
      }));
      return;
    }
    const again = run.phase === "steps" && mayTryAgain(act, effect, attempt, error);
    const state = again ? "again" : effect === "write" && mayHaveBeenDone(error) ? "unknown" : "failed";
    await writing.finish(run.id, token, lease, { state, error: short(message) });
    onPoint(`failed ${id} ${run.phase}`);
    if (again && act.kind === "run") {
      await wanted.whileWanted(run.id, (signal) => clock.sleep(act.everyMs, { signal })).catch(() => {});
    }
  };

  return {
    forget: (id) => {
      unsaid.delete(id);
    },
    run: async (run, step, before, book, lease) => {
      if (before?.state === "begun" && before.effect === "write" && unsaid.get(run.id) !== before.token) {
        const error = "how it ended could not be written down";
        return writing.finish(run.id, before.token, lease, { state: "unknown", error });
      }
      const template = templateOf(step, run);
      if (template === undefined) throw new MicroError("internal", `step ${step.id} says no line`);
      const attempt = before?.state === "again" ? before.attempt + 1 : 1;
      const { line, effect, shown, secrets } = spoken(template, run, init.catalog(), redactor);
      const record = writing.fresh(step, run, { line: shown, effect, attempt, ...(before && { at: before.at }) });
      unsaid.set(run.id, record.token);
      await writing.begin(run, record);
      // Somebody else may have taken over while that was written; from here on nobody does without asking.
      if (!lease.held()) return;
      unsaid.delete(run.id);
      const id = `${run.id}.${step.id}${run.phase === "rollback" ? ".back" : ""}${attempt === 1 ? "" : `.${attempt}`}`;
      const work = (signal: AbortSignal) => say(line, run, id, init, { signal });
      let performed: Performed;
      const forget = redactor.add(secrets);
      try {
        performed = await (effect === "read" ? wanted.whileWanted(run.id, work) : work(gone));
      } catch (error) {
        const { code, message, details } = MicroError.from(error);
        const hushed = new MicroError(code, redactor.text(message), { details });
        forget();
        return failed(run, step, record, hushed, lease);
      }
      const ended = redactor.json(keepable(performed, step, book)) as Ended;
      forget();
      onPoint(`performed ${step.id} ${run.phase}`);
      await writing.finish(run.id, record.token, lease, ended).catch((error: unknown) => {
        if (MicroError.from(error).code !== "exhausted") throw error;
        // It was done, whether the store takes what it found out or not.
        const told = "what it found out cannot be kept";
        return writing.finish(run.id, record.token, lease, { state: "done", error: told });
      });
      onPoint(`done ${step.id} ${run.phase}`);
    },
  };
}
