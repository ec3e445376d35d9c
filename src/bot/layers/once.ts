import type { Clock } from "../../core/clock.ts";
import type { Layer } from "../context.ts";
import type { Journal } from "../journal.ts";

/**
 * Lets every message through once. It does not wait before it writes, so by the time the bot asks an input for the next
 * message, the one before is in the journal.
 */
export function once(journal: Journal, clock: Clock): Layer {
  return async (context, next) => {
    const { message, input, caller } = context;
    const key = `${input.name}:${message.id}`;
    const fresh = journal.take({
      key,
      input: input.name,
      place: message.place,
      caller,
      text: message.text,
      at: clock.now(),
    });
    if (!fresh) return undefined;
    const answer = await next(context);
    journal.done(key);
    return answer;
  };
}
