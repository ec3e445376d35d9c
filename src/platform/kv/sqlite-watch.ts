import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Change } from "./kv.ts";
import { type Transactions, untilAbort } from "./sqlite-transactions.ts";

/** A change and its number; there is one for each, without gaps. */
export interface Written extends Change {
  readonly revision: number;
}

export interface SqliteWatchInit {
  readonly where: string;
  readonly clock: Clock;
  /** How often it looks for what other processes wrote. */
  readonly pollMs: number;
  readonly prefix: string;
  /** What is after it is told. */
  readonly revision: number;
  /** The newest change, and that up to which deletions are forgotten. */
  head(): { readonly revision: number; readonly swept: number };
  /** Is another one after another process has written. */
  version(): number;
  /** Below the prefix. */
  changes(since: number): readonly Written[];
  readonly transactions: Transactions;
}

export interface SqliteWatch {
  /** This process wrote something, which its own connection does not see in the version. */
  wake(written: readonly Written[]): void;
  /** Tells until the signal aborts. Rejects when changes were missed. */
  follow(tell: (change: Change) => void, signal: AbortSignal): Promise<void>;
}

/** So much of what was written here it keeps for its next look. */
const MOST_OWN = 1000;

/** Looks into the file as often as it is told to, and hears at once of what was written here. */
export function watchSqlite(init: SqliteWatchInit): SqliteWatch {
  const { where, clock, pollMs, prefix, head, version, changes, transactions } = init;
  let seen = init.revision;
  let looked: number | undefined;
  /** What was written here since the last look; `undefined`: too much of it. */
  let own: Written[] | undefined = [];
  /** Something of that has to be told at once. */
  let woken = false;
  let stop = () => {};

  const look = (tell: (change: Change) => void) => {
    const { revision } = head();
    const found = changes(seen);
    // Asked after they were read: had anything been thrown away before, it would say so.
    if (head().swept > seen) throw new MicroError("unavailable", `a watch of ${where} missed changes; watch again`);
    for (const { key, entry } of found) tell({ key, entry });
    seen = Math.max(revision, found.at(-1)?.revision ?? 0);
  };
  /** What follows the last one without a gap is all that has changed, and need not be looked for. */
  const hear = (tell: (change: Change) => void) => {
    const news = own?.filter(({ revision }) => revision > seen);
    if (news === undefined || news.some(({ revision }, at) => revision !== seen + 1 + at)) return look(tell);
    for (const { key, entry } of news) if (key.startsWith(prefix)) tell({ key, entry });
    seen += news.length;
  };
  return {
    wake: (written) => {
      if (own !== undefined && own.length >= MOST_OWN) own = undefined;
      own?.push(...written);
      if (!written.some(({ key }) => key.startsWith(prefix))) return;
      woken = true;
      stop();
    },
    follow: async (tell, signal) => {
      while (!signal.aborted) {
        const waiting = new AbortController();
        stop = () => waiting.abort("woken");
        signal.addEventListener("abort", stop, { once: true });
        if (!woken) await clock.sleep(pollMs, { signal: waiting.signal }).catch(() => {});
        woken = false;
        signal.removeEventListener("abort", stop);
        if (signal.aborted) return;
        await transactions.patiently(untilAbort(signal), () => {
          hear(tell);
          own = [];
          const now = version();
          if (now !== looked) look(tell);
          looked = now;
        });
      }
    },
  };
}
