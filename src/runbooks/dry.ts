import type { Catalog } from "../commands/catalog.ts";
import { chatLine } from "../commands/line.ts";
import type { Performer } from "../commands/perform.ts";
import { toldBy } from "../commands/told.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { createRedactor } from "../core/redact.ts";
import { keepable, say, short } from "./act.ts";
import { does } from "./draw.ts";
import type { Beginner, Run, StepRecord } from "./run.ts";
import type { Arguments, Runbook, Step } from "./runbook.ts";
import { scopeOf } from "./scope.ts";
import { fill } from "./template.ts";

export interface DryInit {
  readonly performer: Performer;
  readonly catalog: () => Catalog;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What a step would do, in the order in which it would. */
export interface Rehearsed {
  readonly step: string;
  /** `read`: it was said; `write`: it would be said. */
  readonly what: "read" | "write" | "wait" | "approve" | "skip" | "unknown";
  readonly line: string;
  readonly told?: string;
}

/**
 * Goes through a runbook without changing anything: reads are said, since later steps hang on them, and the performer is told
 * that nothing may be written; of everything else it is shown what would be said.
 */
export async function rehearse(
  book: Runbook,
  args: Arguments,
  by: Beginner,
  init: DryInit,
): Promise<readonly Rehearsed[]> {
  const { clock, signal } = init;
  const id = `dry${clock.now().toString(36)}`;
  let run: Run = {
    id,
    runbook: book.name,
    text: book.text,
    args,
    by,
    startedAt: clock.now(),
    driver: "",
    phase: "steps",
    outcome: "done",
    records: [],
  };
  const shown: Rehearsed[] = [];
  const remember = (step: Step, record: Partial<StepRecord>) => {
    const whole: StepRecord = {
      ...{ step: step.id, phase: "steps", state: "done", token: "", kind: "run", line: "", effect: "read", attempt: 1 },
      at: clock.now(),
      ...record,
    };
    run = { ...run, records: [...run.records, whole] };
  };
  for (const step of book.steps) {
    signal.throwIfAborted();
    const { act, when } = step;
    if (when && !holds(step, run)) {
      shown.push({ step: step.id, what: "skip", line: does(step), told: `as it is now: not ${when.text}` });
      remember(step, { state: "skipped" });
      continue;
    }
    if (act.kind === "approve") {
      shown.push({ step: step.id, what: "approve", line: does(step) });
      remember(step, {});
      continue;
    }
    let line: string;
    try {
      line = fill(act.line, scopeOf(run), init.catalog());
    } catch (error) {
      shown.push({ step: step.id, what: "unknown", line: act.line.text, told: short(MicroError.from(error).message) });
      continue;
    }
    const { text: shownLine } = toldBy(chatLine(line), init.catalog(), createRedactor());
    const effect = init.catalog().match(chatLine(line))?.command.effect ?? "write";
    if (effect === "write") {
      shown.push({ step: step.id, what: "write", line: shownLine });
      remember(step, { effect });
      continue;
    }
    const what = act.kind === "wait" ? "wait" : "read";
    try {
      const performed = await say(line, run, `${id}.${step.id}`, init, { signal, readOnly: true });
      const ended = keepable(performed, step, book);
      shown.push({
        step: step.id,
        what,
        line: what === "wait" ? does(step).replace(act.line.text, () => shownLine) : shownLine,
        ...(ended.told && { told: ended.told }),
      });
      remember(step, ended);
    } catch (error) {
      const { message } = MicroError.from(error);
      shown.push({ step: step.id, what, line: shownLine, told: short(message) });
      remember(step, { state: "failed", error: short(message) });
    }
  }
  return shown;
}

/** What hangs on a step that was only shown is taken to be so. */
function holds(step: Step, run: Run): boolean {
  const unknown = (step.when?.references ?? []).some(([first, id, what]) => {
    const record = run.records.find((one) => one.step === id);
    return first === "steps" && what === "result" && (record === undefined || record.effect === "write");
  });
  if (unknown) return true;
  try {
    return step.when?.holds(scopeOf(run)) ?? true;
  } catch {
    return true;
  }
}
