import { randomBytes } from "node:crypto";
import { backoff } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { CallOptions } from "../core/lifecycle.ts";
import type { Db } from "../platform/db/db.ts";
import { keyOf } from "../platform/kv/keys.ts";
import type { Kv } from "../platform/kv/kv.ts";
import type { Run } from "./run.ts";
import type { Runbook } from "./runbook.ts";
import { shownRun } from "./secret.ts";
import { checkBegun } from "./size.ts";

/** The tables that runbooks want of a `Db`. */
export const RUNBOOK_TABLES = { runs: { most: 10_000 } } as const;

/** Open runs in the store that replicas share, each changed by compare-and-set alone; ended ones among the records. */
export interface Runs {
  /** @throws MicroError `exhausted` when too many are open; `invalid_argument` when it is too large */
  create(run: Omit<Run, "id">, book: Runbook): Promise<Run>;
  /** Open, or ended: by this process, or lately by another. */
  get(id: string): Promise<Run | undefined>;
  open(): Promise<readonly Run[]>;
  /**
   * Writes what `next` makes of it; asked again when somebody else was faster. `undefined` from it: nothing is to be changed.
   * @throws MicroError `not_found` when it is not open; what `next` throws
   */
  change(id: string, next: (run: Run) => Run | undefined): Promise<Run>;
  /** Into the records, and out of what is open. */
  archive(run: Run): Promise<void>;
  history(query: { readonly runbook?: string; readonly limit: number }): Promise<readonly Run[]>;
  /** Resolves when the run was changed, by anybody, or after so long. Never rejects. */
  changed(id: string, ms: number, signal?: AbortSignal): Promise<void>;
  /** Tells of every change by this process at once. */
  onChange(listener: (run: Run) => void): () => void;
  start(options?: CallOptions): Promise<void>;
  stop(): Promise<void>;
}

export interface RunsInit {
  readonly kv: Kv;
  /** Started and stopped by whoever made it. */
  readonly db: Db;
  readonly clock: Clock;
}

/** More are not begun: each is looked at by every replica. */
const MAX_OPEN = 50;
const PREFIX = "runbook.run.";
/** Where the others find what one of them has ended, each run in one of so many places. */
const ENDED = "runbook.ended.";
const PLACES = 128;
/** Somebody else always comes first only where something is wrong. */
const ATTEMPTS = 50;

export function createRuns({ kv, db, clock }: RunsInit): Runs {
  const listeners = new Set<(run: Run) => void>();
  const waiting = new Set<{ readonly id: string; readonly wake: () => void }>();
  const watching = new AbortController();
  let loop: Promise<void> | undefined;
  const keyFor = (id: string) => `${PREFIX}${keyOf(id)}`;
  const wake = (id: string | undefined) => {
    for (const one of [...waiting]) if (id === undefined || one.id === id) one.wake();
  };
  const tell = (run: Run) => {
    for (const listener of [...listeners]) listener(run);
    wake(run.id);
  };
  const watch = async () => {
    const { signal } = watching;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const watcher = await kv.watch(PREFIX, { signal });
        attempt = 0;
        wake(undefined);
        for await (const { key } of watcher) wake(key.slice(PREFIX.length));
      } catch {
        // Who waits looks for himself after a while.
      }
      await clock.sleep(backoff(attempt, 100, 5000), { signal }).catch(() => {});
    }
  };
  return {
    create: async (run, book) => {
      const open = await kv.list(PREFIX);
      if (open.length >= MAX_OPEN) {
        throw new MicroError(
          "exhausted",
          `${open.length} runs are open, and that is the most; \`runbook status\` shows them`,
        );
      }
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const made: Run = { ...run, id: `rb${randomBytes(3).toString("hex")}` };
        checkBegun(made, book);
        if ((await db.get("runs", made.id)) !== undefined) continue;
        if ((await kv.create(keyFor(made.id), JSON.stringify(made))) === undefined) continue;
        tell(made);
        return made;
      }
      throw new MicroError("internal", "no id could be found for the run");
    },
    get: async (id) => {
      const entry = RUN_ID.test(id) ? await kv.get(keyFor(id)) : undefined;
      if (entry) return read(entry.value);
      const record = id === "" ? undefined : await db.get("runs", id.slice(0, 200));
      if (record) return read(record.value);
      const ended = RUN_ID.test(id) ? await kv.get(placeOf(id)) : undefined;
      const run = ended && read(ended.value);
      return run?.id === id ? run : undefined;
    },
    open: async () => (await kv.list(PREFIX)).map(({ value }) => read(value)).sort((a, b) => a.startedAt - b.startedAt),
    change: async (id, next) => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const entry = await kv.get(keyFor(id));
        if (entry === undefined) throw new MicroError("not_found", `no run ${id} is open`);
        const before = read(entry.value);
        const after = next(before);
        if (after === undefined || after === before) return before;
        if ((await kv.update(entry.key, JSON.stringify(after), entry.revision)) === undefined) continue;
        tell(after);
        return after;
      }
      throw new MicroError("conflict", `others change run ${id} all the time; say it again`);
    },
    archive: async (ended) => {
      const run = shownRun(ended);
      const { id, runbook, by, outcome } = run;
      const facts = { runbook, person: by.person.slice(0, 200), outcome };
      await db.put("runs", { id, at: run.startedAt, facts, value: JSON.stringify(run) });
      // Each replica has records of its own, and whichever is asked is to know how it ended.
      const records = run.records.map(({ result: _result, ...record }) => record);
      await kv.put(placeOf(id), JSON.stringify({ ...run, records }));
      await kv.delete(keyFor(id));
      tell(run);
    },
    history: async ({ runbook, limit }) => {
      const { records } = await db.search("runs", { limit, ...(runbook !== undefined && { facts: { runbook } }) });
      return records.map(({ value }) => read(value));
    },
    changed: async (id, ms, signal) => {
      const done = new AbortController();
      const one = { id, wake: () => done.abort() };
      waiting.add(one);
      signal?.addEventListener("abort", one.wake, { once: true });
      if (!signal?.aborted) await clock.sleep(ms, { signal: done.signal }).catch(() => {});
      signal?.removeEventListener("abort", one.wake);
      waiting.delete(one);
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start: async () => {
      loop ??= watch();
    },
    stop: async () => {
      watching.abort();
      wake(undefined);
      await loop;
    },
  };
}

const RUN_ID = /^rb[0-9a-f]{6}$/;

function placeOf(id: string): string {
  return `${ENDED}${Number.parseInt(id.slice(2), 16) % PLACES}`;
}

function read(value: string): Run {
  return JSON.parse(value) as Run;
}
