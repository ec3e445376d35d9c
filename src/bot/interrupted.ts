import { say } from "./context.ts";
import type { Left } from "./journal.ts";
import type { Link } from "./links.ts";
import { cut, renderAnswer } from "./render.ts";

/** Who has heard a message so often and gone away each time may have gone away by it. */
const TRIES = 2;

/** Whether what was left by a process that went away may be begun anew, as if it had just been heard. */
export function mayBeginAnew({ begun, cut, claim }: Left): boolean {
  return !begun && !cut && claim.before < TRIES;
}

/**
 * What may not: it is told where it was said, with how to find out, and not repeated.
 * @param explain there is a command that tells what is known of an id
 * @returns whether it was said, or could not be for good
 */
export function tellInterrupted(left: Left, { input, outbox }: Link, explain: boolean): Promise<boolean> {
  const { id, caller, message } = left.taken;
  const what = `${caller} asked for: ${cut(message.text, 200)}`;
  const words = left.begun
    ? [
        `I was stopped while I did what ${what}`,
        "whether it took effect is unknown, and it was not repeated",
        find(id, explain),
      ]
    : [`I was stopped before I did what ${what}`, "nothing was changed; say it again if it still holds"];
  return outbox.send(renderAnswer(say(words.join("\n")), message.place, input.limits));
}

function find(id: string, explain: boolean): string {
  const services = `services know it by the trace id ${id}`;
  const known = explain ? `\`explain ${id}\` tells what is known of it, and ${services}` : services;
  return `to find out: ${known}; say it again only if that does no harm`;
}
