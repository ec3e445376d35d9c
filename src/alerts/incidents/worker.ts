import type { House } from "../../commands/house.ts";
import { sharedAbort } from "../../core/abort.ts";
import { MicroError } from "../../core/errors.ts";
import type { Registry } from "../../core/registry/registry.ts";
import type { Db } from "../../platform/db/db.ts";
import type { Alertmanager } from "./alertmanager.ts";
import { archive } from "./closed.ts";
import { forgottenDemo } from "./demo.ts";
import { createDisplay } from "./display.ts";
import { createFindings, type Finding, type Sources } from "./findings.ts";
import type { Incident, Shown } from "./incident.ts";
import { createInquiry } from "./inquiry.ts";
import { type Room, type TakeInbox, takeIn, withRooms } from "./intake.ts";
import { type MatchRules, servicesOf } from "./match.ts";
import { merge } from "./merge.ts";
import type { Held, IncidentStore } from "./store.ts";

export interface WorkerInit extends Sources {
  readonly house: Pick<House, "board" | "clock" | "log" | "catalog" | "placeIn">;
  readonly store: IncidentStore;
  readonly db: Db;
  readonly waiting: TakeInbox;
  readonly registry: Pick<Registry, "list" | "get">;
  readonly match?: MatchRules;
  /** Services that were registered lately, though they may not be now. @throws MicroError */
  readonly lately?: () => Promise<readonly string[]>;
  /** Where an incident is shown. @throws MicroError */
  readonly roomsFor: (incident: Incident) => readonly Room[] | Promise<readonly Room[]>;
  /** Where silences are made; closed by whoever made it. */
  readonly alertmanager?: Alertmanager;
  /** Nobody else works on them now. */
  readonly leads: () => boolean;
}

/** How old what is known of a service may get while it is shown. */
const REFRESH_MS = 30_000;
/** What is to be said first waits so long for what is known of its services. */
const HOLD_MS = 2500;
const SWEEP_MS = 10_000;
/** A registry that could not tell is left alone so long. */
const BLIND_MS = 5000;
/** What was registered lately is asked for no oftener. */
const LATELY_MS = 30_000;
/** So many names are remembered that were registered once. */
const NAMES = 5000;

/** Works on incidents until the signal aborts: one process of all that share the store. @throws what its inbox throws */
export async function workOn(init: WorkerInit, outer: AbortSignal): Promise<void> {
  const { house, store, db, registry, leads } = init;
  const leaving = sharedAbort();
  const { signal } = leaving;
  const leave = () => leaving.abort();
  if (outer.aborted) leave();
  else outer.addEventListener("abort", leave, { once: true });
  const { clock, log, board, catalog, placeIn } = house;
  const findings = createFindings(init, clock, signal);
  const names = new Set<string>();
  /** Rooms that are none, each told of once. */
  const told = new Set<string>();
  let blindUntil = 0;
  let latelyFrom = 0;
  /** Epoch ms: until when what is not said yet waits for its services. */
  const holds = new Map<string, number>();

  const found = ({ services = [] }: Incident): readonly Finding[] =>
    services.slice(0, 2).flatMap((service) => findings.of(service) ?? []);
  const display = createDisplay({
    store,
    board,
    clock,
    log,
    leads,
    findings: found,
    offers: (incident) => ({
      silence: init.alertmanager !== undefined && incident.kind === "alertmanager",
      can: (name) => catalog().commands.some((command) => command.name === name),
    }),
  });
  const registered = async (): Promise<readonly string[]> => {
    const now = await registry.list({ signal, timeoutMs: 1000 });
    const anew = clock.now() >= latelyFrom;
    if (anew) latelyFrom = clock.now() + LATELY_MS;
    const before = (anew && (await init.lately?.().catch(() => []))) || [];
    for (const name of [...before, ...now]) {
      names.delete(name);
      names.add(name);
    }
    while (names.size > NAMES) names.delete(names.values().next().value as string);
    return [...names];
  };
  const match = async (incident: Incident): Promise<readonly string[] | undefined> => {
    if (clock.now() < blindUntil) return undefined;
    try {
      return await servicesOf(incident, { list: registered, get: registry.get }, init.match, { signal });
    } catch (error) {
      blindUntil = clock.now() + BLIND_MS;
      log.warn({ reason: MicroError.from(error).message }, "the registry cannot tell which service an alert names");
      return undefined;
    }
  };
  const rooms = async (incident: Incident): Promise<readonly Shown[]> => {
    try {
      return (await init.roomsFor(incident)).flatMap(({ input, room, held: until }) => {
        const place = placeIn(input, room);
        if (place) return [{ input, room, place: { ...place }, ...(until !== undefined && { held: { until } }) }];
        if (!told.has(`${input}:${room}`)) {
          log.warn({ input, room }, "nothing can be said in a room where alerts are to be shown");
        }
        told.add(`${input}:${room}`);
        return [];
      });
    } catch (error) {
      log.warn({ reason: MicroError.from(error).message }, "nobody can tell where an alert is to be shown");
      return [];
    }
  };

  /** What is known of its services becomes so new, and is shown. */
  const refresh = async (key: string, since: number) => {
    const { services = [] } = store.knownAs(key)?.incident ?? {};
    await Promise.all(services.slice(0, 2).map((service) => findings.look(service, since)));
    holds.delete(key);
    if (!signal.aborted) display.mark(key);
  };
  const inquiry = init.alertmanager && createInquiry(init.alertmanager, clock, signal);
  const looked = new Map<string, number>();
  const changed = (key: string, held: Held | undefined) => {
    inquiry?.onChange(key, held?.incident);
    if (held === undefined) {
      holds.delete(key);
      looked.delete(key);
      return;
    }
    const { incident } = held;
    const { lookAt = 0, services = [], status } = incident;
    if (status === "firing" && services.length > 0) {
      const anew = lookAt > (looked.get(key) ?? 0);
      looked.set(key, lookAt);
      const unseen = services.slice(0, 2).some((service) => findings.of(service) === undefined);
      if (unseen && !holds.has(key)) holds.set(key, clock.now() + HOLD_MS);
      void refresh(key, anew ? lookAt : clock.now() - REFRESH_MS);
    }
    display.mark(key, holds.get(key));
  };
  /** What its source says when it is asked, where it would not tell by itself. */
  const asked = async (key: string, incident: Incident) => {
    try {
      return await inquiry?.said(key, incident);
    } catch (error) {
      if (signal.aborted) return undefined;
      const reason = MicroError.from(error).message;
      log.warn({ incident: incident.id, reason }, "Alertmanager cannot tell whether what it is silent about fires");
      return undefined;
    }
  };
  const sweepOne = async (held: Held) => {
    const { key, incident } = held;
    if (await archive(held, { store, db, clock, close: display.close })) return;
    const told = forgottenDemo(incident, clock.now()) ?? (await asked(key, incident));
    if (told) await store.alter(key, (now) => now && merge(now, told, clock.now(), now.id));
    if (incident.status === "resolved") return display.mark(key);
    const services = incident.services ?? (await match(incident));
    const shownIn =
      incident.cards.length === 0 ? await rooms({ ...incident, ...(services && { services: [...services] }) }) : [];
    if ((services && !incident.services) || shownIn.length > 0) {
      await store.alter(
        key,
        (now) => now && { ...now, ...(services && { services: [...services] }), cards: withRooms(now.cards, shownIn) },
      );
    }
    await refresh(key, clock.now() - REFRESH_MS);
  };
  const sweep = async () => {
    while (!signal.aborted) {
      await clock.sleep(SWEEP_MS, { signal }).catch(() => {});
      for (const held of [...store.known()]) {
        if (signal.aborted) return;
        await sweepOne(held).catch((error: unknown) => {
          log.warn(
            { incident: held.incident.id, reason: MicroError.from(error).message },
            "an alert could not be looked after",
          );
        });
      }
    }
  };

  const silent = store.onChange(changed);
  try {
    // Before anything comes in, what there is has to be known.
    while (!signal.aborted) {
      try {
        for (const held of await store.list()) changed(held.key, held);
        break;
      } catch (error) {
        log.warn({ reason: MicroError.from(error).message }, "alerts wait: the store cannot be read");
        await clock.sleep(1000, { signal }).catch(() => {});
      }
    }
    const parts = [takeIn(init.waiting, { store, clock, log, match, rooms }, signal), display.run(signal), sweep()].map(
      (part) => part.finally(leave),
    );
    // None of them is left running without the others.
    await Promise.allSettled(parts);
    await Promise.all(parts);
  } finally {
    outer.removeEventListener("abort", leave);
    silent();
  }
}
