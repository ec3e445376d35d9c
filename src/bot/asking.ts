import { randomBytes } from "node:crypto";
import type { Match } from "../commands/catalog.ts";
import type { AskOptions } from "../commands/command.ts";
import type { Line } from "../commands/line.ts";
import { MicroError } from "../core/errors.ts";
import { whispered } from "./approvals/ballot.ts";
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
  /** Whether a request of who speaks waits in that room for their bare `yes` or `no`. @throws MicroError as the store does */
  readonly waits?: (context: Context) => Promise<boolean>;
}

interface Pending {
  /** Six hex digits: its buttons name it, so that they mean nothing once it is over. */
  readonly id: string;
  readonly choices: readonly string[];
  readonly answer: (text: string) => void;
  readonly refuse: (error: MicroError) => void;
}

/** More cannot be picked from. */
const MOST_CHOICES = 25;
const NO = /^(?:no|cancel|stop|never mind)$/i;
/** What a button says: which question, and which of its choices. */
const PRESSED = /^answer ([0-9a-f]{6}) (\d{1,2})$/i;

export function createAsking({ say: tell, match, waits = async () => false }: AskingInit): Asking {
  const waiting = new Map<string, Pending>();
  return {
    heard: async (context, next) => {
      const pending = waiting.get(placeOf(context));
      const text = context.line.text.trim();
      const [, id, nth] = PRESSED.exec(text) ?? [];
      if (id !== undefined) {
        const pressed = pending?.id === id.toLowerCase() ? pending.choices[Number(nth) - 1] : undefined;
        if (pressed === undefined) throw over();
        pending?.answer(pressed);
        return say(`${pressed} it is`);
      }
      if (pending === undefined || text === "") return next(context);
      const chosen = pending.choices.find((choice) => same(choice, text));
      // A bare word on a request of theirs, which waits beside the question.
      if (spokenIn(context.line)?.id === undefined && spokenIn(context.line) && (await waits(context))) {
        if (chosen === undefined) return next(context);
        throw twoWait(pending, chosen);
      }
      if (chosen === undefined && NO.test(text)) {
        pending.refuse(new MicroError("cancelled", "nothing more was done: you said no"));
        return say("it is let be");
      }
      const { choices } = pending;
      const command = match(context.line)?.command;
      // Somebody's request is decided, and everything can be stopped, whatever is asked.
      const first = spokenIn(context.line)?.id !== undefined || command?.urgent === true;
      const picked = chosen ?? (choices.length > 0 || first ? undefined : text);
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
      const id = randomBytes(3).toString("hex");
      const answer = new Promise<string>((resolve, reject) => {
        const ended = () => reject(MicroError.from(signal.reason));
        if (signal.aborted) return ended();
        signal.addEventListener("abort", ended, { once: true });
        const over = () => signal.removeEventListener("abort", ended);
        waiting.set(place, {
          id,
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
          choices.map((choice, at) => ({ label: choice, line: `answer ${id} ${at + 1}` })),
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

function over(): MicroError {
  const words = "nothing was done: that question is over, or was asked of somebody else";
  return whispered(new MicroError("conflict", words));
}

function twoWait({ id, choices }: Pending, chosen: string): MicroError {
  const nth = choices.indexOf(chosen) + 1;
  const words = `nothing was done: a question and a request of yours wait here; \`answer ${id} ${nth}\` says ${chosen} to the question, and \`yes\` or \`no\` with the request's id decides that`;
  return whispered(new MicroError("conflict", words));
}

function same(choice: string, text: string): boolean {
  return choice.trim().toLowerCase() === text.toLowerCase();
}
