import { MicroError } from "../core/errors.ts";
import type { IncomingMessage, Input } from "../inputs/input.ts";
import type { AskStanding } from "./approvals/standing.ts";
import type { Context } from "./context.ts";
import { createLink, type Link, type LinkInit, type Work } from "./links.ts";

export interface NetworksInit extends Omit<LinkInit, "onMessage"> {
  readonly inputs: readonly Input[];
  readonly beside?: readonly Input[] | undefined;
  /** As `LinkInit.onMessage`. */
  readonly onMessage: (input: Input, message: IncomingMessage) => Work | undefined;
}

/** The bot's ends of all its inputs, and which of them a message or a name means. */
export interface Networks {
  /** Those that the bot lives as long as, and those that are there beside them. */
  readonly links: readonly Link[];
  readonly beside: readonly Link[];
  readonly all: readonly Link[];
  /** The one that a message came by. */
  of(context: Pick<Context, "input">): Link;
  /** The one with an input of that name; `undefined`: the bot is not there. */
  named(input: string): Link | undefined;
  /** As `Link.during`. */
  readonly during: (context: Pick<Context, "input">, work: Promise<unknown>) => void;
  /** What somebody is now where a message was said. */
  readonly standing: AskStanding;
}

export function createNetworks({ inputs, beside = [], onMessage, ...init }: NetworksInit): Networks {
  const linkTo = (input: Input) => createLink(input, { ...init, onMessage: (message) => onMessage(input, message) });
  const links = inputs.map(linkTo);
  const others = beside.map(linkTo);
  const all = [...links, ...others];
  const of = ({ input }: Pick<Context, "input">) => all.find((link) => link.input === input) ?? never(input);
  return {
    links,
    beside: others,
    all,
    of,
    named: (input) => all.find((link) => link.input.name === input),
    during: (context, work) => of(context).during(work),
    standing: async (context, id) => of(context).standing(id, context.message.place),
  };
}

function never(input: Input): never {
  throw new MicroError("internal", `there is no link for ${input.name}`);
}
