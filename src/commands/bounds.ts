import { z } from "zod";
import { deadline, orAbort } from "../core/deadline.ts";
import { goDuration, readDuration } from "../core/duration.ts";
import { MicroError } from "../core/errors.ts";
import type { CommandContext } from "./command.ts";

/* What goes on is bounded, in chat by default: nobody sits beside it. */

const CHAT_LIMIT = 1000;
const CHAT_MS = 300_000;
const CHAT_MAX_MS = 3_600_000;

/** For `Command.maxMs`: what the options allow and time to end it properly. */
export const MAX_MS = CHAT_MAX_MS + 60_000;

/** A Go duration as an option: `30s`, `1h`. */
export const durationText = z.string().superRefine((text, context) => {
  try {
    readDuration(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: MicroError.from(error).message });
  }
});

/** The options that bound a command. */
export const boundFields = {
  limit: z.number().int().positive().optional().describe("end after so many; in chat 1000 by default"),
  for: durationText.optional().describe("end after so long, like 30s; in chat 5m by default, 1h at most"),
};

export interface Bounds {
  readonly limit: number;
  /** 0: none. */
  readonly ms: number;
}

/** @throws MicroError `invalid_argument` */
export function boundsOf(
  input: { readonly limit?: number | undefined; readonly for?: string | undefined },
  { oneShot }: CommandContext,
): Bounds {
  const ms = input.for === undefined ? undefined : readDuration(input.for);
  if (oneShot) return { limit: input.limit ?? Number.POSITIVE_INFINITY, ms: ms ?? 0 };
  if (ms === 0 || (ms ?? 0) > CHAT_MAX_MS) {
    throw new MicroError("invalid_argument", "--for is at most 1h here; the command line has no such bound");
  }
  return { limit: input.limit ?? CHAT_LIMIT, ms: ms ?? CHAT_MS };
}

/** How much came, and why no more did. */
export interface Followed {
  readonly count: number;
  readonly ms: number;
  /** `over`: it ended by itself. */
  readonly end: "over" | "limit" | "time";
}

/**
 * Hands each of what comes to `each`, the next when that one is done, until it ends or a bound is reached.
 * @throws MicroError what the source throws; `cancelled`
 */
export async function follow<T>(
  source: AsyncIterable<T>,
  bounds: Bounds,
  { clock, signal }: CommandContext,
  each: (item: T) => Promise<void>,
): Promise<Followed> {
  const startedAt = clock.now();
  let count = 0;
  const followed = (end: Followed["end"]): Followed => ({ count, ms: clock.now() - startedAt, end });
  using limit = deadline({ signal }, bounds.ms, "it");
  const time = limit.signal;
  const iterator = source[Symbol.asyncIterator]();
  try {
    while (count < bounds.limit) {
      const next = await orAbort(iterator.next(), time);
      if (next.done) return followed("over");
      count++;
      await orAbort(each(next.value), time);
    }
    return followed("limit");
  } catch (error) {
    if (signal.aborted) throw new MicroError("cancelled", "cancelled", { cause: error });
    if (time.aborted && error === time.reason) return followed("time");
    throw error;
  } finally {
    // It may be waiting for what never comes, so nobody waits for it.
    Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

/** `12 answers in 3.4s; stopped there, --limit allows more`. */
export function closing({ count, ms, end }: Followed, one: string): string {
  const said = `${count} ${one}${count === 1 ? "" : "s"} in ${goDuration(Math.round(ms / 100) * 1e8)}`;
  if (end === "over") return said;
  return `${said}; stopped there, ${end === "limit" ? "--limit allows more" : "--for allows longer"}`;
}
