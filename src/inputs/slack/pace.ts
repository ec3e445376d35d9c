import type { Clock } from "../../core/clock.ts";

/** How fast things are said in each channel. */
export interface Pace {
  /** How long to wait (ms) before the next thing is said there: that turn is taken. */
  turn(channel: string): number;
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
    turn: (channel) => {
      const now = clock.now();
      const entry = held.get(channel);
      if (entry === undefined) return 0;
      if (entry.until <= now) {
        held.delete(channel);
        return 0;
      }
      const at = Math.max(now, entry.next);
      entry.next = at + APART_MS;
      return at - now;
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
