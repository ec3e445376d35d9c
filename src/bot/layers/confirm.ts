import { asksFirst } from "../../commands/command.ts";
import type { Requests } from "../../commands/requests.ts";
import { MicroError } from "../../core/errors.ts";
import type { OutgoingMessage } from "../../inputs/input.ts";
import { createBallot, whispered } from "../approvals/ballot.ts";
import { type CarryInit, createCarry } from "../approvals/carry.ts";
import { createDesk, type DeskInit, type DeskSettings } from "../approvals/desk.ts";
import { requestsOf } from "../approvals/requests.ts";
import { brokenGlass, isNearlyYes, spokenIn } from "../approvals/spoken.ts";
import { alarm, idOfKey } from "../approvals/words.ts";
import { type Context, type Layer, say } from "../context.ts";
import { renderAnswer } from "../render.ts";
import { requestOf } from "./authorize.ts";

/** What may be said otherwise of how writes are confirmed. */
export type ConfirmSettings = DeskSettings;

export interface ConfirmInit extends DeskInit, Omit<CarryInit, "onGlass"> {
  /** Makes sure that it is known who is linked with whom, on whatever replica they said so. @throws MicroError */
  readonly refreshed?: () => Promise<void>;
  /** Says where whoever keeps watch sees it, beside the room, that somebody went without approvers. */
  readonly announce?: ((words: string) => void) | undefined;
}

export interface Confirm {
  /** Stands before the line is understood. */
  readonly heard: Layer;
  /** Stands after the caller was found to be allowed. */
  readonly ask: Layer;
  readonly requests: Requests;
  /** Whether a bare `yes` of who speaks would decide something in that room. @throws MicroError as the store does */
  readonly waits: (context: Context) => Promise<boolean>;
  /** The message as it is to be sent: a question, with a word to the request about where it stands, for whoever changes it. */
  noting(message: OutgoingMessage, during: (work: Promise<unknown>) => void): OutgoingMessage;
  /** Ends what nobody decided in time, until the signal. Never rejects. */
  watch(signal: AbortSignal): Promise<void>;
}

/**
 * Asks before a command that changes things, and takes the answer: of who asked, or of as many approvers as a rule demands.
 * The yes is bound to exactly the line, and to the state of what it touches, that were shown; it works once, in time and in
 * that room. Whoever changes the request in the store first has decided it, on whatever replica; then the question says so,
 * and its buttons are gone (`chat.md §6`, "Approval buttons").
 */
export function confirm(init: ConfirmInit): Confirm {
  const { clock, tell, announce } = init;
  const desk = createDesk(init);
  const ballot = createBallot(desk);
  const carry = createCarry(desk, {
    ...init,
    onGlass: ({ decision, input, message }, pending) => {
      const { count, role } = decision?.approvals ?? {};
      const words = alarm(pending, role === undefined ? "approvers" : `${count} of the role ${role}`, clock.now());
      tell(input.name, renderAnswer(say(words), message.place, input.limits));
      announce?.(words);
    },
  });
  return {
    requests: requestsOf(desk.pendings, clock, init.name),
    watch: desk.watch,
    waits: ballot.isOwnAsked,
    noting: (message, during) => {
      const { progress } = message;
      const id = progress && idOfKey(progress.key);
      if (progress === undefined || id === undefined) return message;
      const onSaid = (at: string) =>
        during(
          desk.pendings
            .alter(id, (pending) => (pending.shown === at ? undefined : { ...pending, shown: at }))
            // Then it is said anew, where it can be changed no more.
            .catch(() => {}),
        );
      return { ...message, progress: { ...progress, onSaid } };
    },
    heard: async (context, next) => {
      carry.met(context);
      const glass = brokenGlass(context.line);
      if (glass) return init.told({ ...context, line: glass.line, brokeGlass: glass.reason }, next);
      const spoken = spokenIn(context.line);
      if (spoken === undefined) {
        if (isNearlyYes(context.line) && (await ballot.isAsked(context))) throw whispered(notAlone());
        return next(context);
      }
      if (spoken.word === "no") return ballot.no(context, spoken);
      await init.refreshed?.();
      const { held, more } = await ballot.yes(context, spoken);
      return more === undefined ? carry.begin(context, held, next) : say(more);
    },
    ask: async (context, next) => {
      const { run, approval, decision, brokeGlass } = context;
      if (brokeGlass !== undefined) checkGlass(context, init);
      if (approval !== undefined) return carry.settle(context, approval, next);
      // Said right it never comes here, and said wrong it only tells how.
      if (run?.command.name === GLASS.name) return next(context);
      // Whoever says an alias may not know what it stands for.
      const unaware = run?.command.effect === "write" && context.alias !== undefined;
      const asks = unaware || (run && asksFirst(run.command, run.input));
      return asks || decision?.approvals !== undefined ? carry.pose(context) : next(context);
    },
  };
}

function notAlone(): MicroError {
  return new MicroError("invalid_argument", "a yes stands alone: `yes`, or `yes 03f9a1`");
}

/** @throws MicroError when the glass is not theirs to break, or there is nothing behind it */
function checkGlass(context: Context, { policy, clock }: Pick<ConfirmInit, "policy" | "clock">): void {
  const request = requestOf(context, clock.now());
  if (request === undefined) return;
  const { allowed, why } = policy.decide({ ...request, command: GLASS });
  if (!allowed) throw new MicroError("permission_denied", why);
  if (context.decision?.approvals !== undefined) return;
  const words = `\`${request.command.name}\` needs no approvers here, so there is no glass to break: say it without`;
  throw new MicroError("invalid_argument", words);
}

/** As `src/commands/requests.ts` defines it. */
const GLASS = { name: "break-glass", permission: "bot:break-glass", effect: "write" } as const;
