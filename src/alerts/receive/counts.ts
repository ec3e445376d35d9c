/** What can become of a request. */
export const OUTCOMES = [
  "taken",
  "known",
  "nothing",
  "unauthenticated",
  "forbidden",
  "unknown source",
  "wrong method",
  "wrong type",
  "malformed",
  "too large",
  "too often",
  "unavailable",
] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** How often what became of the requests of each source; of names that are no source's, under `""`. Outcomes that never came are left out. */
export type Counts = Readonly<Record<string, Readonly<Partial<Record<Outcome, number>>>>>;

export interface Counter {
  add(source: string, outcome: Outcome): void;
  counts(): Counts;
}

export function createCounter(): Counter {
  const all = new Map<string, Map<Outcome, number>>();
  return {
    add: (source, outcome) => {
      const of = all.get(source) ?? new Map<Outcome, number>();
      all.set(source, of);
      of.set(outcome, (of.get(outcome) ?? 0) + 1);
    },
    counts: () => Object.fromEntries([...all].map(([source, of]) => [source, Object.fromEntries(of)])),
  };
}
