import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Redactor } from "../core/redact.ts";
import { type ActInit, short, spoken, waitUntil } from "./act.ts";
import { approvalOf } from "./approval.ts";
import { createAttempts } from "./attempt.ts";
import { bookOf } from "./book.ts";
import { nextTask, type Run, type StepRecord } from "./run.ts";
import type { Runbook, Step } from "./runbook.ts";
import type { Runs } from "./runs.ts";
import { scopeOf } from "./scope.ts";
import { secretValues } from "./secret.ts";
import { createWanted, LOOK_MS } from "./wanted.ts";
import { createWriting, type Held } from "./written.ts";

export interface DriverInit extends ActInit {
  /** Told what is about to happen, for tests that kill the process there. */
  readonly onPoint?: ((point: string) => void) | undefined;
  readonly runs: Runs;
  readonly owner: string;
  readonly log: Log;
  readonly redactor: Redactor;
  readonly leaving: AbortSignal;
  readonly gone: AbortSignal;
  /** Puts a question into the room: an approval, or how a write has ended. */
  readonly ask: (run: Run, record: StepRecord) => Promise<void>;
}

export interface Driver {
  /** Does the next thing of a run. @returns the run, once it has ended @throws MicroError when the store is away */
  advance(id: string, lease: Held): Promise<Run | undefined>;
  forget(id: string): void;
}

export function createDriver(init: DriverInit): Driver {
  const { runs, clock, redactor, onPoint = () => {} } = init;
  const books = new Map<string, Runbook>();
  const asked = new Map<string, string>();
  /** By run, what ends the looking for its secrets. */
  const hiding = new Map<string, () => void>();
  const writing = createWriting({ ...init, onPoint });
  const wanted = createWanted(init);
  const attempts = createAttempts({ ...init, writing, wanted, onPoint });
  const { change, fresh, begin, finish } = writing;
  const bookFor = (run: Run) => {
    const book = books.get(run.id) ?? bookOf(run);
    books.set(run.id, book);
    return book;
  };

  const runWait = async (run: Run, step: Step, before: StepRecord | undefined, book: Runbook, lease: Held) => {
    const { act } = step;
    if (act.kind !== "wait") return never(step);
    const { line, effect, shown } = spoken(act.line, run, init.catalog(), redactor);
    if (effect === "write") {
      throw new MicroError(
        "invalid_argument",
        `a wait says its command again and again, and \`${shown}\` may change something`,
      );
    }
    const record = before ?? fresh(step, run, { line: shown, effect });
    if (before === undefined) await begin(run, record);
    const ended = await wanted.whileWanted(run.id, (signal) =>
      waitUntil(act, line, record, run, step, book, init, signal),
    );
    if (ended) await finish(run.id, record.token, lease, ended);
  };

  const runApproval = async (run: Run, step: Step, before: StepRecord | undefined, lease: Held) => {
    const { act } = step;
    if (act.kind !== "approve") return never(step);
    const record = before ?? fresh(step, run, { line: `approval by ${act.count} of ${act.by.join(", ")}` });
    if (before === undefined) await begin(run, record);
    const wait = wanted.waiting(run.id, Math.min(LOOK_MS, Math.max(10, record.at + act.atMostMs - clock.now())));
    const now = await runs.get(run.id);
    const current = now?.records.find(({ token }) => token === record.token);
    const ended = current && approvalOf(act, current, clock.now());
    if (ended === undefined && now && current && !now.abort && !now.paused) {
      if (asked.get(run.id) !== record.token) {
        asked.set(run.id, record.token);
        await init.ask(now, current);
      }
      await wait.changed;
    }
    wait.end();
    if (ended) await finish(run.id, record.token, lease, ended);
  };

  const hold = async (id: string, run: Run, record: StepRecord | undefined) => {
    const wait = wanted.waiting(id, LOOK_MS);
    const now = await runs.get(id);
    const same = JSON.stringify(now) === JSON.stringify(run);
    if (same && record && asked.get(id) !== record.token) {
      asked.set(id, record.token);
      await init.ask(run, record);
    }
    if (same) await wait.changed;
    wait.end();
  };

  return {
    forget: (id) => {
      books.delete(id);
      asked.delete(id);
      attempts.forget(id);
      hiding.get(id)?.();
      hiding.delete(id);
    },
    advance: async (id, lease) => {
      const run = await runs.get(id);
      if (run === undefined) throw new MicroError("not_found", `no run ${id} is open`);
      if (run.endedAt !== undefined) return run;
      if (run.driver !== init.owner) throw new MicroError("conflict", `another process has taken ${id} over`);
      if (!hiding.has(id)) hiding.set(id, redactor.add(secretValues(run)));
      const book = bookFor(run);
      const task = nextTask(run, book);
      switch (task.kind) {
        case "hold":
          await hold(id, run, task.record);
          return undefined;
        case "turn":
          await change(id, (now) => ({
            ...now,
            phase: task.to,
            outcome: task.outcome,
            ...(task.why && { why: task.why }),
          }));
          return undefined;
        case "end":
          onPoint("ending");
          return change(id, (now) => ({ ...now, endedAt: clock.now() }));
        case "step": {
          const { step, record } = task;
          try {
            if (record === undefined && run.phase !== "rollback" && step.when?.holds(scopeOf(run)) === false) {
              await begin(run, fresh(step, run, { state: "skipped", line: step.when.text, endedAt: clock.now() }));
            } else if (run.phase === "rollback" || step.act.kind === "run") {
              await attempts.run(run, step, record, book, lease);
            } else if (step.act.kind === "wait") await runWait(run, step, record, book, lease);
            else await runApproval(run, step, record, lease);
          } catch (error) {
            const { code, message } = MicroError.from(error);
            // Nothing has begun: what it would say cannot be said.
            if (code !== "invalid_argument" && code !== "not_found") throw error;
            await begin(run, fresh(step, run, { state: "failed", error: short(message), endedAt: clock.now() }));
          }
          return undefined;
        }
      }
    },
  };
}

function never(step: Step): never {
  throw new MicroError("internal", `step ${step.id} is of another kind`);
}
