import type { Clock } from "../core/clock.ts";

/** Tells of what is not over in time. Most of what is begun ends soon, so there is one timer for all of it. */
export interface Overdue {
  /** @param onDue called once, unless it is over before @returns says that it is over */
  begin(onDue: () => void): () => void;
}

/** @param ms how long everything has */
export function createOverdue(clock: Clock, ms: number): Overdue {
  // In the order in which they are due.
  const waiting = new Map<object, { readonly at: number; readonly onDue: () => void }>();
  let watching = false;
  const watch = async () => {
    watching = true;
    for (const [key, { at, onDue }] of waiting) {
      const left = at - clock.now();
      if (left > 0) await clock.sleep(left);
      if (waiting.delete(key)) onDue();
    }
    watching = false;
  };
  return {
    begin: (onDue) => {
      const key = {};
      waiting.set(key, { at: clock.now() + ms, onDue });
      if (!watching) void watch();
      return () => void waiting.delete(key);
    },
  };
}
