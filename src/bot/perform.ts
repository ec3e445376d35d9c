import { asksFirst } from "../commands/command.ts";
import { chatLine } from "../commands/line.ts";
import type { Behalf, Performer, PerformOptions } from "../commands/perform.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { compose } from "../core/middleware.ts";
import type { AskStanding } from "./approvals/standing.ts";
import { type Answer, type Context, type Layer, say } from "./context.ts";
import { contextOf } from "./heard.ts";
import type { Link } from "./links.ts";
import { renderAnswer } from "./render.ts";

export interface PerformInit {
  readonly links: readonly Link[];
  readonly clock: Clock;
  /** Puts the person beside the caller. */
  readonly known: (context: Context) => Context;
  /** Those of a message, in their order, without what only a conversation needs. */
  readonly layers: readonly Layer[];
  /** Stands last: it writes down that it begins. */
  readonly begun: Layer;
  readonly run: (context: Context) => Promise<Answer>;
  /** Ends the command of that id. */
  readonly cancel: (id: string) => void;
}

/**
 * Carries out lines that no message says, through the layers of one that does: policy, pause and audit see no difference. What
 * only a conversation can give has to be there beforehand: a yes, and approvals cannot be.
 */
export function createPerformer(init: PerformInit): Performer {
  const { links, clock } = init;
  const linkOf = ({ input }: Behalf) => {
    const link = links.find((one) => one.input.name === input);
    if (link) return link;
    throw new MicroError("unavailable", `nothing was done: I am not in ${input} any more, where this was asked for`);
  };

  return {
    perform: async (text, behalf, options) => {
      const { id, signal } = options;
      if (signal?.aborted) throw new MicroError("cancelled", "nothing was done: it was cancelled before it began");
      const link = linkOf(behalf);
      const { place, from } = behalf;
      const message = { id: `performed/${id}`, from, place, text, addressed: true, sentAt: clock.now() };
      let last = contextOf(link.input, message, chatLine(text), id);
      const run = (context: Context) => {
        last = context;
        return init.run(context);
      };
      const layers = [...init.layers, settled(options), init.begun];
      const cancel = () => init.cancel(id);
      signal?.addEventListener("abort", cancel, { once: true });
      try {
        const handle = compose<Context, Answer | undefined>(layers, run);
        const answer = await handle(init.known({ ...last, confirmed: options.confirmed === true }));
        if (last.run === undefined || answer === undefined) throw notOne(text);
        const { command, input } = last.run;
        return { command: command.name, input, result: answer.result, view: answer.view, effect: command.effect };
      } finally {
        signal?.removeEventListener("abort", cancel);
      }
    },
    say: async (behalf, view, choices) => {
      try {
        const { outbox, input, during } = linkOf(behalf);
        const words = renderAnswer({ ...say(""), view }, behalf.place, input.limits);
        const sent = outbox.send({ ...words, ...(choices && input.limits.buttons && { choices }) });
        during(sent);
        await sent;
      } catch {
        // Where nobody is, nobody hears; what was done is in the audit.
      }
    },
  };
}

function notOne(text: string): MicroError {
  return new MicroError("invalid_argument", `"${text}" is no command`);
}

/**
 * Whoever it is for may have become a guest since, or have left.
 * @param ask what somebody is now on the network of a message; `undefined`: it does not tell
 */
export function stillHere(ask: AskStanding): Layer {
  return async (context, next) => {
    const { message, input } = context;
    const { id, name } = message.from;
    if (id === undefined) return next(context);
    const standing = await ask(context, id).catch((error: unknown) => {
      const words = `nothing was done: it cannot be told whether ${name} is still a member in ${input.name}`;
      throw new MicroError("unavailable", `${words} (${MicroError.from(error).message})`, { cause: error });
    });
    if (standing === "gone") {
      const words = `nothing was done: ${name} has no account in ${input.name} any more`;
      throw new MicroError("permission_denied", words, { details: { gone: true } });
    }
    if (standing !== "guest") return next(context);
    return next({ ...context, message: { ...message, from: { ...message.from, guest: true } } });
  };
}

/** What would be asked of people in a conversation has to be settled, since nobody is here to be asked. */
function settled({ confirmed, readOnly }: PerformOptions): Layer {
  return async (context, next) => {
    const { run, decision } = context;
    if (run === undefined) return next(context);
    const { name, effect, inPerson } = run.command;
    const refuse = (why: string, details: Record<string, unknown> = {}) => {
      throw new MicroError("permission_denied", `\`${name}\` was not done: ${why}`, { details });
    };
    if (inPerson) refuse("only a person says it, in a message of their own");
    if (effect === "write" && readOnly) refuse("it may change things, and nothing is to be changed", { dry: true });
    if (decision?.approvals !== undefined) {
      const { count, role } = decision.approvals;
      refuse(`${count} of the role ${role} have to approve it, so say it yourself`, { approvals: { count, role } });
    }
    if (!confirmed && asksFirst(run.command, run.input)) refuse("nobody has said yes to it");
    return next(context);
  };
}
