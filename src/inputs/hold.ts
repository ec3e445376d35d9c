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
 * A link that is not read is deaf: answers to the bot's own pings, what a room says of its words and the loss of the link stand behind what
 * is held back, and what is said meanwhile gets old. So there is so much holding and no more, and half a minute later not much
 * more of it. Prosody and ejabberd would wait longer: both have kept 28 MB for 40 s and then given all of it.
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
