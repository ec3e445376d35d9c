import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Context, Layer } from "../context.ts";
import type { Journal } from "../journal.ts";
import { cut } from "../render.ts";

/** Characters of a message that the journal keeps, to speak of it after a crash. */
const KEPT = 200;

/**
 * Lets every message through once. It does not wait before it writes, so by the time the bot asks an input for the next
 * message, the one before is in the journal.
 *
 * @param refuse says that a message could not be written down: then it is not carried out either
 */
export function once(
  journal: Journal,
  clock: Clock,
  refuse: (context: Context, error: MicroError) => Promise<void>,
): Layer {
  return async (context, next) => {
    const { message, input, caller } = context;
    const key = `${input.name}:${message.id}`;
    try {
      const at = clock.now();
      const taken = { key, input: input.name, place: message.place, caller, text: beginning(message.text), at };
      if (!journal.take(taken)) return undefined;
    } catch (error) {
      const reason = (error as Error).message;
      const words = `nothing was done, because I cannot write down what I am told to do: ${reason}`;
      await refuse(context, new MicroError("unavailable", words, { cause: error }));
      return undefined;
    }
    const answer = await next(context);
    journal.done(key);
    return answer;
  };
}

/** A copy: what is cut off a text would be kept as long as the rest. */
function beginning(text: string): string {
  return Buffer.from(cut(text, KEPT)).toString();
}
