import { type Clock, elapsedBy } from "../core/clock.ts";

/** Lets a network keep what it has to say for a moment, by not reading what it sends. */
export interface Hold {
  /** Reads no more, for as long as may be. Does nothing where that is so, or was so for too long lately. */
  begin(): void;
  /** Reads on. */
  end(): void;
}

/** For each second in which the network was read, so much of one may be held again. */
const REGAINED = 0.1;

/**
 * A link that is not read is deaf: answers to the bot's own pings and what a room says of its words stand behind what is held back, and a server
 * that cannot send for 15 s (ejabberd) ends it. So there is so much holding and no more, and half a minute later not much
 * more of it.
 *
 * @param atMostMs how long at most without a pause; far less than whatever is waited for on the link
 * @param read called with `false` when nothing is to be read any more, with `true` when it is again
 */
export function createHold(clock: Clock, atMostMs: number, read: (on: boolean) => void): Hold {
  const elapsed = elapsedBy(clock);
  let leftMs = atMostMs;
  let changedAt = elapsed();
  let holding: AbortController | undefined;

  const end = () => {
    if (holding === undefined) return;
    const now = elapsed();
    leftMs -= now - changedAt;
    changedAt = now;
    holding.abort();
    holding = undefined;
    read(true);
  };
  return {
    begin: () => {
      if (holding !== undefined) return;
      const now = elapsed();
      leftMs = Math.min(atMostMs, leftMs + (now - changedAt) * REGAINED);
      changedAt = now;
      if (leftMs < atMostMs * REGAINED) return;
      holding = new AbortController();
      read(false);
      clock.sleep(leftMs, { signal: holding.signal }).then(end, () => {});
    },
    end,
  };
}
