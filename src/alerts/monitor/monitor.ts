import { backoff } from "../../core/backoff.ts";
import type { Broker, BrokerEvent } from "../../core/broker/broker.ts";
import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import type { Closable, Startable } from "../../core/lifecycle.ts";
import { type Log, silent } from "../../core/log.ts";
import { keyOf } from "../../platform/kv/keys.ts";
import type { Kv } from "../../platform/kv/kv.ts";
import type { Inbox } from "../alert.ts";
import { type MonitorMessages, monitorMessages, type StatsMessage, TOPICS } from "./messages.ts";
import { createStates, type Told } from "./states.ts";

export interface MonitorInit {
  readonly broker: Broker;
  readonly kv: Kv;
  readonly inbox: Pick<Inbox, "put">;
  readonly clock: Clock;
  readonly log?: Log;
  /** Numbers of processes, as they come. */
  readonly onStats?: (stats: StatsMessage) => void;
}

/** What fires, so that its end is known as one after a restart. */
const PREFIX = "alerts.monitor.";
const LOOK_MS = 1000;
const FIRST_MS = 500;
const MOST_MS = 30_000;
/** So much waits to be put into the inbox; what is over is said again with the next message. */
const MOST_WAITING = 1000;

/**
 * Go Micro's monitor topics as a source of alerts: a check that fails twice fires until it is ok, and who stops or falls silent is
 * `Stale`. Every replica hears them and says the same of them, under the same ids, so it is taken in once.
 */
export function createMonitor(init: MonitorInit): Startable {
  const { broker, kv, inbox, clock, log = silent, onStats } = init;
  const states = createStates();
  let running: { readonly leaving: AbortController; readonly ended: Promise<unknown> } | undefined;
  let telling: Promise<void> = Promise.resolve();
  let waiting = 0;

  const tellOne = async ({ group, alert }: Told) => {
    const { fingerprint, status, startsAt } = alert;
    const key = `${PREFIX}${keyOf(fingerprint)}`;
    const firing = status === "firing";
    if (firing) await kv.put(key, JSON.stringify({ group, alert }));
    const id = `monitor/${fingerprint}/${startsAt}/${status}`;
    await inbox.put({ id, source: "monitor", kind: "monitor", receivedAt: clock.now(), group, alerts: [alert] });
    if (!firing) await kv.delete(key);
  };
  const told = new Map<string, number>();
  const tell = (all: readonly Told[]) => {
    for (const one of all) {
      const { fingerprint, status, startsAt } = one.alert;
      // What fires is said with each message; what was taken in is not taken again.
      if (status === "firing" && told.get(fingerprint) === startsAt) continue;
      if (waiting >= MOST_WAITING) continue;
      waiting += 1;
      telling = telling.then(async () => {
        try {
          await tellOne(one);
          if (status === "firing") told.set(fingerprint, startsAt);
          else told.delete(fingerprint);
        } catch (error) {
          // An end is not said again by itself.
          if (status === "resolved") states.recall({ ...one, alert: firingAgain(one.alert) });
          log.warn({ reason: MicroError.from(error).message }, "what a service said of itself is not taken in yet");
        } finally {
          waiting -= 1;
        }
      });
    }
  };

  const handlers = (messages: MonitorMessages): readonly (readonly [string, (event: BrokerEvent) => void])[] => [
    [TOPICS.healthcheck, (event) => tell(states.check(messages.check(event), clock.now()))],
    [TOPICS.status, (event) => tell(states.status(messages.status(event), clock.now()))],
    ...(onStats ? [[TOPICS.stats, (event: BrokerEvent) => onStats(messages.stats(event))] as const] : []),
  ];
  const subscribed = async (signal: AbortSignal): Promise<readonly Closable[]> => {
    const open: Closable[] = [];
    for (const [topic, handle] of handlers(monitorMessages())) {
      for (let failures = 0; !signal.aborted; failures++) {
        try {
          open.push(await broker.subscribe(topic, handle, { signal }));
          break;
        } catch (error) {
          if (signal.aborted) break;
          if (failures === 0) log.warn({ topic, reason: MicroError.from(error).message }, "not heard; trying again");
          await clock.sleep(backoff(Math.min(failures, 10), FIRST_MS, MOST_MS), { signal }).catch(() => {});
        }
      }
    }
    return open;
  };
  const follow = async (signal: AbortSignal) => {
    const open = await subscribed(signal);
    while (!signal.aborted) {
      tell(states.look(clock.now()));
      await clock.sleep(LOOK_MS, { signal }).catch(() => {});
    }
    await Promise.all(open.map((one) => one.close()));
    await telling;
  };

  return {
    start: async (options = {}) => {
      if (running) return;
      for (const { value } of await kv.list(PREFIX, options)) recalled(value, states.recall);
      const leaving = new AbortController();
      running = { leaving, ended: follow(leaving.signal) };
    },
    stop: async () => {
      const was = running;
      running = undefined;
      was?.leaving.abort();
      await was?.ended;
    },
  };
}

function firingAgain({ endsAt: _, ...alert }: Told["alert"]): Told["alert"] {
  return { ...alert, status: "firing" };
}

function recalled(value: string, recall: (told: Told) => void): void {
  try {
    const told = JSON.parse(value) as Told;
    if (typeof told.group === "string" && typeof told.alert?.fingerprint === "string") recall(told);
  } catch {
    // Nobody else writes there; what is broken is as good as none.
  }
}
