import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { OutgoingMessage } from "../../inputs/input.ts";
import type { Answer, Context, Layer } from "../context.ts";
import { renderAnswer, renderError } from "../render.ts";

/** Says what the layers within came to, good or bad. Whatever they throw becomes words; nothing gets past it. */
/** @param send resolves to whether it was said; what was not is not over, and a later process tells of it */
export function answer(send: (context: Context, message: OutgoingMessage) => Promise<boolean>, log: Log): Layer {
  return async (context, next) => {
    const { place } = context.message;
    const { limits } = context.input;
    let reply: Answer | undefined;
    let message: OutgoingMessage | undefined;
    try {
      reply = await next(context);
      message = reply && renderAnswer(reply, place, limits);
    } catch (thrown) {
      message = renderError(forPeople(thrown, context, log), context.id, place, limits);
    }
    if (message && !(await send(context, message))) throw new MicroError("unavailable", "an answer was given up");
    return reply;
  };
}

/** A mistake of ours is logged whole and told without its insides. */
function forPeople(thrown: unknown, { id }: Context, log: Log): MicroError {
  if (thrown instanceof MicroError) return thrown;
  log.error({ id, err: thrown }, "a command failed in a way it should not");
  return new MicroError("internal", "something went wrong inside the bot; its log has the reason under this id");
}
