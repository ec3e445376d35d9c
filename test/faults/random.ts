/** Chance that can be repeated: the same seed, the same numbers. Mulberry32. */
export interface Random {
  readonly seed: number;
  /** 0 up to 1. */
  next(): number;
  /** 0 up to `below`. */
  below(below: number): number;
  pick<T>(from: readonly T[]): T;
}

export function random(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { seed, next, below, pick: (from) => from[below(from.length)] as never };
}
