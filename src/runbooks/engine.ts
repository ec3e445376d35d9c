import { randomUUID } from "node:crypto";
import type { Catalog } from "../commands/catalog.ts";
import type { Behalf, Performer } from "../commands/perform.ts";
import { sharedAbort } from "../core/abort.ts";
import { backoff } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { type Log, silent } from "../core/log.ts";
import { createRedactor, type Redactor } from "../core/redact.ts";
import type { Db } from "../platform/db/db.ts";
import type { Kv } from "../platform/kv/kv.ts";
import { createLease, LEASE_MS } from "../platform/lease.ts";
import { type Choice, closing, question, summary } from "./draw.ts";
import { createDriver } from "./drive.ts";
import { type Beginner, type Run, recovered } from "./run.ts";
import type { Arguments, Runbook } from "./runbook.ts";
import { createRuns, type Runs } from "./runs.ts";
import { secretParameters } from "./secret.ts";

export interface EngineInit {
  /** Shared by all replicas; started and stopped by whoever made it, as `db` is. */
  readonly kv: Kv;
  /** Where ended runs are kept; with the tables `RUNBOOK_TABLES`. */
  readonly db: Db;
  readonly performer: Performer;
  readonly catalog: () => Catalog;
  readonly clock: Clock;
  readonly log?: Log;
  /** Takes secrets out of what is written down of a run. @default one that knows only what secrets look like */
  readonly redactor?: Redactor;
  /** After how long without a sign of life another engine takes a run over. @default 10000 */
  readonly leaseMs?: number;
  /** Whose runs it takes over; others are left to whoever can. @default everybody's */
  readonly drives?: (behalf: Behalf) => boolean;
  /** How long `stop()` lets a write that is under way end. @default 5000 */
  readonly drainMs?: number;
  /** Told what is about to happen, for tests that kill the process there. */
  readonly onPoint?: (point: string) => void;
}

/** Carries runs out, one step after the other, whatever happens to the process. */
export interface Engine {
  readonly runs: Runs;
  /** The run is in the store once it resolves, and goes on by itself. @throws MicroError `exhausted`, `unavailable` */
  begin(book: Runbook, args: Arguments, by: Beginner): Promise<Run>;
  /**
   * Until it is called off, the end of the run is told by who follows it, and not said into the room.
   * @returns what calls it off; `told`: they have seen its end, and tell of it
   */
  follow(id: string): (told: boolean) => void;
  /** Takes over what nobody drives, now and later. @throws MicroError `unavailable` */
  start(): Promise<void>;
  /** Leaves the runs to whoever comes; a write that is under way may end first. */
  stop(): Promise<void>;
}

export function createEngine(init: EngineInit): Engine {
  const { kv, db, performer, clock, log = silent, redactor = createRedactor(), leaseMs = LEASE_MS } = init;
  const owner = randomUUID();
  const runs = createRuns({ kv, db, clock });
  const drives = init.drives ?? (() => true);
  const driving = new Map<string, Promise<void>>();
  const followed = new Map<string, number>();
  /** Of the runs that are driven here: whoever followed them tells how they have ended. */
  const told = new Set<string>();
  /** Reads and waits end at once, writes may end first. */
  const leaving = sharedAbort();
  const gone = sharedAbort();
  let looking: Promise<void> | undefined;

  const speak = async (run: Run, view: { readonly text: string; readonly choices?: readonly Choice[] }) => {
    await performer.say(run.by.behalf, { kind: "text", text: view.text }, view.choices);
  };
  const driver = createDriver({
    ...init,
    runs,
    owner,
    log,
    redactor,
    leaving: leaving.signal,
    gone: gone.signal,
    ask: (run, record) => speak(run, question(run, record)),
  });

  /** Drives one run to its end, or until somebody else does. */
  const drive = async (id: string): Promise<void> => {
    const lease = createLease({ kv, key: `runbook.lease.${id}`, owner, clock, leaseMs, log });
    const { signal } = leaving;
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          await lease.start();
          break;
        } catch (error) {
          if (signal.aborted) throw error;
          await clock.sleep(backoff(attempt, 50, 5000), { signal });
        }
      }
      for (let attempt = 0; !signal.aborted; ) {
        try {
          if (!lease.held()) {
            await clock.sleep(Math.max(10, leaseMs / 20), { signal }).catch(() => {});
            if ((await runs.get(id))?.endedAt !== undefined) return;
            continue;
          }
          if ((await runs.get(id))?.driver !== owner) {
            const run = await runs.change(id, (before) => recovered(before, owner));
            if (run.endedAt === undefined)
              await speak(run, { text: `${summary(run)}: I go on with it after a restart` });
          }
          const ended = await driver.advance(id, lease);
          attempt = 0;
          if (ended === undefined) continue;
          await runs.archive(ended);
          if (!followed.has(id) && !told.has(id)) await speak(ended, { text: closing(ended) });
          return;
        } catch (error) {
          const { code, message } = MicroError.from(error);
          if (code === "not_found") return; // it ended elsewhere
          log.warn({ run: id, reason: message }, "a run of a runbook cannot go on; trying again");
          await clock.sleep(backoff(attempt++, 50, 5000), { signal }).catch(() => {});
        }
      }
    } catch (error) {
      if (!signal.aborted) log.error({ run: id, err: error }, "a run of a runbook was left");
    } finally {
      await lease.stop();
      driver.forget(id);
      told.delete(id);
    }
  };
  const take = (id: string) => {
    if (driving.has(id) || leaving.signal.aborted) return;
    driving.set(
      id,
      drive(id).finally(() => driving.delete(id)),
    );
  };
  const look = async () => {
    for (const run of await runs.open()) if (drives(run.by.behalf)) take(run.id);
  };
  const goOnLooking = async () => {
    const { signal } = leaving;
    while (!signal.aborted) {
      await clock.sleep(leaseMs / 2, { signal }).catch(() => {});
      if (!signal.aborted)
        await look().catch((error: unknown) => log.warn({ err: error }, "runs cannot be looked for"));
    }
  };

  return {
    runs,
    begin: async (book, args, by) => {
      if (leaving.signal.aborted) throw new MicroError("cancelled", "nothing was begun: the bot is being stopped");
      const { name: runbook, text } = book;
      const secret = secretParameters(book, init.catalog());
      const run = await runs.create(
        {
          runbook,
          text,
          args,
          ...(secret.length > 0 && { secret }),
          by,
          startedAt: clock.now(),
          driver: owner,
          phase: "steps",
          outcome: "done",
          records: [],
        },
        book,
      );
      take(run.id);
      return run;
    },
    follow: (id) => {
      followed.set(id, (followed.get(id) ?? 0) + 1);
      return (seen) => {
        if (seen && driving.has(id)) told.add(id);
        const left = (followed.get(id) ?? 1) - 1;
        if (left === 0) followed.delete(id);
        else followed.set(id, left);
      };
    },
    start: async () => {
      await runs.start();
      await look();
      looking ??= goOnLooking();
    },
    stop: async () => {
      leaving.abort(new MicroError("cancelled", "the bot is being stopped"));
      const all = Promise.all(driving.values());
      const over = new AbortController();
      const limit = clock.sleep(init.drainMs ?? 5000, { signal: over.signal }).catch(() => {});
      await Promise.race([all, limit]);
      over.abort();
      gone.abort(new MicroError("cancelled", "the bot is being stopped"));
      await all;
      await looking;
      await runs.stop();
    },
  };
}
