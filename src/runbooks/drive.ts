import { randomUUID } from "node:crypto";
import { chatLine } from "../commands/line.ts";
import type { Performed } from "../commands/perform.ts";
import { toldBy } from "../commands/told.ts";
import { backoff } from "../core/backoff.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Redactor } from "../core/redact.ts";
import type { Lease } from "../platform/lease.ts";
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
  waitUntil,
} from "./act.ts";
import { approvalOf } from "./approval.ts";
import { bookOf } from "./book.ts";
import { nextTask, type Run, type StepRecord } from "./run.ts";
import type { Runbook, Step } from "./runbook.ts";
import type { Runs } from "./runs.ts";
import { scopeOf } from "./scope.ts";
import { secretValues } from "./secret.ts";
import { withResult, withRoom } from "./size.ts";

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
  advance(id: string, lease: Pick<Lease, "held">): Promise<Run | undefined>;
  forget(id: string): void;
}

/** What nobody tells us of is looked at so often. */
const LOOK_MS = 5000;

export function createDriver(init: DriverInit): Driver {
  const { runs, owner, clock, log, redactor, leaving, gone, onPoint = () => {} } = init;
  const books = new Map<string, Runbook>();
  const asked = new Map<string, string>();
  /** By run, the attempt that was written down, if at all, and surely not said. */
  const unsaid = new Map<string, string>();
  /** By run, what ends the looking for its secrets. */
  const hiding = new Map<string, () => void>();
  const tell = (line: string) => toldBy(chatLine(line), init.catalog(), redactor);
  const bookFor = (run: Run) => {
    const book = books.get(run.id) ?? bookOf(run);
    books.set(run.id, book);
    return book;
  };

  /** Only while it is ours: whoever has taken it over has written so. */
  const change = (id: string, next: (run: Run) => Run | undefined) =>
    runs.change(id, (run) => {
      if (run.driver !== owner) throw new MicroError("conflict", `another process has taken ${id} over`);
      return next(run);
    });
  /** Until the store has it: what was done must be known. */
  const surely = async (id: string, lease: Pick<Lease, "held">, next: (run: Run) => Run | undefined): Promise<void> => {
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
  /** Writes how an attempt ended, also where somebody else has taken it for unknown meanwhile. */
  const finish = (id: string, token: string, lease: Pick<Lease, "held">, ended: Ended) => {
    const hushed = redactor.json(ended) as Ended;
    return surely(id, lease, (run) =>
      withRecord(run, token, (record) =>
        record.state === "begun" || record.state === "unknown"
          ? withResult({ ...record, ...hushed, endedAt: clock.now() }, run)
          : undefined,
      ),
    ).catch((error: unknown) => {
      const { code, message } = MicroError.from(error);
      // It has begun, so it is not to be taken for one that cannot be said.
      throw code === "invalid_argument" ? new MicroError("exhausted", message, { cause: error }) : error;
    });
  };
  const begin = async (run: Run, record: StepRecord): Promise<Run> => {
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
  };
  const fresh = (step: Step, run: Run, rest: Partial<StepRecord>): StepRecord => ({
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
  });

  /** Ends when people abort or pause, or the bot stops: what only looks need not be waited for. */
  const whileWanted = async <T>(id: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const end = new AbortController();
    const leave = () => end.abort(new MicroError("cancelled", "it is not wanted any more"));
    leaving.addEventListener("abort", leave, { once: true });
    const off = runs.onChange((run) => {
      if (run.id === id && (run.abort || run.paused)) leave();
    });
    const watch = async () => {
      while (!end.signal.aborted) {
        await runs.changed(id, LOOK_MS, end.signal);
        const run = end.signal.aborted ? undefined : await runs.get(id).catch(() => undefined);
        if (run?.abort || run?.paused || (run && run.driver !== owner)) leave();
      }
    };
    const watching = watch();
    try {
      return await work(end.signal);
    } finally {
      off();
      leaving.removeEventListener("abort", leave);
      end.abort();
      await watching;
    }
  };

  const runStep = async (
    run: Run,
    step: Step,
    before: StepRecord | undefined,
    book: Runbook,
    lease: Pick<Lease, "held">,
  ) => {
    if (before?.state === "begun" && before.effect === "write" && unsaid.get(run.id) !== before.token) {
      await finish(run.id, before.token, lease, { state: "unknown", error: "how it ended could not be written down" });
      return;
    }
    const attempt = before?.state === "again" ? before.attempt + 1 : 1;
    const said = spoken(templateOf(step, run) ?? never(step), run, init.catalog());
    const told = tell(said.line);
    const line = short(told.text);
    const record = fresh(step, run, { ...said, line, attempt, ...(before && { at: before.at }) });
    unsaid.set(run.id, record.token);
    await begin(run, record);
    // Somebody else may have taken over while that was written; from here on nobody does without asking.
    if (!lease.held()) return;
    unsaid.delete(run.id);
    const id = `${run.id}.${step.id}${run.phase === "rollback" ? ".back" : ""}${attempt === 1 ? "" : `.${attempt}`}`;
    const work = (signal: AbortSignal) => say(said.line, run, id, init, { signal });
    let performed: Performed;
    const forget = redactor.add(told.secrets);
    try {
      performed = await (said.effect === "read" ? whileWanted(run.id, work) : work(gone));
    } catch (error) {
      const { code, message, details } = MicroError.from(error);
      const hushed = new MicroError(code, redactor.text(message), { details });
      forget();
      await failed(run, step, record, hushed, lease);
      return;
    }
    const ended = redactor.json(keepable(performed, step, book)) as Ended;
    forget();
    onPoint(`performed ${step.id} ${run.phase}`);
    await finish(run.id, record.token, lease, ended).catch((error: unknown) => {
      if (MicroError.from(error).code !== "exhausted") throw error;
      // It was done, whether the store takes what it found out or not.
      return finish(run.id, record.token, lease, { state: "done", error: "what it found out cannot be kept" });
    });
    onPoint(`done ${step.id} ${run.phase}`);
  };

  const failed = async (
    run: Run,
    step: Step,
    { token, effect, attempt }: StepRecord,
    error: MicroError,
    lease: Pick<Lease, "held">,
  ) => {
    const { act } = step;
    const { code, message, details } = error;
    const cut = effect === "read" ? code === "cancelled" : gone.aborted;
    // A read is said anew; of a write nobody knows, and whoever comes next says so.
    if (cut && effect === "write") return;
    if (cut || details["paused"] === true) {
      await surely(run.id, lease, (now) => ({
        ...now,
        records: now.records.filter((one) => one.token !== token),
        ...(details["paused"] === true && { paused: { by: "`pause writes`", why: short(message) } }),
      }));
      return;
    }
    const again = run.phase === "steps" && mayTryAgain(act, effect, attempt, error);
    const state = again ? "again" : effect === "write" && mayHaveBeenDone(error) ? "unknown" : "failed";
    await finish(run.id, token, lease, { state, error: short(message) });
    onPoint(`failed ${step.id} ${run.phase}`);
    if (again && act.kind === "run") {
      await whileWanted(run.id, (signal) => clock.sleep(act.everyMs, { signal })).catch(() => {});
    }
  };

  const runWait = async (
    run: Run,
    step: Step,
    before: StepRecord | undefined,
    book: Runbook,
    lease: Pick<Lease, "held">,
  ) => {
    const { act } = step;
    if (act.kind !== "wait") return never(step);
    const said = spoken(act.line, run, init.catalog());
    if (said.effect === "write") {
      throw new MicroError(
        "invalid_argument",
        `a wait says its command again and again, and \`${said.line}\` may change something`,
      );
    }
    const record = before ?? fresh(step, run, { ...said, line: short(tell(said.line).text) });
    if (before === undefined) await begin(run, record);
    const ended = await whileWanted(run.id, (signal) =>
      waitUntil(act, said.line, record, run, step, book, init, signal),
    );
    if (ended) await finish(run.id, record.token, lease, ended);
  };

  /** Begun before the run is looked at, so that no change comes between. */
  const waiting = (id: string, ms: number) => {
    const over = new AbortController();
    const end = () => {
      leaving.removeEventListener("abort", end);
      over.abort();
    };
    if (leaving.aborted) over.abort();
    else leaving.addEventListener("abort", end, { once: true });
    return { changed: runs.changed(id, ms, over.signal), end };
  };

  const runApproval = async (run: Run, step: Step, before: StepRecord | undefined, lease: Pick<Lease, "held">) => {
    const { act } = step;
    if (act.kind !== "approve") return never(step);
    const record = before ?? fresh(step, run, { line: `approved by ${act.by.join(", ")}` });
    if (before === undefined) await begin(run, record);
    const wait = waiting(run.id, Math.min(LOOK_MS, Math.max(10, record.at + act.atMostMs - clock.now())));
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
    const wait = waiting(id, LOOK_MS);
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
      unsaid.delete(id);
      hiding.get(id)?.();
      hiding.delete(id);
    },
    advance: async (id, lease) => {
      const run = await runs.get(id);
      if (run === undefined) throw new MicroError("not_found", `no run ${id} is open`);
      if (run.endedAt !== undefined) return run;
      if (run.driver !== owner) throw new MicroError("conflict", `another process has taken ${id} over`);
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
              await runStep(run, step, record, book, lease);
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

function withRecord(run: Run, token: string, next: (record: StepRecord) => StepRecord | undefined): Run | undefined {
  const record = run.records.find((one) => one.token === token);
  const after = record && next(record);
  return after && { ...run, records: run.records.map((one) => (one.token === token ? after : one)) };
}

function never(step: Step): never {
  throw new MicroError("internal", `step ${step.id} is of another kind`);
}
