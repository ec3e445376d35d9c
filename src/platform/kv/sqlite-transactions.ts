import { backoff } from "../../core/backoff.ts";
import type { Clock } from "../../core/clock.ts";
import type { Deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";

/** When to stop waiting. */
export type Limit = Pick<Deadline, "check" | "signal">;

/** Until then, however long that is. */
export function untilAbort(signal: AbortSignal): Limit {
  return { signal, check: () => signal.throwIfAborted() };
}

export interface TransactionsInit {
  readonly clock: Clock;
  begin(): void;
  /** Afterwards whoever reads sees it; it may not be on the disk yet. */
  commit(): void;
  rollback(): void;
  /** Resolves when what was committed before the call is on the disk. */
  sync(): Promise<void>;
  /** Something was written, and is on the disk. */
  onWritten?(): void;
}

export interface Transactions {
  /** Does it, and again when another process holds the file, until the limit is over. */
  patiently<T>(limit: Limit, work: () => T): Promise<T>;
  /**
   * Does it in a transaction, together with what else wants one just now, and resolves when it is on the disk: the sync, which is
   * what a write costs, is shared, and the event loop goes on meanwhile. `undefined` says that nothing was changed.
   */
  run<T>(limit: Limit, work: () => T | undefined): Promise<T | undefined>;
}

/** So many writes share a sync at most. */
const BATCH = 256;
/** For so many turns of the loop at most whoever has come waits for others. */
const TURNS = 32;
const FIRST_MS = 1;
const MOST_MS = 20;

export function createTransactions(init: TransactionsInit): Transactions {
  const { clock } = init;
  let waiting: Job[] = [];
  let running = false;

  const patiently = async <T>(limit: Limit, work: () => T): Promise<T> => {
    for (let attempt = 0; ; attempt++) {
      limit.check();
      try {
        return work();
      } catch (error) {
        if (!isBusy(error)) throw error;
      }
      await clock.sleep(backoff(Math.min(attempt, 10), FIRST_MS, MOST_MS), { signal: limit.signal });
    }
  };
  const abandon = () => {
    try {
      init.rollback();
    } catch {
      // There was none to roll back, or it is closed.
    }
  };
  /** @returns what became of each; `undefined`: another process is writing. Throws what none of them survived */
  const attempt = (
    jobs: readonly Job[],
  ): { readonly results: readonly unknown[]; readonly wrote: boolean } | undefined => {
    try {
      init.begin();
    } catch (error) {
      if (isBusy(error)) return undefined;
      throw error;
    }
    try {
      const results = jobs.map(({ work }) => work());
      const wrote = results.some((result) => result !== undefined);
      if (wrote) init.commit();
      else init.rollback();
      return { results, wrote };
    } catch (error) {
      abandon();
      if (isBusy(error)) return undefined;
      throw error;
    }
  };
  /** @returns whether they are done, well or badly */
  const carryOut = async (jobs: readonly Job[]): Promise<boolean> => {
    try {
      const done = attempt(jobs);
      if (done === undefined) return false;
      if (done.wrote) await init.sync();
      for (const [at, { succeed }] of jobs.entries()) succeed(done.results[at]);
      if (done.wrote) init.onWritten?.();
    } catch (error) {
      for (const { fail } of jobs) fail(error);
    }
    return true;
  };
  /** As long as every turn of the loop brings another one, the sync waits for it: that is the dearest of all. */
  const gather = async (): Promise<void> => {
    let had = 0;
    for (let turns = 0; turns < TURNS && waiting.length > had && waiting.length < BATCH; turns++) {
      had = waiting.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const work = async (): Promise<void> => {
    for (let busy = 0; ; ) {
      await gather();
      waiting = waiting.filter(stillWanted);
      const jobs = waiting.slice(0, BATCH);
      if (jobs.length === 0) break;
      if (await carryOut(jobs)) {
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
    run: <T>(limit: Limit, job: () => T | undefined) =>
      new Promise<T | undefined>((resolve, reject) => {
        waiting.push({ limit, work: job, succeed: (result) => resolve(result as T | undefined), fail: reject });
        if (running) return;
        running = true;
        void work();
      }),
  };
}

interface Job {
  readonly limit: Limit;
  work(): unknown;
  succeed(result: unknown): void;
  fail(error: unknown): void;
}

/** Nobody waits for what is over. */
function stillWanted({ limit, fail }: Job): boolean {
  try {
    limit.check();
    return true;
  } catch (error) {
    fail(error);
    return false;
  }
}

function isBusy(error: unknown): boolean {
  if (error instanceof MicroError) return false;
  return /^SQLITE_(BUSY|LOCKED)/.test(String((error as { code?: unknown } | null)?.code ?? ""));
}
