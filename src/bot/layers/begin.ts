import { MicroError } from "../../core/errors.ts";
import { type Context, type Layer, toldOf } from "../context.ts";
import { cut } from "../fit.ts";
import type { Journal } from "../journal.ts";
import { mannered } from "../manners.ts";

/** Characters of a line that was meant, for who reads of it later. */
const KEPT = 200;

/**
 * The last thing before a command runs: a write is marked as begun, by compare-and-set on the claim to its message. So a
 * process that was paused or cut off, and whose message went to another, does not start it; and whoever takes over
 * knows whether it may have been done. A write that was taken over is never started by itself: reads may be repeated.
 */
export function begin(journalOf: (context: Context) => Journal): Layer {
  return async (context, next) => {
    const { claim, run, line } = context;
    if (claim === undefined || run?.command.effect !== "write") return next(context);
    if (claim.before > 0) {
      const words = `nothing was done: the process of mine that heard this stopped before it had begun; say it again if you still want it: ${toldOf(context)}`;
      const choices = [{ label: "Say it again", line: line.text }];
      throw mannered(new MicroError("unavailable", words), { choices });
    }
    let ours: boolean;
    try {
      // The message says yes to it, and nobody who reads of it later knows to what.
      const meant = context.approval && cut(toldOf(context), KEPT);
      ours = await journalOf(context).begin(claim, meant);
    } catch (error) {
      const words = `nothing was done, because I cannot write down that it begins: ${(error as Error).message}`;
      throw new MicroError("unavailable", words, { cause: error });
    }
    // Another has it by now, and says what there is to say.
    return ours ? next(context) : undefined;
  };
}
