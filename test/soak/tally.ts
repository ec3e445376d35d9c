import type { Micro } from "./micro.ts";

/** How long after its deadline a piece of work may be over. */
const GRACE_MS = 5000;
/** Violations that are told one by one. */
const TOLD = 50;

/** Counts what happened, and what must not have happened. It holds as much after a day as after a minute. */
export interface Tally {
  /** Over when the work is over, at the latest `GRACE_MS` after its deadline: then, or with a foreign error, a violation. */
  track<T>(kind: string, deadlineMs: number, work: () => Promise<T>): Promise<T | undefined>;
  /** Something good came in, which ends a gap of its kind. */
  ok(kind: string, outcome?: string): void;
  count(kind: string, outcome: string): void;
  violation(what: string): void;
  /** Kinds of work that had nothing good since then (`performance.now()`). */
  silentSince(at: number): string[];
  readonly violations: readonly string[];
  /** One line for each kind: outcomes, and the longest time without a good one. */
  lines(): string[];
}

export function createTally({ MicroError, ERROR_CODES }: Micro): Tally {
  const outcomes = new Map<string, Map<string, number>>();
  const good = new Map<string, { lastAt: number; gapMs: number }>();
  const tracked = new Set<string>();
  const violations: string[] = [];
  const count = (kind: string, outcome: string) => {
    const of = outcomes.get(kind) ?? new Map<string, number>();
    outcomes.set(kind, of.set(outcome, (of.get(outcome) ?? 0) + 1));
  };
  const ok = (kind: string, outcome = "ok") => {
    count(kind, outcome);
    const now = performance.now();
    const seen = good.get(kind);
    good.set(kind, { lastAt: now, gapMs: Math.max(seen?.gapMs ?? 0, seen ? now - seen.lastAt : 0) });
  };
  const violation = (what: string) => {
    count("VIOLATION", what.split(":", 1)[0] ?? what);
    if (violations.length < TOLD) violations.push(what);
  };
  return {
    track: async (kind, deadlineMs, work) => {
      tracked.add(kind);
      const overdue = Symbol();
      let timer: NodeJS.Timeout | undefined;
      try {
        const late = new Promise<typeof overdue>((resolve) => {
          timer = setTimeout(resolve, deadlineMs + GRACE_MS, overdue);
        });
        const result = await Promise.race([work(), late]);
        if (result !== overdue) {
          ok(kind);
          return result;
        }
        violation(`${kind} not over: ${GRACE_MS} ms after its deadline of ${deadlineMs} ms`);
      } catch (error) {
        if (error instanceof MicroError && error.code in ERROR_CODES) count(kind, error.code);
        else violation(`${kind} foreign error: ${error instanceof Error ? error.stack : error}`);
      } finally {
        clearTimeout(timer);
      }
      return undefined;
    },
    ok,
    count,
    violation,
    silentSince: (at) =>
      [...new Set([...tracked, ...good.keys()])].filter((kind) => !((good.get(kind)?.lastAt ?? 0) > at)),
    violations,
    lines: () =>
      [...outcomes].sort().map(([kind, of]) => {
        const told = [...of].sort((a, b) => b[1] - a[1]).map(([outcome, times]) => `${outcome} ${times}`);
        const seen = good.get(kind);
        return `${kind.padEnd(18)} ${told.join(", ")}${seen ? `; longest gap ${(seen.gapMs / 1000).toFixed(1)} s` : ""}`;
      }),
  };
}
