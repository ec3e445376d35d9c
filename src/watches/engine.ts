import type { House } from "../commands/house.ts";
import { createAgenda } from "../core/agenda.ts";
import { MicroError } from "../core/errors.ts";
import { AGAIN_MS, type Attended, createAttend, GONE_MS } from "./attend.ts";
import { dueProgress } from "./card.ts";
import { candidateOf, quietFrom, tellFrom } from "./damping.ts";
import { type FollowInit, follow } from "./follow.ts";
import type { Lookout } from "./lookout.ts";
import { asks, createRoster, type Entry } from "./roster.ts";
import { type Facts, GONE, stateOf } from "./state.ts";
import type { Held, WatchStore } from "./store.ts";
import type { Teller } from "./teller.ts";

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

export function createEngine({ house, store, teller, lookout, leads, wanted }: EngineInit): Engine {
  const { clock, kv, log } = house;
  const roster = createRoster();
  const agenda = createAgenda(clock);
  const waiting = new Set<string>();
  const working = new Set<Promise<void>>();
  const nothing: Facts = { seen: undefined, examination: undefined };
  const factsOf = ({ service }: Entry) => lookout.facts(service) ?? nothing;
  const attend = createAttend({ house, store, teller, factsOf });

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
    if (candidate) due = Math.min(due, tellFrom(entry.away, candidate));
    else if (flapping !== undefined) due = Math.min(due, quietFrom(turns, flapping));
    if (known === GONE) due = Math.min(due, knownAt + GONE_MS);
    if (dueProgress(entry, factsOf(entry)) !== undefined) due = 0;
    agenda.set(entry.id, Math.max(due, entry.notBefore));
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

  /** What is here is made like what is in the store. */
  const agree = (entry: Entry, attended: Attended) => {
    if (attended === "ended") return forget(entry.id);
    if (attended === undefined || roster.get(entry.id) !== entry) return;
    const { busy, notBefore } = entry;
    Object.assign(roster.set(attended.held, attended.away === true), { busy, notBefore });
  };
  const begin = (entry: Entry) => {
    entry.busy = true;
    const work = attend(entry)
      .then((attended) => agree(entry, attended))
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

  const following: FollowInit = {
    ...{ kv, store, clock, log, learn, forget },
    ids: () => roster.ids(),
    knows: (id) => roster.get(id) !== undefined,
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
      await Promise.all([follow(following, signal), agenda.run(onDue, signal)]);
      waiting.clear();
      await Promise.all(working);
    },
  };
}
