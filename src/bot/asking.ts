import type { Match } from "../commands/catalog.ts";
import type { AskOptions } from "../commands/command.ts";
import type { Line } from "../commands/line.ts";
import { MicroError } from "../core/errors.ts";
import { spokenIn } from "./approvals/spoken.ts";
import { type Context, type Layer, say } from "./context.ts";
import { roomOf } from "./long.ts";
import { whose } from "./people.ts";

/** Questions that commands ask whom they run for, and the answers. */
export interface Asking {
  /** Takes what somebody says for the answer that a command of theirs waits for, in that room. */
  readonly heard: Layer;
  /**
   * Asks, and waits until the command's signal aborts.
   * @throws MicroError `cancelled` (they said no, or the command was ended), `timeout`, `conflict` (it asks already)
   */
  ask(context: Context, question: string, options: AskOptions, signal: AbortSignal): Promise<string>;
}

export interface AskingInit {
  /** Says the question where the command was said, with its choices. */
  readonly say: (context: Context, words: string, choices: readonly { label: string; line: string }[]) => Promise<void>;
  /** The command that a line begins with. */
  readonly match: (line: Line) => Match | undefined;
}

interface Pending {
  readonly choices: readonly string[];
  readonly answer: (text: string) => void;
  readonly refuse: (error: MicroError) => void;
}

/** More cannot be picked from. */
const MOST_CHOICES = 25;
const NO = /^(?:no|cancel|stop|never mind)$/i;

export function createAsking({ say: tell, match }: AskingInit): Asking {
  const waiting = new Map<string, Pending>();
  return {
    heard: async (context, next) => {
      const pending = waiting.get(placeOf(context));
      const text = context.line.text.trim();
      if (pending === undefined || text === "") return next(context);
      if (NO.test(text)) {
        pending.refuse(new MicroError("cancelled", "nothing more was done: you said no"));
        return say("it is let be");
      }
      const { choices } = pending;
      const command = match(context.line)?.command;
      // Somebody's request is decided, and everything can be stopped, whatever is asked.
      const first = spokenIn(context.line)?.id !== undefined || command?.urgent === true;
      const picked = choices.find((choice) => same(choice, text)) ?? (choices.length > 0 || first ? undefined : text);
      if (picked !== undefined) {
        pending.answer(picked);
        return say(`${picked} it is`);
      }
      // Who would rather do something else may.
      if (first || command !== undefined) return next(context);
      return say(`I asked for one of ${choices.join(", ")}; \`no\` ends it`);
    },
    ask: async (context, question, { choices = [] }, signal) => {
      if (choices.length > MOST_CHOICES || choices.some((choice) => choice.trim() === "")) {
        throw new MicroError(
          "invalid_argument",
          `a question has up to ${MOST_CHOICES} choices, and none of them is empty`,
        );
      }
      if (context.message.from.id === undefined) {
        throw new MicroError("permission_denied", "this asks you something, and nobody vouches here for who answers");
      }
      const place = placeOf(context);
      if (waiting.has(place))
        throw new MicroError("conflict", "I wait for an answer of yours here already: give it, or say `no`");
      const answer = new Promise<string>((resolve, reject) => {
        const ended = () => reject(MicroError.from(signal.reason));
        if (signal.aborted) return ended();
        signal.addEventListener("abort", ended, { once: true });
        const over = () => signal.removeEventListener("abort", ended);
        waiting.set(place, {
          choices,
          answer: (text) => {
            over();
            resolve(text);
          },
          refuse: (error) => {
            over();
            reject(error);
          },
        });
      });
      // Asked and refused before anybody waits for it.
      answer.catch(() => {});
      try {
        const listed = choices.length === 0 ? "" : ` (${choices.join(", ")})`;
        await tell(
          context,
          `${question}${listed}`,
          choices.map((choice) => ({ label: choice, line: choice })),
        );
        return await answer;
      } finally {
        waiting.delete(place);
      }
    },
  };
}

/** One person in one room. */
function placeOf(context: Context): string {
  const { input, message } = context;
  return JSON.stringify([roomOf(input.name, message.place.room), whose(context)]);
}

function same(choice: string, text: string): boolean {
  return choice.trim().toLowerCase() === text.toLowerCase();
}
