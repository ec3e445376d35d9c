import type { Log } from "../log.ts";

/** Things in a registry's key space that are no service records. They are passed over, with one warning for each place. */
export interface Garbage {
  /** @param place the key, znode or pod; its content is never logged */
  met(place: string): void;
}

/** Whoever fills a key space with garbage does not fill the memory. */
const MAX_PLACES = 1000;

export function createGarbage(log: Log, where: string): Garbage {
  const places = new Set<string>();
  return {
    met: (place) => {
      if (places.has(place) || places.size >= MAX_PLACES) return;
      places.add(place);
      log.warn({ place, where }, "passed over something in the registry that is no service record");
    },
  };
}
