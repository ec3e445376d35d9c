import { backoff } from "../../core/backoff.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";

export interface TransactionsInit {
  readonly clock: Clock;
  readonly exec: (sql: string) => void;
  /** Something was written. */
  readonly onCommit: () => void;
}

export interface Transactions {
  /** Does it, and again when another process holds the file, until the signal aborts. */
  patiently<T>(signal: AbortSignal, work: () => T): Promise<T>;
  /**
   * Does it in a transaction, together with what else wants one just now: the sync to the disk, which is what a write
   * costs, is shared. `undefined` says that nothing was changed.
   */
  run<T>(signal: AbortSignal, work: () => T | undefined): Promise<T | undefined>;
}

/** So many writes share a sync at most. */
const BATCH = 256;
const FIRST_MS = 1;
const MOST_MS = 20;

export function createTransactions({ clock, exec, onCommit }: TransactionsInit): Transactions {
  let waiting: Job[] = [];
  let running = false;

  const patiently = async <T>(signal: AbortSignal, work: () => T): Promise<T> => {
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      try {
        return work();
      } catch (error) {
        if (!isBusy(error)) throw error;
      }
      await clock.sleep(backoff(Math.min(attempt, 10), FIRST_MS, MOST_MS), { signal });
    }
  };
  const abandon = () => {
    try {
      exec("ROLLBACK");
    } catch {
      // There was none to roll back, or it is closed.
    }
  };
  /** @returns whether they are done, well or badly; not: another process is writing */
  const attempt = (jobs: readonly Job[]): boolean => {
    try {
      exec("BEGIN IMMEDIATE");
    } catch (error) {
      if (isBusy(error)) return false;
      for (const { fail } of jobs) fail(error);
      return true;
    }
    try {
      const results = jobs.map(({ work }) => work());
      const wrote = results.some((result) => result !== undefined);
      exec(wrote ? "COMMIT" : "ROLLBACK");
      for (const [at, { succeed }] of jobs.entries()) succeed(results[at]);
      if (wrote) onCommit();
    } catch (error) {
      abandon();
      if (isBusy(error)) return false;
      for (const { fail } of jobs) fail(error);
    }
    return true;
  };
  const work = async (): Promise<void> => {
    for (let busy = 0; ; ) {
      waiting = waiting.filter(({ signal, fail }) => {
        if (signal.aborted) fail(signal.reason);
        return !signal.aborted;
      });
      const jobs = waiting.slice(0, BATCH);
      if (jobs.length === 0) break;
      if (attempt(jobs)) {
        waiting = waiting.slice(jobs.length);
        busy = 0;
      } else {
        await clock.sleep(backoff(Math.min(busy, 10), FIRST_MS, MOST_MS));
        busy += 1;
      }
    }
    running = false;
  };
  return {
    patiently,
    run: <T>(signal: AbortSignal, job: () => T | undefined) =>
      new Promise<T | undefined>((resolve, reject) => {
        waiting.push({ signal, work: job, succeed: (result) => resolve(result as T | undefined), fail: reject });
        if (running) return;
        running = true;
        // What is wanted in this turn of the loop comes along.
        setImmediate(() => void work());
      }),
  };
}

interface Job {
  readonly signal: AbortSignal;
  work(): unknown;
  succeed(result: unknown): void;
  fail(error: unknown): void;
}

function isBusy(error: unknown): boolean {
  if (error instanceof MicroError) return false;
  return /^SQLITE_(BUSY|LOCKED)/.test(String((error as { code?: unknown } | null)?.code ?? ""));
}
