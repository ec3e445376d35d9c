import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { compose } from "../core/middleware.ts";
import type { IncomingMessage, Input } from "../inputs/input.ts";
import type { Listening, Meant, Said } from "../plugins/listening.ts";
import type { Answer, Context, Layer } from "./context.ts";
import { contextOf } from "./heard.ts";
import { requestOf } from "./layers/authorize.ts";
import { roomOf } from "./long.ts";
import { callerOf } from "./people.ts";
import type { Policy } from "./policy.ts";

export interface OverhearingInit {
  readonly listening: readonly Listening[];
  readonly clock: Clock;
  readonly log: Log;
  /** What was said longer ago is let go. */
  readonly maxAgeMs: number;
  readonly nextId: () => string;
  /** Those of a message, in their order, without what only a conversation with the bot needs; the second stands first within the answer. */
  readonly layers: (quietly: Layer) => readonly Layer[];
  readonly run: (context: Context) => Promise<Answer>;
  /** Whom the policy knows the caller of a message as. */
  readonly known: (context: Context) => Context;
  readonly during: (input: Input, work: Promise<unknown>) => void;
}

/** What people say to each other, for whoever listens to that. */
export interface Overhearing {
  /** Whether anybody does. */
  readonly wanted: boolean;
  /** Hands it over. Costs a moment, and nobody waits for what comes of it. */
  take(input: Input, message: IncomingMessage): void;
}

/** So many are acted on at once; what is said meanwhile is not. */
const AT_ONCE = 50;

/**
 * Lets scripts act on what was not said to the bot, through the same journal, policy, limits, pause and audit as a command. Nobody
 * asked, so nobody is told of what may not be done or went wrong: the audit and the log have it.
 */
export function createOverhearing(init: OverhearingInit): Overhearing {
  const { listening, clock, log } = init;
  let acting = 0;
  const quietly: Layer = async (context, next) => {
    try {
      const answer = await next(context);
      return answer?.view.kind === "text" && answer.view.text === "" ? undefined : answer;
    } catch (error) {
      log.debug({ id: context.id, reason: MicroError.from(error).message }, "what was overheard came to nothing");
      return undefined;
    }
  };
  const handle = compose<Context, Answer | undefined>(init.layers(quietly), init.run);
  const act = async (input: Input, message: IncomingMessage, meant: Meant) => {
    // No word of it is one that the bot would take for its own: a yes, a command's name.
    const context = contextOf(input, message, { text: message.text, words: [] }, init.nextId());
    await handle(init.known({ ...context, overheard: meant }));
  };
  return {
    get wanted() {
      return listening.some(({ overhears }) => overhears);
    },
    take: (input, message) => {
      if (clock.now() - message.sentAt > init.maxAgeMs) return;
      for (const one of listening) {
        if (!one.overhears) continue;
        one.overhear(saidBy(input, message, message.text), (meant) => {
          if (acting >= AT_ONCE) return log.warn({ input: input.name }, "too much is overheard at once: not acted on");
          acting += 1;
          init.during(
            input,
            act(input, message, meant).finally(() => {
              acting -= 1;
            }),
          );
        });
      }
    },
  };
}

/** What was said, for those who listen. */
function saidBy(input: Input, message: IncomingMessage, text: string): Said {
  const { id, guest } = message.from;
  return {
    message,
    text,
    caller: callerOf(input.name, id),
    guest: guest || id === undefined,
    room: roomOf(input.name, message.place.room),
  };
}

/** Asks all who listen, one after the other, for what is no command; the first who means something has it. */
export function askAll(listening: readonly Listening[]): (context: Context) => Promise<Meant | undefined> {
  return async ({ input, message, line }) => {
    for (const one of listening) {
      const meant = await one.ask(saidBy(input, message, line.text));
      if (meant) return meant;
    }
    return undefined;
  };
}

/**
 * Which of those that would act on a line do: all who may without more ado. Who needs approvals acts alone, where nobody before it
 * does without; and where none may, the first is refused with its reason.
 */
export function permitted(
  policy: Policy,
  clock: Clock,
): (context: Context, meant: Meant) => readonly Meant["commands"][number][] {
  return (context, { commands }) => {
    const decided = commands.map((command) => {
      const request = requestOf({ ...context, run: { command, input: {}, output: "text" } }, clock.now());
      return { command, decision: request && policy.decide(request) };
    });
    const may = decided.filter(({ decision }) => decision?.allowed);
    const [first = decided[0]] = may;
    if (first === undefined) return [];
    if (first.decision?.approvals !== undefined || may.length === 0) return [first.command];
    return may.filter(({ decision }) => decision?.approvals === undefined).map(({ command }) => command);
  };
}
