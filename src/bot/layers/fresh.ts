import type { Clock } from "../../core/clock.ts";
import { type Layer, say, toldOf } from "../context.ts";
import { cut } from "../fit.ts";

/** Does not carry out what was said too long ago: who said it may have done it otherwise by now. */
export function fresh(clock: Clock, maxAgeMs: number): Layer {
  return async (context, next) => {
    const age = clock.now() - context.message.sentAt;
    if (age <= maxAgeMs) return next(context);
    const text = cut(toldOf(context), 80);
    return say(
      `that reached me ${Math.round(age / 1000)} s after it was said, so nothing was done; say it again if it still holds: ${text}`,
    );
  };
}
