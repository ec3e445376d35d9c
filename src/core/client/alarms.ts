import { MAX_TIMER_MS } from "../clock.ts";

/** Somebody with a deadline; in the list of those that are waited for together. */
export interface Sleeper {
  /** As `performance.now()` counts. */
  readonly endsAt: number;
  before: Sleeper | undefined;
  after: Sleeper | undefined;
  expire(): void;
}

/**
 * One timer for all calls that may take equally long, so that the one which began first ends first. Setting and clearing a
 * timer for every call would cost as much as encoding it.
 *
 * A list of our own, because a `Set` whose members come and go leaves its outgrown tables behind, each holding on to the
 * next: what calls leave was then collected not in passing but in full collections.
 */
export interface Alarms {
  add(ms: number, sleeper: Sleeper): void;
  remove(ms: number, sleeper: Sleeper): void;
  /** Nobody is woken from now on. */
  close(): void;
}

interface Alarm {
  first: Sleeper | undefined;
  last: Sleeper | undefined;
  timer: NodeJS.Timeout;
}

export function createAlarms(): Alarms {
  const alarms = new Map<number, Alarm>();

  const wait = (left: number, ms: number) => setTimeout(ring, Math.min(Math.ceil(left), MAX_TIMER_MS), ms).unref();
  const ring = (ms: number) => {
    const alarm = alarms.get(ms);
    for (let first = alarm?.first; alarm && first; first = alarm.first) {
      const left = first.endsAt - performance.now();
      if (left > 0) {
        alarm.timer = wait(left, ms);
        return;
      }
      remove(alarm, first);
      first.expire();
    }
    alarms.delete(ms);
  };

  return {
    add: (ms, sleeper) => {
      let alarm = alarms.get(ms);
      if (alarm === undefined) {
        alarm = { first: undefined, last: undefined, timer: wait(ms, ms) };
        alarms.set(ms, alarm);
      }
      sleeper.before = alarm.last;
      if (alarm.last) alarm.last.after = sleeper;
      else alarm.first = sleeper;
      alarm.last = sleeper;
    },
    // The timer stays: most often another call comes before it rings.
    remove: (ms, sleeper) => {
      const alarm = alarms.get(ms);
      if (alarm) remove(alarm, sleeper);
    },
    close: () => {
      for (const { timer } of alarms.values()) clearTimeout(timer);
      alarms.clear();
    },
  };
}

/** Of one that is not in it, or no longer: nothing. */
function remove(alarm: Alarm, sleeper: Sleeper): void {
  const { before, after } = sleeper;
  if (before) before.after = after;
  else if (alarm.first === sleeper) alarm.first = after;
  else return;
  if (after) after.before = before;
  else alarm.last = before;
  sleeper.before = undefined;
  sleeper.after = undefined;
}
