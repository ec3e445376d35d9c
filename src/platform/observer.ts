import type { Entry } from "./kv/kv.ts";

/** For how long entries have not changed while we were looking. */
export interface Observer {
  /** What is there now; what is not among it is forgotten. */
  look(entries: readonly Pick<Entry, "key" | "revision">[]): void;
  /** Nothing could be seen: time that goes by from now on to the next look counts against nobody, and all begins anew. */
  blind(): void;
  /** Milliseconds since an entry was first seen as it is; 0 for one that is not there. */
  quietMs(key: string): number;
}

/**
 * A revision that is still the same proves that nobody wrote; but where nobody could write, because the store was away or
 * everybody stood still together with us, it proves no death. So a gap of half a lease in our own looking begins anew.
 */
export function createObserver(monotonic: () => number, leaseMs: number): Observer {
  let seen = new Map<string, { readonly revision: number; readonly since: number }>();
  let lookedAt = Number.NEGATIVE_INFINITY;
  return {
    look: (entries) => {
      const now = monotonic();
      const before = now - lookedAt > leaseMs / 2 ? undefined : seen;
      lookedAt = now;
      seen = new Map(
        entries.map(({ key, revision }) => {
          const known = before?.get(key);
          return [key, known?.revision === revision ? known : { revision, since: now }];
        }),
      );
    },
    blind: () => {
      seen = new Map();
    },
    quietMs: (key) => {
      const known = seen.get(key);
      return known === undefined ? 0 : monotonic() - known.since;
    },
  };
}
