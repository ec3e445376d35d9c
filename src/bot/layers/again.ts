import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { type Layer, toldOf } from "../context.ts";
import { mannered } from "../manners.ts";

/**
 * Offers to say the same line again: after an error that may pass, and after an answer that took a tenth of the time limit
 * or more, which is soon out of date. Never what changes things, and only where there are buttons.
 */
export function again(clock: Clock, commandMs = 30_000): Layer {
  return async (context, next) => {
    const { run, input, line } = context;
    if (run?.command.effect !== "read" || !input.limits.buttons) return next(context);
    // A button is kept by its network, and a secret is not to be.
    if (toldOf(context) !== line.text) return next(context);
    const choices = [{ label: "Again", line: line.text }];
    const since = clock.now();
    try {
      const answer = await next(context);
      const slow = run.command.maxMs === undefined && clock.now() - since >= commandMs / 10;
      return slow && answer && answer.choices === undefined ? { ...answer, choices } : answer;
    } catch (error) {
      if (error instanceof MicroError && error.retryable) throw mannered(error, { choices });
      throw error;
    }
  };
}
