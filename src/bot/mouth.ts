import type { Catalog } from "../commands/catalog.ts";
import type { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Mark, OutgoingMessage } from "../inputs/input.ts";
import { type Context, toldOf } from "./context.ts";
import { cut } from "./fit.ts";
import type { Journals } from "./journals.ts";
import type { Link } from "./links.ts";
import type { LostAnswers } from "./lost.ts";
import type { Networks } from "./networks.ts";
import { whose } from "./people.ts";
import { renderError } from "./render.ts";
import { between } from "./steps.ts";

export interface MouthInit {
  readonly networks: Pick<Networks, "of">;
  readonly catalog: () => Catalog;
  readonly journals: Pick<Journals, "of">;
  /** Where answers go that nobody saw. */
  readonly lost: Pick<LostAnswers, "add">;
  /** The message as it is to be sent (`Confirm.noting`). */
  readonly noting: (message: OutgoingMessage, during: Link["during"]) => OutgoingMessage;
  readonly log: Log;
}

/** What is said to who said a message, there. */
export interface Mouth {
  /** Resolves to whether it was said. */
  send(context: Context, message: OutgoingMessage): Promise<boolean>;
  /** Shows what grows, as it is by now (`Outbox.grow`). */
  grow(context: Context, key: string, draw: () => OutgoingMessage): void;
  /** Says that a message could not be written down. */
  refuse(context: Context, error: MicroError): Promise<void>;
  /** Puts signs on one message, one after the other, and never throws; `undefined` where there are none now. */
  marker(context: Context): ((mark: Mark) => void) | undefined;
}

export function createMouth({ networks, catalog, journals, lost, noting, log }: MouthInit): Mouth {
  const send = (context: Context, message: OutgoingMessage) => {
    const { claim } = context;
    const onLost = (why: string) => {
      const { id, caller, line } = context;
      const person = whose(context);
      const command = catalog().match(line)?.command.name ?? "";
      lost.add({ id, caller, person, command, text: cut(toldOf(context), 200), why });
    };
    const { outbox, during } = networks.of(context);
    return between(
      "saying",
      () => outbox.send(noting(message, during), onLost, claim && (() => journals.of(context.input).holds(claim))),
      "said",
    );
  };
  return {
    send,
    grow: (context, key, draw) => networks.of(context).outbox.grow(key, draw),
    refuse: async (context, error) => {
      log.error({ id: context.id, err: error }, "the journal cannot be written");
      await send(context, renderError(error, context.id, context.message.place, context.input.limits));
    },
    marker: (context) => {
      const link = networks.of(context);
      if (link.marker() === undefined) return undefined;
      let last = Promise.resolve();
      return (mark) => {
        last = last.then(() => link.marker()?.(context.message.place, mark));
        link.during(last);
      };
    },
  };
}
