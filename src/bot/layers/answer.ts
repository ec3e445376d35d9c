import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Input, OutgoingMessage } from "../../inputs/input.ts";
import type { Answer, Context, Layer } from "../context.ts";
import { OUTPUT_BYTES } from "../limits/output.ts";
import type { Long } from "../long.ts";
import { type Manners, mannersOf } from "../manners.ts";
import type { Mouth } from "../mouth.ts";
import { createProgress } from "../progress.ts";
import { renderAnswer, renderError } from "../render.ts";
import { turnFor } from "../turn.ts";

/**
 * Says what the layers within come to, good or bad: whatever they throw becomes words, and nothing gets past it. What a
 * command shows before its end is said here, too, and the answer ends it.
 *
 * An answer that was given up is not over, and a later process tells of it.
 *
 * @param outputBytes how much of an answer there may be at all, file and all
 */
export function answer(mouth: Pick<Mouth, "send" | "grow">, log: Log, long?: Long, outputBytes = OUTPUT_BYTES): Layer {
  return async (context, next) => {
    const { place } = context.message;
    const { limits } = context.input;
    const progress = createProgress(context, mouth);
    let reply: Answer | undefined;
    let message: OutgoingMessage | undefined;
    try {
      reply = await next({ ...context, show: progress.show });
      await turnFor(reply?.view);
      const keep = long?.keep(context, reply?.whisper === true);
      message = reply && together(renderAnswer(reply, place, limits, keep, outputBytes), besideWords(reply, limits));
    } catch (thrown) {
      const error = forPeople(thrown, context, log);
      if (mannersOf(error).silent) return undefined;
      const words = renderError(error, context.id, place, limits);
      message = { ...together(words, besideWords(mannersOf(error), limits)), failed: true };
    }
    if (message && progress.begun) message = { ...message, ...(await progress.last(message)) };
    if (message && !(await mouth.send(context, message))) throw new MicroError("unavailable", "an answer was given up");
    return reply;
  };
}

type Beside = Pick<OutgoingMessage, "whisper" | "aside" | "choices" | "form" | "progress" | "reveal">;

/** What the answer has beside its words, as far as its network has such things. */
function besideWords(answer: Manners & Pick<Partial<Answer>, "form" | "key">, limits: Input["limits"]): Beside {
  const { whisper, aside, choices, form, key, reveal } = answer;
  return {
    ...(whisper && { whisper }),
    ...(aside && { aside }),
    ...(choices && limits.buttons && { choices }),
    ...(form && { form }),
    ...(reveal !== undefined && { reveal }),
    ...(key !== undefined && limits.edits && { progress: { key, last: false } }),
  };
}

/** A long answer offers its next page beside what else may be picked; one with a file cannot be changed. */
function together(words: OutgoingMessage, { progress, ...beside }: Beside): OutgoingMessage {
  const choices = [...(words.choices ?? []), ...(beside.choices ?? [])];
  return {
    ...words,
    ...beside,
    ...(choices.length > 0 && { choices }),
    ...(progress && words.file === undefined && { progress }),
  };
}

/** A mistake of ours is logged whole and told without its insides. */
function forPeople(thrown: unknown, { id }: Context, log: Log): MicroError {
  if (thrown instanceof MicroError) return thrown;
  log.error({ id, err: thrown }, "a command failed in a way it should not");
  return new MicroError("internal", "something went wrong inside the bot; its log has the reason under this id");
}
