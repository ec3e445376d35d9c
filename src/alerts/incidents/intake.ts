import { backoff } from "../../core/backoff.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Notification } from "../alert.ts";
import { CARDS, type Incident, type Shown } from "./incident.ts";
import { merge } from "./merge.ts";
import { type IncidentStore, incidentKey, newId } from "./store.ts";

/** The end of the inbox that this part has: what waits, oldest first, until the signal aborts. */
export interface TakeInbox {
  take(signal: AbortSignal): AsyncIterable<{ readonly notification: Notification; done(): Promise<void> }>;
}

/** A room in which an incident is shown. */
export interface Room {
  /** The name of the network. */
  readonly input: string;
  /** As that network calls it (`House.placeIn`). */
  readonly room: string;
  /** Epoch ms: it is quiet there until then, so what can wait is told in a digest. */
  readonly held?: number;
}

export interface IntakeInit {
  readonly store: IncidentStore;
  readonly clock: Clock;
  readonly log: Log;
  /** The services that it names; `undefined`: nobody can tell now. Never rejects. */
  readonly match: (incident: Incident) => Promise<readonly string[] | undefined>;
  readonly rooms: (incident: Incident) => Promise<readonly Shown[]>;
}

/** So many groups are told apart at once; what comes of others then is one incident of its source. */
const MOST_OPEN = 1000;
export const OVERFLOW = "everything else";
/** So many notifications are worked on at once, those of one group one after the other. */
const AT_ONCE = 16;
/** What fails so often by a mistake of ours fails always. */
const TRIES = 5;

/** Makes incidents of what waits. Ends with the signal; what was not written down by then is given to whoever takes next. */
export async function takeIn(inbox: TakeInbox, init: IntakeInit, signal: AbortSignal): Promise<void> {
  const { clock, log } = init;
  const lanes = new Map<string, Promise<void>>();
  const work = async (notification: Notification, done: () => Promise<void>) => {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await takeOne(notification, init);
        return await done();
      } catch (error) {
        const { message } = MicroError.from(error);
        // Not the store's: nothing will make it better, and what comes behind it must not wait for ever.
        if (!(error instanceof MicroError) && attempt + 1 >= TRIES) {
          log.error({ err: error, source: notification.source }, "an alert is thrown away: it cannot be worked on");
          return await done().catch(() => {});
        }
        log.warn({ source: notification.source, reason: message }, "an alert waits: it cannot be written down");
        await clock.sleep(backoff(attempt, 500, 10_000), { signal }).catch(() => {});
      }
    }
  };
  for await (const { notification, done } of inbox.take(signal)) {
    const key = incidentKey(notification);
    const before = lanes.get(key) ?? Promise.resolve();
    const lane = before
      .then(() => work(notification, done))
      .finally(() => {
        if (lanes.get(key) === lane) lanes.delete(key);
      });
    lanes.set(key, lane);
    while (lanes.size >= AT_ONCE && !signal.aborted) await Promise.race(lanes.values());
    if (signal.aborted) break;
  }
  await Promise.all(lanes.values());
}

/** The same notification again changes nothing. @throws MicroError as the store does */
export async function takeOne(notification: Notification, init: IntakeInit): Promise<void> {
  const { store, clock, match, rooms } = init;
  const { key, group } = placeOf(notification, store);
  const heard = { ...notification, group };
  const now = clock.now();
  const id = newId((one) => [...store.known()].some(({ incident }) => incident.id === one));
  const before = store.knownAs(key)?.incident;
  const tentative = merge(before, heard, now, id);
  const news = tentative !== before;
  const services = news ? ((await match(tentative)) ?? before?.services) : undefined;
  const shownIn =
    news && tentative.fires > 0 ? await rooms({ ...tentative, ...(services && { services: [...services] }) }) : [];
  await store.alter(key, (incident) => {
    const merged = merge(incident, heard, now, id);
    if (merged === incident) return incident;
    return {
      ...merged,
      ...(services && { services: [...services] }),
      cards: withRooms(merged.cards, shownIn),
    };
  });
}

/** Cards stay where they are; rooms that are new get one. */
export function withRooms(cards: readonly Shown[], rooms: readonly Shown[]): Shown[] {
  const all = [...cards];
  for (const room of rooms) {
    if (all.some((card) => card.input === room.input && card.room === room.room) || all.length >= CARDS) continue;
    all.push(room);
  }
  return all;
}

function placeOf(notification: Notification, store: IncidentStore) {
  const { source, group } = notification;
  const key = incidentKey(notification);
  const rest = incidentKey({ source, group: OVERFLOW });
  if (store.knownAs(key) !== undefined) return { key, group };
  const full = [...store.known()].length >= MOST_OPEN;
  const overflown = store.knownAs(rest)?.incident.status === "firing";
  const ends = notification.alerts.every(({ status }) => status === "resolved");
  return full || (overflown && ends) ? { key: rest, group: OVERFLOW } : { key, group };
}
