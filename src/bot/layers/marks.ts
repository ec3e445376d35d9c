import type { Clock } from "../../core/clock.ts";
import type { Mark } from "../../inputs/input.ts";
import type { Context, Layer } from "../context.ts";

/** People expect a sign within 500 ms (`chat.md §2`); what is answered sooner than this needs none. */
const TAKEN_MS = 300;
const WAITING_MS = 3000;

/** A reason that is there already: without one, Node makes an error with a stack for every message. */
const OVER = "answered";

/**
 * Puts a sign on a message that is not answered at once: that it was seen, that it takes long, how it ended. No command
 * waits for a sign, and none fails by one.
 *
 * @param marker puts a sign, in the order of the calls, and never throws; `undefined` where there are none
 */
export function marks(clock: Clock, marker: (context: Context) => ((mark: Mark) => void) | undefined): Layer {
  return async (context, next) => {
    const command = context.run?.command;
    const put = command?.urgent ? undefined : marker(context);
    if (put === undefined) return next(context);
    const over = new AbortController();
    const { signal } = over;
    let marked = false;
    const watch = async () => {
      await clock.sleep(TAKEN_MS, { signal });
      if (signal.aborted) return;
      marked = true;
      put("taken");
      // What goes on is expected to take long.
      if (command?.maxMs !== undefined) return;
      await clock.sleep(WAITING_MS - TAKEN_MS, { signal });
      if (!signal.aborted) put("waiting");
    };
    watch().catch(() => {});
    try {
      const answer = await next(context);
      if (marked) put("done");
      return answer;
    } catch (error) {
      if (marked) put("failed");
      throw error;
    } finally {
      over.abort(OVER);
    }
  };
}
