import { readDuration } from "../../core/duration.ts";
import { MicroError } from "../../core/errors.ts";
import { createRecent } from "./recent.ts";

/** So many in so long a time, evenly in the long run; and so many at once after a rest. */
export interface Rate {
  readonly count: number;
  readonly ms: number;
  readonly burst: number;
}

/**
 * A rate as it is written: `30/10s` (30 in 10 seconds, all of them at once if need be), `30/10s,5` (only 5 at once), `none`.
 * @throws MicroError `invalid_argument`
 */
export function readRate(text: string): Rate | "none" {
  if (text.trim() === "none") return "none";
  const [, count = "", time = "", burst = count] = /^\s*(\d+)\s*\/\s*([^,]*?)\s*(?:,\s*(\d+)\s*)?$/.exec(text) ?? [];
  const rate = { count: Number(count), ms: count === "" ? 0 : readDuration(time), burst: Number(burst) };
  const whole = [rate.count, rate.burst].every((number) => Number.isSafeInteger(number) && number > 0);
  if (whole && rate.ms > 0) return rate;
  throw new MicroError(
    "invalid_argument",
    `"${text}" is no limit; write it like 30/10s, 30/10s,5 (only 5 at once) or none`,
  );
}

/** As `readRate` reads it. */
export function rateText({ count, ms, burst }: Rate): string {
  const units = [
    [3_600_000, "h"],
    [60_000, "m"],
    [1000, "s"],
  ] as const;
  const [size, unit] = units.find(([of]) => ms % of === 0) ?? [1, "ms"];
  return `${count}/${ms / size}${unit}${burst === count ? "" : `,${burst}`}`;
}

/** What is left of a rate, for each of many names. */
export interface Buckets {
  /** Takes one. 0: there was one; else the ms until there will be, and nothing is taken. @param now epoch ms */
  take(name: string, now: number): number;
  /** How many names are remembered. */
  readonly size: number;
}

/** So many names are remembered of one limit, some megabytes at most, however many there are. */
const NAMES = 20_000;

/**
 * The generic cell rate algorithm: of each name only one number is kept, the time at which all of it is there again. Whose
 * time has passed need not be remembered, so a name is forgotten when it was not heard of for that long.
 */
export function createBuckets({ count, ms, burst }: Rate, max = NAMES): Buckets {
  const apart = ms / count;
  const whole = apart * burst;
  const full = createRecent<number>(max);
  let turnedAt = 0;
  return {
    get size() {
      return full.size;
    },
    take: (name, now) => {
      if (now >= turnedAt + whole || now < turnedAt) {
        full.turn();
        turnedAt = now;
      }
      // A clock that was set back takes nobody's turn away for longer than a whole bucket lasts.
      const at = Math.min(Math.max(full.get(name) ?? 0, now), now + whole);
      const wait = at - now - (whole - apart);
      full.set(name, wait > EPSILON ? at : at + apart);
      return wait > EPSILON ? Math.ceil(wait) : 0;
    },
  };
}

/** Milliseconds that a third of a second may be off. */
const EPSILON = 1e-3;
