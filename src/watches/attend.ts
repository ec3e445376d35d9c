import type { House } from "../commands/house.ts";
import type { Behalf } from "../commands/perform.ts";
import { spanWords } from "../core/health/words.ts";
import { dueProgress, putCard } from "./card.ts";
import { FLAP_TURNS, quietFrom, tellFrom, turnsWith } from "./damping.ts";
import type { Entry } from "./roster.ts";
import { type Facts, GONE, isThere, stateOf } from "./state.ts";
import type { Held, WatchStore } from "./store.ts";
import type { Teller } from "./teller.ts";
import { MOST_NODES, WATCH, type Watch } from "./watch.ts";
import { aboutWords, flapWords, stateWords, turnWords } from "./words.ts";

/** How a watch stands in the store by now; `away`: nobody has looked at it since; `undefined`: as before, or another has it. */
export type Attended = { readonly held: Held; readonly away?: true } | "ended" | undefined;

export interface AttendInit {
  readonly house: House;
  readonly store: WatchStore;
  readonly teller: Teller;
  readonly factsOf: (entry: Entry) => Facts;
}

/** What could not be done is tried again after so long; what cannot be heard, too. */
export const AGAIN_MS = 2000;
const UNHEARD_MS = 30_000;
/** A watch whose service has been gone for so long ends. */
export const GONE_MS = 86_400_000;

/**
 * Does the next thing that there is to be done with a watch, if it is time: says a turn, its end, that it flaps or is quiet, or changes
 * its card. It is said as it is in the store.
 * @throws MicroError what the store throws
 */
export function createAttend(init: AttendInit): (entry: Entry) => Promise<Attended> {
  const { house, store, teller, factsOf } = init;
  const { clock } = house;

  const end = async (entry: Entry, held: Held, words: readonly string[]) =>
    asHeld(await teller.tell(held, { words, why: whyOf(entry) }));

  /** It is otherwise than people know, and has been for long enough. */
  const turned = async (entry: Entry, held: Held, key: string, facts: Facts): Promise<Attended> => {
    const { watch } = held;
    const now = clock.now();
    const nodes = nodesOf(watch, facts);
    if (entry.known === undefined && entry.unsure === undefined) {
      // Nobody has been told anything, so this is what it began with.
      return asHeld(await store.change(held, { ...watch, ...nodes, said: { key, at: now } }));
    }
    if (isThere(watch, key)) {
      const [head = ""] = stateWords(watch, key, facts);
      return end(entry, held, [`${head}, after ${spanWords(now - watch.madeAt)}; the watch has ended`]);
    }
    const turns = turnsWith(watch.turns, now);
    if (watch.flapping !== undefined) {
      const { saying: _said, ...rest } = watch;
      return asHeld(await store.change(held, { ...rest, ...nodes, turns, said: { key, at: now } }));
    }
    const flaps = turns.length > FLAP_TURNS;
    const told = turnWords(watch, key, facts, now);
    const words = flaps ? flapWords(watch, told[0] ?? "") : told;
    const change = { ...nodes, turns, ...(flaps && { flapping: now }) };
    return asHeld(await teller.tell(held, { key, words, change, why: whyOf(entry) }));
  };

  /** What is due with one that people can be told of. */
  const look = async (entry: Entry, found: Held): Promise<Attended> => {
    let held: Held | undefined = found;
    const { watch } = held;
    const facts = factsOf(entry);
    const now = clock.now();
    const progress = dueProgress(entry, facts);
    if (progress !== undefined && facts.seen && !isOver(entry, now)) {
      held = await putCard(house, store, held, facts.seen, progress);
      if (held === undefined) return "ended";
      entry.progress = progress;
    }
    const { candidate, known, knownAt } = entry;
    if (candidate && tellFrom(entry.away, candidate) <= now) return turned(entry, held, candidate.key, facts);
    const state = stateOf(entry, facts);
    if (isOver(entry, now)) {
      const [head = "", ...lines] = stateWords(watch, state, facts);
      const waited = watch.until === undefined ? "" : `, and it has not come to that`;
      return end(entry, held, [`${head}; the watch ends after ${spanWords(now - watch.madeAt)}${waited}`, ...lines]);
    }
    if (known === GONE && state === GONE && now - knownAt >= GONE_MS) {
      return end(entry, held, [`${aboutWords(watch)}: it has been gone for a day, and the watch ends`]);
    }
    if (entry.flapping === undefined || candidate || quietFrom(entry.turns, entry.flapping) > now) return undefined;
    const [head = "", ...lines] = stateWords(watch, state, facts);
    const since = spanWords(now - (entry.turns.at(-1) ?? now));
    const quiet = [`${head}; it has been so for ${since} and flaps no more`, ...lines];
    const key = known ?? state ?? "";
    return asHeld(await teller.tell(held, { key, words: quiet, change: { flapping: undefined, turns: [] } }));
  };

  return async (entry) => {
    const held = await store.get(entry.id);
    if (held === undefined) return "ended";
    const settled = await teller.settle(held);
    if (settled) return asHeld(settled);
    const { watch } = held;
    // Another has looked after it.
    if (isStale(entry, watch)) return { held, away: true };
    const behalf = watch.behalf as Behalf;
    if (clock.now() > watch.endsAt + GONE_MS) {
      // It should have ended long ago, where nobody can hear it.
      return (await store.remove(held)) ? "ended" : undefined;
    }
    const hears = house.hears(behalf.input);
    if (!hears || !house.board.live(behalf.input)) {
      entry.notBefore = clock.now() + (hears ? AGAIN_MS : UNHEARD_MS);
      return undefined;
    }
    const command = { ...WATCH, boundAs: [...WATCH.boundAs], name: `watch ${watch.kind}` };
    if (house.mayStill(behalf, command, watch.service)) return look(entry, held);
    const words = `${aboutWords(watch)} is watched no more: ${behalf.from.name} may not ask that here now`;
    return end(entry, held, [words]);
  };
}

function asHeld(agreed: Held | "ended" | undefined): Attended {
  return typeof agreed === "object" ? { held: agreed } : agreed;
}

function isOver({ endsAt, unsure }: Entry, now: number): boolean {
  return endsAt <= now || unsure === "end";
}

function isStale({ known, unsure }: Entry, { said, saying }: Watch): boolean {
  const now = saying === undefined ? undefined : saying.end ? "end" : "state";
  return now !== unsure || (unsure === undefined && said?.key !== known);
}

/** Why it is said now and not when it happened. */
function whyOf({ unsure, away }: Entry): string {
  if (unsure !== undefined) return "I was stopped while I said this, so you may know it: ";
  return away ? "While I was away: " : "";
}

function nodesOf({ kind }: Watch, { seen }: Facts): { readonly nodes?: string[] } {
  if (kind !== "service" || seen === undefined || seen.nodes.length > MOST_NODES) return {};
  return { nodes: seen.nodes.map(({ id }) => id) };
}
