import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { OutgoingMessage } from "../../inputs/input.ts";
import type { Answer, Context, Layer } from "../context.ts";
import { createProgress, type Mouth } from "../progress.ts";
import { renderAnswer, renderError } from "../render.ts";

/**
 * Says what the layers within come to, good or bad: whatever they throw becomes words, and nothing gets past it. What a
 * command shows before its end is said here, too, and the answer ends it.
 *
 * An answer that was given up is not over, and a later process tells of it.
 */
export function answer(mouth: Mouth, log: Log): Layer {
  return async (context, next) => {
    const { place } = context.message;
    const { limits } = context.input;
    const progress = createProgress(context, mouth);
    let reply: Answer | undefined;
    let message: OutgoingMessage | undefined;
    try {
      reply = await next({ ...context, show: progress.show });
      message = reply && renderAnswer(reply, place, limits);
    } catch (thrown) {
      message = { ...renderError(forPeople(thrown, context, log), context.id, place, limits), failed: true };
    }
    if (message && progress.begun) message = { ...message, ...(await progress.last(message)) };
    if (message && !(await mouth.send(context, message))) throw new MicroError("unavailable", "an answer was given up");
    return reply;
  };
}

/** A mistake of ours is logged whole and told without its insides. */
function forPeople(thrown: unknown, { id }: Context, log: Log): MicroError {
  if (thrown instanceof MicroError) return thrown;
  log.error({ id, err: thrown }, "a command failed in a way it should not");
  return new MicroError("internal", "something went wrong inside the bot; its log has the reason under this id");
}
