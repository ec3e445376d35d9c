import type { ServiceRecord } from "./registry.ts";
import { type Versions, withoutNodes, withRecord } from "./versions.ts";

/** Remembers which nodes failed to answer, where nothing else tells that a node is gone (mdns). */
export interface Sightings {
  /** Its nodes were heard of, or said goodbye: what they missed is forgotten. */
  heard(service: ServiceRecord): void;
  /** Everybody was asked and `found` is who answered. Silent nodes stay until they have been silent too often. */
  asked(name: string, known: Versions, found: Versions): Versions;
  clear(): void;
}

/** @param allowed how many questions in a row a node may leave unanswered: packets get lost */
export function createSightings(allowed: number): Sightings {
  const missed = new Map<string, number>();
  return {
    heard: ({ name, version, nodes }) => {
      for (const { id } of nodes) missed.delete(keyOf(name, version, id));
    },
    asked: (name, known, found) => {
      const answered = new Set(found.flatMap(({ version, nodes }) => nodes.map(({ id }) => keyOf(name, version, id))));
      const left = withoutNodes(known, (node, version) => {
        const key = keyOf(name, version, node.id);
        const times = answered.has(key) ? 0 : (missed.get(key) ?? 0) + 1;
        if (times === 0 || times >= allowed) missed.delete(key);
        else missed.set(key, times);
        return times >= allowed;
      });
      return found.reduce(withRecord, left);
    },
    clear: () => missed.clear(),
  };
}

function keyOf(name: string, version: string, id: string): string {
  return JSON.stringify([name, version, id]);
}
