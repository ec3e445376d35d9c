import type { LostAnswer } from "../commands/jobs.ts";
import type { Clock } from "../core/clock.ts";

/** So many answers that nobody saw are remembered, for so long. */
const KEPT = 100;
const KEPT_MS = 3_600_000;

/** Answers that could not be delivered, newest last; for `jobs`. */
export interface LostAnswers {
  add(lost: Omit<LostAnswer, "at">): void;
  list(): readonly LostAnswer[];
}

export function createLostAnswers(clock: Clock): LostAnswers {
  let kept: readonly LostAnswer[] = [];
  return {
    add: (lost) => {
      kept = [...kept, { ...lost, at: clock.now() }].slice(-KEPT);
    },
    list: () => {
      kept = kept.filter(({ at }) => clock.now() - at < KEPT_MS);
      return kept;
    },
  };
}
