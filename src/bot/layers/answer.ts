import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { OutgoingMessage } from "../../inputs/input.ts";
import type { Context, Layer } from "../context.ts";
import { renderAnswer, renderError } from "../render.ts";

/** Says what the layers within came to, good or bad. Whatever they throw becomes words; nothing gets past it. */
export function answer(send: (context: Context, message: OutgoingMessage) => Promise<void>, log: Log): Layer {
  return async (context, next) => {
    const { place } = context.message;
    const { limits } = context.input;
    try {
      const reply = await next(context);
      if (reply) await send(context, renderAnswer(reply, place, limits));
      return reply;
    } catch (thrown) {
      await send(context, renderError(forPeople(thrown, context, log), context.id, place, limits));
      return undefined;
    }
  };
}

/** A mistake of ours is logged whole and told without its insides. */
function forPeople(thrown: unknown, { id }: Context, log: Log): MicroError {
  if (thrown instanceof MicroError) return thrown;
  log.error({ id, err: thrown }, "a command failed in a way it should not");
  return new MicroError("internal", "something went wrong inside the bot; its log has the reason under this id");
}
