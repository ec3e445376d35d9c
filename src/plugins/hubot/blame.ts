import type { Clock } from "../../core/clock.ts";
import type { Unloaded } from "./protocol.ts";

/** A script that has ended all others so often, within so long, is left out from then on. */
const TIMES = 5;
const WITHIN_MS = 600_000;

/** Remembers who ended the scripts' thread, so that one of them cannot keep the others from living. */
export interface Blame {
  count(from: string, why: string): void;
  /** It does not even load. */
  never(script: Unloaded): void;
  /** Who is left out. */
  left(): readonly Unloaded[];
}

export function createBlame(clock: Clock): Blame {
  const ends = new Map<string, readonly number[]>();
  const out = new Map<string, Unloaded>();
  const leave = ({ from, why }: Unloaded, words: string) => {
    out.set(from, { from, why: `${why}; ${words}, so it is left out until the bot is started again` });
  };
  return {
    count: (from, why) => {
      const now = clock.now();
      const recent = [...(ends.get(from) ?? []), now].filter((at) => now - at < WITHIN_MS);
      ends.set(from, recent);
      if (recent.length >= TIMES) leave({ from, why }, `it has ended all scripts ${TIMES} times`);
    },
    never: (script) => leave(script, "all scripts ended with it as it was loaded"),
    left: () => [...out.values()],
  };
}
