import { joinRecords } from "./join.ts";
import type { RegistryEvent, ServiceRecord } from "./registry.ts";
import { changes, NO_VERSIONS, type Versions } from "./versions.ts";

/**
 * Who says what: records by the place that they were read from (a znode, a pod, a whole registry), joined by service. For
 * registries that read pieces and must tell what happened to the whole.
 */
export interface Ledger {
  /** What `place` says from now on, instead of what it said before; `[]`: nothing any more. */
  put(place: string, records: readonly ServiceRecord[]): void;
  has(place: string): boolean;
  places(): IterableIterator<string>;
  /** Joins what was put since the last time, and says what that changed. */
  settle(): readonly RegistryEvent[];
  /** Services as of the last `settle()`, by name. */
  current(): ReadonlyMap<string, Versions>;
}

export function createLedger(): Ledger {
  const said = new Map<string, readonly ServiceRecord[]>();
  const places = new Map<string, Map<string, readonly ServiceRecord[]>>();
  const services = new Map<string, Versions>();
  const dirty = new Set<string>();

  const forget = (place: string) => {
    for (const { name } of said.get(place) ?? []) {
      dirty.add(name);
      const sayers = places.get(name);
      sayers?.delete(place);
      if (sayers?.size === 0) places.delete(name);
    }
    said.delete(place);
  };
  return {
    put: (place, records) => {
      forget(place);
      if (records.length === 0) return;
      said.set(place, records);
      for (const record of records) {
        const sayers = places.get(record.name) ?? new Map<string, readonly ServiceRecord[]>();
        sayers.set(place, [...(sayers.get(place) ?? []), record]);
        places.set(record.name, sayers);
        dirty.add(record.name);
      }
    },
    has: (place) => said.has(place),
    places: () => said.keys(),
    settle: () => {
      const events: RegistryEvent[] = [];
      for (const name of dirty) {
        const before = services.get(name) ?? NO_VERSIONS;
        const after = joinRecords([...(places.get(name)?.values() ?? [])].flat(), before);
        if (after.length === 0) services.delete(name);
        else services.set(name, after);
        events.push(...changes(before, after));
      }
      dirty.clear();
      return events;
    },
    current: () => new Map(services),
  };
}
