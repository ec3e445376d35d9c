import type { Clock } from "../../core/clock.ts";
import type { CallOptions } from "../../core/lifecycle.ts";

/** How fast things are said in each channel. */
export interface Pace {
  /** Resolves when the next thing may be said there. @throws MicroError `cancelled` */
  turn(channel: string, options: Pick<CallOptions, "signal">): Promise<void>;
  /** Slack found us too fast there. */
  slower(channel: string): void;
}

/** One message a second in a channel, "short bursts" are let through (`chat.md §3`). */
const APART_MS = 1000;

/** How long a channel is held to that after Slack has complained. */
const HELD_MS = 60_000;

/** Channels that are remembered; those that are forgotten may burst again. */
const MAX = 1000;

/**
 * Bursts are allowed until Slack says "too fast"; then the channel gets one message a second for a minute, because every
 * other one would be refused and the wait for those is longer than a second. How long to wait after a refusal is Slack's
 * word, and the bot's to keep.
 */
export function createPace(clock: Clock): Pace {
  const held = new Map<string, { readonly until: number; next: number }>();
  return {
    turn: async (channel, { signal }) => {
      const now = clock.now();
      const entry = held.get(channel);
      if (entry === undefined) return;
      if (entry.until <= now) {
        held.delete(channel);
        return;
      }
      const at = Math.max(now, entry.next);
      entry.next = at + APART_MS;
      if (at > now) await clock.sleep(at - now, { ...(signal && { signal }) });
    },
    slower: (channel) => {
      const now = clock.now();
      held.delete(channel);
      held.set(channel, { until: now + HELD_MS, next: now + APART_MS });
      for (const oldest of held.keys()) {
        if (held.size <= MAX) break;
        held.delete(oldest);
      }
    },
  };
}
