import type { Clock } from "../core/clock.ts";
import type { MicroError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Link } from "./links.ts";
import { within } from "./within.ts";

export interface JoiningInit {
  readonly links: readonly Link[];
  /** Ways in that the bot does without where it must. */
  readonly beside: readonly Link[];
  readonly clock: Clock;
  readonly log: Log;
  /** All of `links` have ended; with the error when one was refused. */
  readonly onEnd: (error: MicroError | undefined) => void;
}

/** How long the networks are waited for; one that is away by then is joined when it is back. */
const JOIN_MS = 10_000;

/** Opens all at once. @returns why the first was refused for good, as soon as that is known */
export async function joinAll({ links, beside, clock, log, onEnd }: JoiningInit): Promise<MicroError | undefined> {
  const main = links.map((link) => link.open());
  const others = beside.map((link) => {
    const { joined } = link.open();
    void joined.then((error) => {
      if (error) log.warn({ input: link.input.name, reason: error.message }, "goes without this input");
    });
    return joined;
  });
  void Promise.all(main.map(({ ended }) => ended)).then((ends) => onEnd(ends.find((error) => error)));
  let refusal: MicroError | undefined;
  const refused = new Promise<void>((resolve) => {
    for (const { joined } of main) {
      void joined.then((error) => {
        refusal ??= error;
        if (error) resolve();
      });
    }
  });
  const all = Promise.all([...main.map(({ joined }) => joined), ...others]);
  await within(clock, JOIN_MS, Promise.race([all, refused]));
  return refusal;
}
