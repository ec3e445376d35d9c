import type { Catalog } from "../../commands/catalog.ts";
import { targetOf } from "../../commands/target.ts";
import type { Clock } from "../../core/clock.ts";
import { goDuration } from "../../core/duration.ts";
import { MicroError } from "../../core/errors.ts";
import { spokenIn } from "../approvals/spoken.ts";
import type { Context, Layer } from "../context.ts";
import { LIMITS, type LimitInit, UNLIMITED } from "../limits/limits.ts";
import type { Quiet } from "../limits/quiet.ts";
import { createBuckets, type Rate } from "../limits/rate.ts";
import { roomOf } from "../long.ts";
import { mannered } from "../manners.ts";
import { isGuest, whose } from "../people.ts";

/** Nobody is unheard longer than this for what is only allowed seldom, unless it is not allowed again sooner. */
const LONGEST_MS = 60_000;

/**
 * Two layers: `heard` before anybody has looked at what is said, by who says it and where; `meant` where it is known what
 * it would do, and that it may be done. A yes is not counted again: its question was.
 *
 * What stops things, and a word on a request, is heard in a room however much is said there, and is not counted against it:
 * else a few people could keep everybody's `pause writes` from being heard. Who says it has their own limit all the same.
 *
 * A flooder is told once and then unheard for a while (`quiet.ts`). Where a message waits for its answer
 * (`Input.everyLine`), each is answered.
 */
export function limit(
  init: LimitInit | "none",
  clock: Clock,
  quiet: Quiet,
  match: Catalog["match"],
): { readonly heard: Layer; readonly meant: Layer } {
  const rates: Required<LimitInit> = init === "none" ? UNLIMITED : { ...LIMITS, ...init };
  const guests = rates.room === "none" ? "none" : halfOf(rates.room);
  const person = gate("person", rates.person, (rate) => `more than ${rate} from you`, clock, quiet);
  const guest = gate("guest", rates.guest, (rate) => `more than ${rate} from a stranger`, clock, quiet);
  const strangers = gate("strangers", guests, (rate) => `more than ${rate} from strangers in this room`, clock, quiet);
  const room = gate("room", rates.room, (rate) => `more than ${rate} in this room`, clock, quiet);
  const command = gate("command", rates.command, (rate, name) => `more than ${rate} for \`${name}\``, clock, quiet);
  const target = gate("target", rates.target, (rate, name) => `more than ${rate} for ${name}`, clock, quiet);
  const isUrgent = ({ line }: Context) => spokenIn(line) !== undefined || match(line)?.command.urgent === true;
  return {
    heard: async (context, next) => {
      const where = roomOf(context.input.name, context.message.place.room);
      if (isGuest(context)) {
        guest(context, whose(context));
        strangers(context, where);
      } else person(context, whose(context));
      if (!isUrgent(context)) room(context, where);
      return next(context);
    },
    meant: async (context, next) => {
      const { run, confirmed } = context;
      if (run === undefined || confirmed || run.command.urgent) return next(context);
      command(context, run.command.name);
      const service = targetOf(run.command, run.input);
      if (service !== undefined) target(context, service);
      return next(context);
    },
  };
}

/** @throws MicroError `exhausted` when it was too much */
type Gate = (context: Context, name: string) => void;

function gate(
  kind: string,
  rate: Rate | "none",
  words: (rate: string, name: string) => string,
  clock: Clock,
  quiet: Quiet,
): Gate {
  if (rate === "none") return () => {};
  const buckets = createBuckets(rate);
  const rateWords = `${rate.count} command${rate.count === 1 ? "" : "s"} in ${spoken(rate.ms)}`;
  return (context, name) => {
    const reason = `${kind} ${name}`;
    const each = context.input.everyLine === true;
    if (!each && quiet.holds(reason, context)) throw unsaid(`not heard: too much for the limit per ${kind}`);
    const wait = buckets.take(name, clock.now());
    if (wait === 0) return;
    const ms = each ? wait : Math.max(wait, Math.min(rate.ms, LONGEST_MS));
    const unheard = each ? `say it again in ${spoken(ms)}` : `I do not listen to that for ${spoken(ms)}`;
    const text = `that is ${words(rateWords, name)}, so it was not done; ${unheard}`;
    if (!each && !quiet.begin(reason, context, ms)) throw unsaid(text);
    const details = { retryAfterMs: ms };
    throw mannered(new MicroError("exhausted", text, { details }), { whisper: true });
  };
}

function unsaid(text: string): MicroError {
  return mannered(new MicroError("exhausted", text), { silent: true });
}

function spoken(ms: number): string {
  return goDuration(ms < 1000 ? ms * 1e6 : Math.ceil(ms / 1000) * 1e9);
}

function halfOf({ count, ms, burst }: Rate): Rate {
  return { count: Math.ceil(count / 2), ms, burst: Math.ceil(burst / 2) };
}
