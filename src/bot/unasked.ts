import type { OutgoingMessage } from "../inputs/input.ts";
import { say } from "./context.ts";
import type { Link } from "./links.ts";
import type { Networks } from "./networks.ts";
import { renderAnswer } from "./render.ts";

/** What the bot says by itself, beside all answers. Nobody waits for it, and where the bot is not, nothing is said. */
export interface Unasked {
  /** @param input its name */
  tell(input: string, message: OutgoingMessage): void;
  /** Says it where whoever keeps watch sees it. */
  announce(words: string): void;
}

/**
 * @param watch the room that is announced to, if there is one
 * @param noting the message as it is to be sent (`Confirm.noting`)
 */
export function createUnasked(
  networks: Pick<Networks, "named">,
  watch: { readonly input: string; readonly room: string } | undefined,
  noting: (message: OutgoingMessage, during: Link["during"]) => OutgoingMessage,
): Unasked {
  return {
    tell: (input, message) => {
      const link = networks.named(input);
      link?.during(link.outbox.send(noting(message, link.during)));
    },
    announce: (words) => {
      const link = watch && networks.named(watch.input);
      const place = watch && link?.input.placeIn?.(watch.room);
      if (link && place) link.during(link.outbox.send(renderAnswer(say(words), place, link.input.limits)));
    },
  };
}
