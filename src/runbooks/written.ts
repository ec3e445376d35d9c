import { randomUUID } from "node:crypto";
import { backoff } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Redactor } from "../core/redact.ts";
import type { Lease } from "../platform/lease.ts";
import type { Ended } from "./act.ts";
import type { Run, StepRecord } from "./run.ts";
import type { Step } from "./runbook.ts";
import type { Runs } from "./runs.ts";
import { withResult, withRoom } from "./size.ts";

export interface WritingInit {
  readonly runs: Runs;
  /** The engine that drives. */
  readonly owner: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly redactor: Redactor;
  /** Nothing is tried again from then on. */
  readonly gone: AbortSignal;
  readonly onPoint: (point: string) => void;
}

/** What is written down of a run by whoever drives it: before each step, and after it. */
export interface Writing {
  /** Only while it is ours: whoever has taken it over has written so. @throws MicroError `conflict` */
  change(id: string, next: (run: Run) => Run | undefined): Promise<Run>;
  /** Tries until the store has it. @throws MicroError `not_found`, `invalid_argument`, and any once `gone` */
  surely(id: string, lease: Held, next: (run: Run) => Run | undefined): Promise<void>;
  /** A record of an attempt that begins now. */
  fresh(step: Step, run: Run, rest: Partial<StepRecord>): StepRecord;
  /** Writes that an attempt begins. @throws MicroError `invalid_argument`: there is no room for its end */
  begin(run: Run, record: StepRecord): Promise<Run>;
  /**
   * Writes how an attempt ended, also where somebody else has taken it for unknown meanwhile.
   * @throws MicroError `exhausted`: the store will not have so much
   */
  finish(id: string, token: string, lease: Held, ended: Ended): Promise<void>;
}

/** Whether a run is still ours. */
export type Held = Pick<Lease, "held">;

export function createWriting({ runs, owner, clock, log, redactor, gone, onPoint }: WritingInit): Writing {
  const change: Writing["change"] = (id, next) =>
    runs.change(id, (run) => {
      if (run.driver !== owner) throw new MicroError("conflict", `another process has taken ${id} over`);
      return next(run);
    });
  const surely: Writing["surely"] = async (id, lease, next) => {
    for (let attempt = 0; ; attempt++) {
      try {
        await runs.change(id, next);
        return;
      } catch (error) {
        const { code, message } = MicroError.from(error);
        if (code === "not_found" || code === "invalid_argument" || gone.aborted) throw error;
        log.warn({ run: id, held: lease.held(), reason: message }, "the end of a step cannot be written; trying again");
      }
      await clock.sleep(backoff(attempt, 20, 1000), { signal: gone }).catch(() => {});
    }
  };

  return {
    change,
    surely,
    fresh: (step, run, rest) => ({
      step: step.id,
      phase: run.phase,
      state: "begun",
      token: randomUUID(),
      kind: run.phase === "rollback" ? "run" : step.act.kind,
      line: "",
      effect: "read",
      attempt: 1,
      at: clock.now(),
      ...rest,
    }),
    begin: async (run, record) => {
      onPoint(`before begun ${record.step} ${record.phase}`);
      const { token, step, phase } = record;
      const after = await change(run.id, (before) => {
        if (before.records.some((one) => one.token === token)) return undefined;
        if (before.phase !== phase) throw new MicroError("conflict", `${run.id} is at another step by now`);
        const others = before.records.filter((one) => one.step !== step || one.phase !== phase);
        return withRoom({ ...before, records: [...others, record] });
      });
      onPoint(`begun ${record.step} ${record.phase}`);
      return after;
    },
    finish: async (id, token, lease, ended) => {
      const hushed = redactor.json(ended) as Ended;
      try {
        await surely(id, lease, (run) =>
          withRecord(run, token, (record) =>
            record.state === "begun" || record.state === "unknown"
              ? withResult({ ...record, ...hushed, endedAt: clock.now() }, run)
              : undefined,
          ),
        );
      } catch (error) {
        const { code, message } = MicroError.from(error);
        // It has begun, so it is not to be taken for one that cannot be said.
        throw code === "invalid_argument" ? new MicroError("exhausted", message, { cause: error }) : error;
      }
    },
  };
}

function withRecord(run: Run, token: string, next: (record: StepRecord) => StepRecord | undefined): Run | undefined {
  const record = run.records.find((one) => one.token === token);
  const after = record && next(record);
  return after && { ...run, records: run.records.map((one) => (one.token === token ? after : one)) };
}
