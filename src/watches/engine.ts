import type { House } from "../commands/house.ts";
import type { Behalf } from "../commands/perform.ts";
import { createAgenda } from "../core/agenda.ts";
import { backoff } from "../core/backoff.ts";
import { MicroError } from "../core/errors.ts";
import { spanWords } from "../core/health/words.ts";
import { putCard } from "./card.ts";
import {
  type Candidate,
  candidateOf,
  FLAP_MS,
  FLAP_TURNS,
  GONE_AWAY_MS,
  heldFrom,
  quietFrom,
  turnsWith,
} from "./damping.ts";
import type { Lookout } from "./lookout.ts";
import { asks, createRoster, type Entry } from "./roster.ts";
import { type Facts, GONE, isThere, progressOf, stateOf } from "./state.ts";
import { type Held, KEYS, type WatchStore } from "./store.ts";
import type { Teller } from "./teller.ts";
import { readWatch, WATCH, type Watch } from "./watch.ts";
import { aboutWords, stateWords, turnWords } from "./words.ts";

export interface EngineInit {
  readonly house: House;
  readonly store: WatchStore;
  readonly teller: Teller;
  readonly lookout: Pick<Lookout, "want" | "drop" | "facts" | "confirm">;
  /** Whether this process is still the one that speaks. */
  readonly leads: () => boolean;
  /** Others want a service, too: how often. */
  readonly wanted?: (service: string) => number | undefined;
}

/** All watches for as long as this process is the one that looks after them. */
export interface Engine {
  /** How many there are. */
  readonly size: number;
  /** Something was seen of a service. Takes no time: what is to be said is said later. */
  onFacts(service: string, facts: Facts, probed: boolean): void;
  /** What others want of a service has changed. */
  want(service: string): void;
  /** Until the signal. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** So many are said at once. */
const AT_ONCE = 32;
/** What could not be done is tried again after so long; what cannot be heard, too. */
const AGAIN_MS = 2000;
const UNHEARD_MS = 30_000;
/** A watch whose service has been gone for so long ends. */
const GONE_MS = 86_400_000;
/** More ids of nodes are not kept with a watch. */
export const MOST_NODES = 500;

export function createEngine({ house, store, teller, lookout, leads, wanted }: EngineInit): Engine {
  const { clock, kv, log } = house;
  const roster = createRoster();
  const agenda = createAgenda(clock);
  const waiting = new Set<string>();
  const working = new Set<Promise<void>>();
  const nothing: Facts = { seen: undefined, examination: undefined };
  const factsOf = ({ service }: Entry) => lookout.facts(service) ?? nothing;

  const want = (service: string) => {
    const own = roster.wanted(service);
    const others = wanted?.(service);
    if (own === undefined && others === undefined) return lookout.drop(service);
    const everyMs = Math.min(own?.everyMs ?? Number.POSITIVE_INFINITY, others ?? Number.POSITIVE_INFINITY);
    lookout.want(service, Number.isFinite(everyMs) ? everyMs : undefined);
  };
  const learn = (held: Held, away: boolean) => {
    const entry = roster.set(held, away);
    want(entry.service);
    consider(entry, factsOf(entry), false);
  };
  const forget = (id: string) => {
    agenda.set(id, undefined);
    const entry = roster.delete(id);
    if (entry) want(entry.service);
  };

  /** When there is something to be done with it next. */
  const plan = (entry: Entry) => {
    if (roster.get(entry.id) !== entry) return;
    const { candidate, flapping, known, knownAt, endsAt, turns, unsure } = entry;
    let due = unsure === "end" ? 0 : endsAt;
    if (candidate) due = Math.min(due, tellFrom(entry, candidate));
    else if (flapping !== undefined) due = Math.min(due, quietFrom(turns, flapping));
    if (known === GONE) due = Math.min(due, knownAt + GONE_MS);
    if (cardOf(entry) !== undefined) due = 0;
    agenda.set(entry.id, Math.max(due, entry.notBefore));
  };
  /** What its card should say, if it says something else. */
  const cardOf = (entry: Entry): string | undefined => {
    const { seen } = factsOf(entry);
    if (entry.kind !== "version" || entry.until === undefined || seen === undefined) return undefined;
    const { there, of } = progressOf(entry.until, seen);
    const progress = `${there}/${of}`;
    return of === 0 || progress === entry.progress ? undefined : progress;
  };
  const consider = (entry: Entry, facts: Facts, probed: boolean) => {
    if (entry.busy) return;
    const state = stateOf(entry, facts);
    if (state !== undefined) {
      entry.candidate = candidateOf(entry.candidate, entry.known, state, probed && asks(entry), clock.now());
      if (entry.candidate === undefined) entry.away = false;
      else if (asks(entry)) lookout.confirm(entry.service);
    } else if (entry.candidate?.key === GONE && facts.seen) {
      // It is back, and nobody has asked yet how it is.
      entry.candidate = undefined;
    }
    plan(entry);
  };

  /** It is said as it is in the store; what is here is made like it. */
  const agree = (entry: Entry, held: Held | "ended" | undefined, away = false) => {
    if (held === "ended") return forget(entry.id);
    if (held === undefined || roster.get(entry.id) !== entry) return;
    const { busy, notBefore } = entry;
    Object.assign(roster.set(held, away), { busy, notBefore });
  };
  const end = async (entry: Entry, held: Held, words: readonly string[]) => {
    agree(entry, await teller.tell(held, { words, why: whyOf(entry) }));
  };
  const attend = async (entry: Entry) => {
    let held = await store.get(entry.id);
    if (held === undefined) return forget(entry.id);
    const settled = await teller.settle(held);
    if (settled === "ended") return forget(entry.id);
    if (settled) return agree(entry, settled);
    const { watch } = held;
    // Another has looked after it.
    if (isStale(entry, watch)) return agree(entry, held, true);
    const behalf = watch.behalf as Behalf;
    if (clock.now() > watch.endsAt + GONE_MS) {
      // It should have ended long ago, where nobody can hear it.
      if (await store.remove(held)) forget(entry.id);
      return;
    }
    if (!house.hears(behalf.input) || !house.board.live(behalf.input)) {
      entry.notBefore = clock.now() + (house.hears(behalf.input) ? AGAIN_MS : UNHEARD_MS);
      return;
    }
    const about = aboutWords(watch);
    if (
      !house.mayStill(behalf, { ...WATCH, boundAs: [...WATCH.boundAs], name: `watch ${watch.kind}` }, watch.service)
    ) {
      return end(entry, held, [`${about} is watched no more: ${behalf.from.name} may not ask that here now`]);
    }
    const facts = factsOf(entry);
    const now = clock.now();
    const progress = cardOf(entry);
    if (progress !== undefined && facts.seen && !isOver(entry, now)) {
      held = await putCard(house, store, held, facts.seen, progress);
      if (held === undefined) return forget(entry.id);
      entry.progress = progress;
    }
    const { candidate, known, knownAt } = entry;
    if (candidate && tellFrom(entry, candidate) <= now) return turned(entry, held, candidate.key, facts);
    const state = stateOf(entry, facts);
    if (isOver(entry, now)) {
      const [head = "", ...lines] = stateWords(watch, state, facts);
      const waited = watch.until === undefined ? "" : `, and it has not come to that`;
      return end(entry, held, [`${head}; the watch ends after ${spanWords(now - watch.madeAt)}${waited}`, ...lines]);
    }
    if (known === GONE && state === GONE && now - knownAt >= GONE_MS) {
      return end(entry, held, [`${about}: it has been gone for a day, and the watch ends`]);
    }
    if (entry.flapping !== undefined && !candidate && quietFrom(entry.turns, entry.flapping) <= now) {
      const [head = "", ...lines] = stateWords(watch, state, facts);
      const quiet = [
        `${head}; it has been so for ${spanWords(now - (entry.turns.at(-1) ?? now))} and flaps no more`,
        ...lines,
      ];
      const key = known ?? state ?? "";
      agree(entry, await teller.tell(held, { key, words: quiet, change: { flapping: undefined, turns: [] } }));
    }
  };
  /** It is otherwise than people know, and has been for long enough. */
  const turned = async (entry: Entry, held: Held, key: string, facts: Facts): Promise<void> => {
    const { watch } = held;
    const now = clock.now();
    const nodes = nodesOf(watch, facts);
    if (entry.known === undefined && entry.unsure === undefined) {
      // Nobody has been told anything, so this is what it began with.
      return agree(entry, await store.change(held, { ...watch, ...nodes, said: { key, at: now } }));
    }
    if (isThere(watch, key)) {
      const [head = ""] = stateWords(watch, key, facts);
      const words = [`${head}, after ${spanWords(now - watch.madeAt)}; the watch has ended`];
      return end(entry, held, words);
    }
    const turns = turnsWith(watch.turns, now);
    if (watch.flapping !== undefined) {
      const { saying: _said, ...rest } = watch;
      return agree(entry, await store.change(held, { ...rest, ...nodes, turns, said: { key, at: now } }));
    }
    const flaps = turns.length > FLAP_TURNS;
    const told = turnWords(watch, key, facts, now);
    const words = flaps ? flapWords(watch, told[0] ?? "") : told;
    const change = { ...nodes, turns, ...(flaps && { flapping: now }) };
    agree(entry, await teller.tell(held, { key, words, change, why: whyOf(entry) }));
  };

  const begin = (entry: Entry) => {
    entry.busy = true;
    const work = attend(entry)
      .catch((error: unknown) => {
        entry.notBefore = clock.now() + AGAIN_MS;
        log.warn({ watch: entry.id, reason: MicroError.from(error).message }, "a watch could not be looked after");
      })
      .then(() => {
        working.delete(work);
        const now = roster.get(entry.id);
        if (now) {
          now.busy = false;
          consider(now, factsOf(now), false);
        }
        const [next] = waiting;
        if (next === undefined) return;
        waiting.delete(next);
        onDue(next);
      });
    working.add(work);
  };
  const onDue = (id: string) => {
    const entry = roster.get(id);
    if (entry === undefined || entry.busy) return;
    if (!leads()) return agenda.set(id, clock.now() + AGAIN_MS);
    if (working.size < AT_ONCE) begin(entry);
    else waiting.add(id);
  };
  /** Live first, then what there is: nothing is missed in between. */
  const follow = async (signal: AbortSignal) => {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const watcher = await kv.watch(KEYS, { signal });
        const stop = () => void watcher.close();
        signal.addEventListener("abort", stop, { once: true });
        try {
          const all = await store.list();
          const there = new Set(all.map(({ watch }) => watch.id));
          for (const id of [...roster.ids()]) if (!there.has(id)) forget(id);
          for (const held of all) if (roster.get(held.watch.id) === undefined) learn(held, true);
          failures = 0;
          for await (const { key, entry } of watcher) {
            const watch = entry && readWatch(entry.value);
            if (entry === undefined) forget(key.slice(KEYS.length));
            // What becomes of those that are known is decided here.
            else if (watch && roster.get(watch.id) === undefined) learn({ watch, revision: entry.revision }, false);
          }
        } finally {
          signal.removeEventListener("abort", stop);
          await watcher.close();
        }
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ reason: MicroError.from(error).message }, "watches cannot be seen in the store; I look again");
      }
      await clock.sleep(backoff(Math.min(failures, 5), 200, AGAIN_MS), { signal }).catch(() => {});
    }
  };

  return {
    get size() {
      return roster.size;
    },
    want,
    onFacts: (service, facts, probed) => {
      for (const entry of roster.of(service)) consider(entry, facts, probed);
    },
    run: async (signal) => {
      await Promise.all([follow(signal), agenda.run(onDue, signal)]);
      waiting.clear();
      await Promise.all(working);
    },
  };
}

function isOver({ endsAt, unsure }: Entry, now: number): boolean {
  return endsAt <= now || unsure === "end";
}

/** Services begin anew together with the bot, and some registries take their time to tell who is there. */
function tellFrom({ away }: Entry, candidate: Candidate): number {
  return away && candidate.key === GONE
    ? Math.max(heldFrom(candidate), candidate.since + GONE_AWAY_MS)
    : heldFrom(candidate);
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

function flapWords(watch: Watch, now: string): readonly string[] {
  const minutes = FLAP_MS / 60_000;
  const often = `it changed ${FLAP_TURNS + 1} times within ${minutes} min`;
  return [
    `${aboutWords(watch)} is flapping: ${often}; I say more when nothing has changed for ${minutes} min`,
    `now: ${now}`,
  ];
}
