import type { Catalog } from "../commands/catalog.ts";
import type { Line } from "../commands/line.ts";
import type { Heeded, IncomingMessage, Input } from "../inputs/input.ts";
import type { Answer, Context } from "./context.ts";
import { contextOf } from "./heard.ts";
import { type Interrupted, mayBeginAnew } from "./interrupted.ts";
import type { Journal, Left } from "./journal.ts";
import { typedOut } from "./layers/understand.ts";
import type { Work } from "./links.ts";
import type { Networks } from "./networks.ts";
import type { Overhearing } from "./overhearing.ts";
import { step } from "./steps.ts";

export interface HearingInit {
  /** What a message says to the bot (`address.ts`). */
  readonly saidTo: (message: Heeded) => Line | undefined;
  readonly overhearing: Pick<Overhearing, "take">;
  readonly catalog: () => Catalog;
  readonly nextId: () => string;
  /** Puts the person beside the caller. */
  readonly known: (context: Context) => Context;
  /** All layers and the command itself. */
  readonly handle: (context: Context) => Promise<Answer | undefined>;
  readonly networks: Pick<Networks, "named">;
  /** Has what was left. */
  readonly journal: Pick<Journal, "drop">;
  readonly interrupted: Interrupted;
}

/** Where messages come in: from a network, or out of the hands of a process that went away. */
export interface Hearing {
  /** Begins what a message asks for; `undefined`: nothing is asked of the bot. */
  take(input: Input, message: IncomingMessage): Work | undefined;
  /** Goes on with what was left, or tells that it was interrupted. */
  goOn(left: Left): void;
}

export function createHearing(init: HearingInit): Hearing {
  const { saidTo, overhearing, catalog, nextId, networks, journal, interrupted } = init;
  const work = (context: Context) => init.handle(init.known(context));
  return {
    take: (input, heard) => {
      const message = typedOut(catalog(), heard);
      const said = saidTo(message);
      if (said === undefined) {
        overhearing.take(input, message);
        return undefined;
      }
      step("heard");
      let taken = () => {};
      const inJournal = new Promise<void>((resolve) => {
        taken = resolve;
      });
      return { taken: inJournal, done: work({ ...contextOf(input, message, said, nextId()), taken }) };
    },
    goOn: (left) => {
      const { claim, taken } = left;
      const link = networks.named(taken.input);
      if (link === undefined) return;
      const said = saidTo(taken.message);
      // It was overheard: nobody waits for it.
      if (said === undefined) link.during(journal.drop(claim));
      else if (!mayBeginAnew(left)) interrupted.tell(left, link);
      else link.during(work({ ...contextOf(link.input, taken.message, said, taken.id), claim }));
    },
  };
}
