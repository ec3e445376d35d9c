import type { Candidate } from "./damping.ts";
import type { Held } from "./store.ts";
import type { Kind, Watch } from "./watch.ts";

/** What is kept in memory of a watch: enough to tell whether there is something to say. The rest is in the store. */
export interface Entry {
  readonly id: string;
  readonly kind: Kind;
  readonly service: string;
  readonly node: string | undefined;
  readonly until: string | undefined;
  readonly endsAt: number;
  readonly everyMs: number;
  /** The state that people know, and since when. */
  known: string | undefined;
  knownAt: number;
  turns: readonly number[];
  flapping: number | undefined;
  /** It was being said that it is so, or that it has ended, and nobody knows whether that was heard. */
  unsure: "state" | "end" | undefined;
  /** Of its card. */
  progress: string | undefined;
  candidate: Candidate | undefined;
  /** Nobody has looked since it was read from the store. */
  away: boolean;
  /** It is not tried again before. */
  notBefore: number;
  busy: boolean;
}

/** Watches by their service: whatever happens to one reaches those that are about it, and no others. */
export interface Roster {
  readonly size: number;
  get(id: string): Entry | undefined;
  /** In the stead of what was there by that id. @param away nobody has looked at it before */
  set(held: Held, away: boolean): Entry;
  delete(id: string): Entry | undefined;
  of(service: string): Iterable<Entry>;
  ids(): Iterable<string>;
  /** How often its nodes are asked; `undefined`: nobody wants to know how they are. @returns no `everyMs`: nobody watches it */
  wanted(service: string): { readonly everyMs: number | undefined } | undefined;
}

export function createRoster(): Roster {
  const entries = new Map<string, Entry>();
  const byService = new Map<string, Set<Entry>>();
  const remove = (id: string): Entry | undefined => {
    const entry = entries.get(id);
    if (entry === undefined) return undefined;
    entries.delete(id);
    const there = byService.get(entry.service);
    there?.delete(entry);
    if (there?.size === 0) byService.delete(entry.service);
    return entry;
  };
  return {
    get size() {
      return entries.size;
    },
    get: (id) => entries.get(id),
    set: ({ watch }, away) => {
      remove(watch.id);
      const entry = entryOf(watch, away);
      entries.set(entry.id, entry);
      const there = byService.get(entry.service);
      if (there) there.add(entry);
      else byService.set(entry.service, new Set([entry]));
      return entry;
    },
    delete: remove,
    of: (service) => byService.get(service) ?? [],
    ids: () => entries.keys(),
    wanted: (service) => {
      const there = byService.get(service);
      if (there === undefined) return undefined;
      let everyMs: number | undefined;
      for (const one of there) if (asks(one)) everyMs = Math.min(everyMs ?? one.everyMs, one.everyMs);
      return { everyMs };
    },
  };
}

/** Whether it is about how nodes are. */
export function asks({ kind }: Pick<Entry, "kind">): boolean {
  return kind === "health" || kind === "node";
}

function entryOf(watch: Watch, away: boolean): Entry {
  const { id, kind, service, node, until, endsAt, everyMs, said, saying, turns, flapping, card, madeAt } = watch;
  return {
    ...{ id, kind, service, node, until, endsAt, everyMs, turns, flapping, away },
    known: saying === undefined ? said?.key : undefined,
    knownAt: said?.at ?? madeAt,
    unsure: saying === undefined ? undefined : saying.end ? "end" : "state",
    progress: card?.progress,
    candidate: undefined,
    notBefore: 0,
    busy: false,
  };
}
