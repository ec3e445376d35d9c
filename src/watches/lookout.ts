import { createHash } from "node:crypto";
import { createAgenda } from "../core/agenda.ts";
import { backoff } from "../core/backoff.ts";
import type { Client } from "../core/client/client.ts";
import type { Clock } from "../core/clock.ts";
import { MicroError } from "../core/errors.ts";
import { type ExamineParts, examine } from "../core/health/examine.ts";
import type { LastKnown } from "../core/health/last.ts";
import type { Log } from "../core/log.ts";
import type { Registry, ServiceRecord } from "../core/registry/registry.ts";
import { type Facts, seenOf } from "./state.ts";

export interface LookoutInit {
  readonly registry: Registry;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Log;
  /** What was known of nodes, so that since when can be told. */
  readonly last?: LastKnown;
  /** Something was seen of a service that is wanted. @param probed its nodes were asked just now */
  onFacts(service: string, facts: Facts, probed: boolean): void;
  /** Something happened to a service, wanted or not. */
  onName?(service: string): void;
  /** All is looked at from the beginning, since events may have been missed. */
  onBegin?(): void;
}

/** Looks at services for whoever wants to know of them: at the registry when it tells of something, at their nodes on an interval. */
export interface Lookout {
  /** @param everyMs how often nodes are asked; `undefined`: they are not. Said again it holds anew */
  want(service: string, everyMs: number | undefined): void;
  drop(service: string): void;
  facts(service: string): Facts | undefined;
  /** Nodes are asked soon, because what was seen last has to be confirmed. */
  confirm(service: string): void;
  /** Until the signal. Never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** How soon nodes are asked again when one answer was not as the one before. */
const CONFIRM_MS = 5000;
const EXAMINE_MS = 3000;
/** So many services are asked at once; their nodes have a limit of their own (`probes.ts`). */
const AT_ONCE = 32;
const FIRST_RETRY_MS = 500;
const MOST_RETRY_MS = 10_000;

interface Place {
  readonly service: string;
  facts: Facts;
  everyMs: number | undefined;
  turn: number;
  examining: boolean;
}

/** Each service is asked once per interval, whoever wants it, and all of them are spread over it by their names. */
export function createLookout(init: LookoutInit): Lookout {
  const { registry, client, clock, log, last } = init;
  const parts: ExamineParts = { registry, client, clock, ...(last && { last }) };
  const places = new Map<string, Place>();
  const agenda = createAgenda(clock);
  const waiting = new Set<Place>();
  const working = new Set<Promise<void>>();
  let ended: AbortSignal | undefined;

  const found = (place: Place, records: readonly ServiceRecord[], probed: boolean) => {
    if (places.get(place.service) !== place) return;
    const seen = seenOf(records);
    const before = place.facts.seen;
    place.facts = { ...place.facts, seen };
    // How a node is that has just come nobody knows yet.
    if (before !== undefined && before.ids !== seen.ids && seen.nodes.length > 0) confirm(place);
    init.onFacts(place.service, place.facts, probed);
  };
  /** At once where the registry knows by heart; while it is lost what was seen before stays. */
  const look = (place: Place, probed: boolean): Promise<void> | undefined => {
    const turn = ++place.turn;
    if (registry.lostAt !== undefined && place.facts.seen !== undefined) {
      if (probed) init.onFacts(place.service, place.facts, probed);
      return undefined;
    }
    const known = registry.lostAt === undefined ? registry.peek?.(place.service) : undefined;
    if (known !== undefined) {
      found(place, known, probed);
      return undefined;
    }
    return registry
      .get(place.service, { ...(ended && { signal: ended }) })
      .catch((error: unknown) => (MicroError.from(error).code === "not_found" ? [] : undefined))
      .then((records) => {
        if (records !== undefined && registry.lostAt === undefined && turn === place.turn)
          found(place, records, probed);
      });
  };
  const confirm = (place: Place) => {
    const { everyMs, service } = place;
    if (everyMs === undefined || place.examining) return;
    agenda.set(service, Math.min(agenda.dueOf(service) ?? Number.POSITIVE_INFINITY, clock.now() + CONFIRM_MS));
  };
  const plan = ({ service, everyMs }: Place) => {
    agenda.set(service, everyMs === undefined ? undefined : nextOf(service, everyMs, clock.now()));
  };
  const ask = async (place: Place, signal: AbortSignal) => {
    place.examining = true;
    try {
      const timeoutMs = Math.min(EXAMINE_MS, place.everyMs ?? EXAMINE_MS);
      const examination = await examine(parts, place.service, { signal, timeoutMs, uptime: false });
      place.facts = { ...place.facts, examination };
      plan(place);
      place.examining = false;
      await look(place, true);
    } catch (error) {
      place.examining = false;
      if (signal.aborted) return;
      const { code, message } = MicroError.from(error);
      if (code === "not_found") await look(place, false);
      else log.debug({ service: place.service, reason: message }, "a service that is watched could not be asked");
      plan(place);
    }
  };
  const begin = (place: Place, signal: AbortSignal) => {
    const work = ask(place, signal).then(() => {
      working.delete(work);
      const [next] = waiting;
      if (next === undefined || signal.aborted) return;
      waiting.delete(next);
      begin(next, signal);
    });
    working.add(work);
  };
  const follow = async (signal: AbortSignal) => {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const watcher = await registry.watch({ signal });
        try {
          init.onBegin?.();
          for (const place of places.values()) await look(place, false);
          for await (const { service } of watcher) {
            failures = 0;
            const place = places.get(service.name);
            if (place) void look(place, false);
            init.onName?.(service.name);
          }
        } finally {
          await watcher.close();
        }
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ reason: MicroError.from(error).message }, "the registry tells watches nothing; I ask again");
      }
      await clock.sleep(backoff(Math.min(failures, 10), FIRST_RETRY_MS, MOST_RETRY_MS), { signal }).catch(() => {});
    }
  };

  return {
    want: (service, everyMs) => {
      const place = places.get(service);
      if (place !== undefined) {
        if (place.everyMs === everyMs) return;
        place.everyMs = everyMs;
        if (!place.examining) plan(place);
        return;
      }
      const fresh: Place = {
        ...{ service, everyMs, turn: 0, examining: false },
        facts: { seen: undefined, examination: undefined },
      };
      places.set(service, fresh);
      plan(fresh);
      void look(fresh, false);
    },
    drop: (service) => {
      const place = places.get(service);
      if (place) waiting.delete(place);
      places.delete(service);
      agenda.set(service, undefined);
    },
    facts: (service) => places.get(service)?.facts,
    confirm: (service) => {
      const place = places.get(service);
      if (place) confirm(place);
    },
    run: async (signal) => {
      ended = signal;
      const onDue = (service: string) => {
        const place = places.get(service);
        if (place === undefined || place.examining || waiting.has(place)) return;
        if (working.size < AT_ONCE) begin(place, signal);
        else waiting.add(place);
      };
      await Promise.all([follow(signal), agenda.run(onDue, signal)]);
      await Promise.all(working);
    },
  };
}

/** The same times whoever counts them: each service has its own place in the interval. */
function nextOf(service: string, everyMs: number, now: number): number {
  const place = createHash("sha256").update(service).digest().readUInt32BE(0) % everyMs;
  return (Math.floor((now - place) / everyMs) + 1) * everyMs + place;
}
