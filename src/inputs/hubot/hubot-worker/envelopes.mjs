import { randomUUID } from "node:crypto";

/**
 * The envelopes of what was said, so that an answer goes where its question came from, thread and all. Bounded, and what
 * is old is forgotten; an answer is then sent to the room or the person alone.
 */
export function keepEnvelopes({ max = 1000, maxAgeMs = 3_600_000, now = Date.now } = {}) {
  // Keys of another life of the adapter must not be found in this one.
  const life = randomUUID();
  const kept = new Map();

  const forget = () => {
    for (const [key, { at }] of kept) {
      if (kept.size <= max && now() - at < maxAgeMs) break;
      kept.delete(key);
    }
  };

  return {
    /** @param name what tells this message from others of this life @returns where to find it, and when it first came */
    keep(name, envelope) {
      const key = `${life}/${name}`;
      const at = kept.get(key)?.at ?? now();
      kept.set(key, { envelope, at });
      forget();
      return { key, at };
    },
    find(key) {
      forget();
      return kept.get(key)?.envelope;
    },
  };
}
