import { say } from "./context.ts";
import type { Journal } from "./journal.ts";
import type { Link } from "./links.ts";
import { cut, renderAnswer } from "./render.ts";

/** What was running when the process before this one died is told, not repeated. */
export function tellInterrupted(journal: Journal, { input, outbox, during }: Link): void {
  for (const { key, caller, text, place } of journal.interrupted.filter((taken) => taken.input === input.name)) {
    const words = `I was restarted while this was running, asked by ${caller}: ${cut(text, 200)}\nwhether it took effect is unknown, and it was not repeated; say it again if that does no harm`;
    const telling = outbox.send(renderAnswer(say(words), place, input.limits));
    during(telling.then((told) => told && journal.done(key)));
  }
}
