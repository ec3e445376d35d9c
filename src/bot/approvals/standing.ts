import { MicroError } from "../../core/errors.ts";
import type { Standing } from "../../inputs/input.ts";
import type { Context } from "../context.ts";
import { createRecent } from "../limits/recent.ts";
import { isGuest } from "../people.ts";
import { whispered } from "./ballot.ts";
import type { Who } from "./pending.ts";
import { whoIs } from "./words.ts";

/** Asks the network of a message about somebody; `undefined`: it does not tell. @throws MicroError */
export type AskStanding = (context: Context, id: string) => Promise<Standing | undefined>;

/** What networks say of people between what these ask or approve and the moment in which it is done. */
export interface Standings {
  /** Somebody said something, and their network said with it what they are. */
  met(context: Context): void;
  /**
   * What somebody is who spoke at that time: as the network says now, and else as it said last.
   * @throws MicroError as the network does: who cannot be looked up is not taken for a member
   */
  now(context: Context, who: Who, at: number): Promise<Standing>;
}

/** Callers of whom it is remembered what they were when they spoke last. */
const MET = 10_000;

export function createStandings(clock: { now(): number }, ask: AskStanding): Standings {
  const lately = createRecent<{ readonly standing: Standing; readonly at: number }>(MET);
  return {
    met: (context) => {
      if (context.message.from.id === undefined) return;
      lately.set(context.caller, { standing: standingIn(context), at: clock.now() });
    },
    now: async (context, { id, name, caller, guest }, at) => {
      if (id === undefined) return "guest";
      if (caller === context.caller) return standingIn(context);
      let told: Standing | undefined;
      try {
        told = await ask(context, id);
      } catch (error) {
        const { message } = MicroError.from(error);
        const words = `nothing was done: it cannot be told whether ${whoIs({ id, name, caller })} is still a member here (${message}); say it again in a moment`;
        throw whispered(new MicroError("unavailable", words, { cause: error }));
      }
      if (told !== undefined) return told;
      const last = lately.get(caller);
      return last === undefined || last.at < at ? (guest ? "guest" : "member") : last.standing;
    },
  };
}

function standingIn(context: Context): Standing {
  return isGuest(context) ? "guest" : "member";
}
