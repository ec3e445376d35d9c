/** Somebody with a deadline. */
export interface Sleeper {
  /** As `performance.now()` counts. */
  readonly endsAt: number;
  expire(): void;
}

/**
 * One timer for all calls that may take equally long, so that the one which began first ends first. Setting and clearing a
 * timer for every call would cost as much as encoding it.
 */
export interface Alarms {
  add(ms: number, sleeper: Sleeper): void;
  remove(ms: number, sleeper: Sleeper): void;
  /** Nobody is woken from now on. */
  close(): void;
}

/** What Node's timers can wait. */
const MAX_MS = 2 ** 31 - 1;

export function createAlarms(): Alarms {
  const alarms = new Map<number, { readonly sleepers: Set<Sleeper>; timer: NodeJS.Timeout }>();

  const ring = (ms: number) => {
    const alarm = alarms.get(ms);
    if (alarm === undefined) return;
    for (const sleeper of alarm.sleepers) {
      const left = sleeper.endsAt - performance.now();
      if (left > 0) {
        alarm.timer = wait(left, ms);
        return;
      }
      alarm.sleepers.delete(sleeper);
      sleeper.expire();
    }
    alarms.delete(ms);
  };
  const wait = (left: number, ms: number) => setTimeout(ring, Math.min(Math.ceil(left), MAX_MS), ms).unref();

  return {
    add: (ms, sleeper) => {
      const alarm = alarms.get(ms);
      if (alarm) alarm.sleepers.add(sleeper);
      else alarms.set(ms, { sleepers: new Set([sleeper]), timer: wait(ms, ms) });
    },
    // The timer stays: most often another call comes before it rings.
    remove: (ms, sleeper) => void alarms.get(ms)?.sleepers.delete(sleeper),
    close: () => {
      for (const { timer } of alarms.values()) clearTimeout(timer);
      alarms.clear();
    },
  };
}
