/** So many a second of one source, and what it did not use for a while all at once. */
export interface Rate {
  /** @returns `0`: it may go on; else in how many ms it may come again */
  take(): number;
}

/** For how long what was not used is kept, in seconds. */
const BURST_S = 10;

/** @param now milliseconds that only go on */
export function createRate(perSecond: number, now: () => number): Rate {
  const most = perSecond * BURST_S;
  let left = most;
  let at = now();
  return {
    take: () => {
      const time = now();
      left = Math.min(most, left + ((time - at) / 1000) * perSecond);
      at = time;
      if (left < 1) return Math.ceil(((1 - left) / perSecond) * 1000);
      left -= 1;
      return 0;
    },
  };
}
