import { MicroError } from "../../core/errors.ts";
import type { Redactor } from "../../core/redact.ts";
import type { Layer } from "../context.ts";
import { hushedAnswer, hushedError } from "../hush.ts";
import { turnFor } from "../turn.ts";

/**
 * Takes secrets out of what the layers within come to, and of what is shown on the way, before anything is cut to the size
 * of a message: half of a secret is not found any more. The outbox looks once more, as the last step.
 */
export function hush(redactor: Redactor): Layer {
  return async (context, next) => {
    const show: typeof context.show = ({ text, ...shown }) => context.show({ ...shown, text: redactor.text(text) });
    try {
      const answer = await next({ ...context, show });
      await turnFor(answer?.view);
      return answer && hushedAnswer(answer, redactor);
    } catch (error) {
      throw error instanceof MicroError ? hushedError(error, redactor) : error;
    }
  };
}
