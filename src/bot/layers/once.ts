import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { type Context, type Layer, toldOf } from "../context.ts";
import type { Claim, Journal, Taken } from "../journal.ts";

/**
 * Lets every message through once, over all replicas and restarts: it is written down before anything else happens, and its
 * network may forget it then. What cannot be brought to its end here is given to whoever can.
 *
 * @param refuse says that a message could not be written down: then it is not carried out either
 */
export function once(
  journalOf: (context: Context) => Journal,
  clock: Clock,
  refuse: (context: Context, error: MicroError) => Promise<void>,
): Layer {
  return async (context, next) => {
    const journal = journalOf(context);
    let claim: Claim | undefined;
    try {
      claim = context.claim ?? (await journal.take(takenOf(context, clock)));
    } catch (error) {
      await refuse(context, new MicroError("unavailable", refusal(error), { cause: error }));
      return undefined;
    } finally {
      context.taken();
    }
    if (claim === undefined) return undefined;
    try {
      const answer = await next({ ...context, claim });
      await journal.done(claim);
      return answer;
    } catch (error) {
      await journal.drop(claim);
      throw error;
    }
  };
}

function refusal(thrown: unknown): string {
  const { message: reason, details } = MicroError.from(thrown);
  const why = `because I cannot write down what I am told to do: ${reason}`;
  if (details["shared"] === true) {
    return `I did not begin this, ${why}; another of my replicas may have heard it too, so wait for its answer before you say it again`;
  }
  if (details["unseen"] !== true) return `nothing was done, ${why}`;
  return `I did not begin this, ${why}; nor can I see whether I was told before: an answer that was here already holds, else say it again later`;
}

/** A secret is not written down, so a message with one is not begun anew by another. */
function takenOf(context: Context, clock: Clock): Taken {
  const { id, input, caller, message, line } = context;
  const taken = { id, input: input.name, caller, message, at: clock.now() };
  const text = toldOf(context);
  return text === line.text ? taken : { ...taken, message: { ...message, text }, hidden: true };
}
