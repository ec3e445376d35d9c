import type { Clock } from "../../core/clock.ts";
import type { Mark } from "../../inputs/input.ts";
import type { Context, Layer } from "../context.ts";
import { createOverdue } from "../overdue.ts";

/** People expect a sign within 500 ms (`chat.md §2`); what is answered sooner than this needs none. */
const TAKEN_MS = 300;
const WAITING_MS = 3000;

/**
 * Puts a sign on a message that is not answered at once: that it was seen, that it takes long, how it ended. No command
 * waits for a sign, and none fails by one.
 *
 * @param marker puts a sign, in the order of the calls, and never throws; `undefined` where there are none
 */
export function marks(clock: Clock, marker: (context: Context) => ((mark: Mark) => void) | undefined): Layer {
  const taken = createOverdue(clock, TAKEN_MS);
  const waiting = createOverdue(clock, WAITING_MS - TAKEN_MS);
  return async (context, next) => {
    const command = context.run?.command;
    const put = command?.urgent ? undefined : marker(context);
    if (put === undefined) return next(context);
    let marked = false;
    let over = taken.begin(() => {
      marked = true;
      put("taken");
      // What goes on is expected to take long.
      if (command?.maxMs === undefined) over = waiting.begin(() => put("waiting"));
    });
    try {
      const answer = await next(context);
      if (marked) put("done");
      return answer;
    } catch (error) {
      if (marked) put("failed");
      throw error;
    } finally {
      over();
    }
  };
}
