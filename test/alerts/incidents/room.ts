import { afterEach, expect } from "vitest";
import type { Alert, Notification } from "../../../src/alerts/alert.ts";
import { type AlertsInit, alerts } from "../../../src/alerts/alerts.ts";
import { ALERT_TABLES } from "../../../src/alerts/incidents/closed.ts";
import { type Incident, readIncident } from "../../../src/alerts/incidents/incident.ts";
import type { TakeInbox } from "../../../src/alerts/incidents/intake.ts";
import type { Bot, BotInit } from "../../../src/bot/bot.ts";
import { readPolicy } from "../../../src/bot/policy.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { Input } from "../../../src/inputs/input.ts";
import { type MemoryInput, memoryInput } from "../../../src/inputs/memory/memory.ts";
import type { Db } from "../../../src/platform/db/db.ts";
import { memoryDb } from "../../../src/platform/db/memory.ts";
import type { Kv } from "../../../src/platform/kv/kv.ts";
import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { botOn, textOf } from "../../bot/run-bot.ts";
import { type ManualClock, manualClock } from "../../fakes/clock.ts";
import { NOON, notification } from "./notifications.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** An inbox whose notifications outlive whoever works on them. */
export interface Box extends TakeInbox {
  put(notification: Notification): void;
  readonly waiting: number;
  /** Each one is given twice: whoever worked on it died before it was done. */
  replay: boolean;
}

export function box(): Box {
  const waiting = new Set<Notification>();
  let wake = () => {};
  const self: Box = {
    replay: false,
    put: (notification) => {
      waiting.add(notification);
      wake();
    },
    get waiting() {
      return waiting.size;
    },
    async *take(signal) {
      const given = new Set<Notification>();
      signal.addEventListener("abort", () => wake(), { once: true });
      while (!signal.aborted) {
        const roused = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const next = [...waiting].find((one) => !given.has(one));
        if (next === undefined) {
          await roused;
          continue;
        }
        given.add(next);
        const done = async () => void waiting.delete(next);
        yield { notification: next, done };
        if (self.replay) yield { notification: next, done };
      }
    },
  };
  return self;
}

export interface RoomInit extends Partial<Omit<AlertsInit, "registry" | "db" | "waiting">> {
  readonly clock?: ManualClock;
  readonly input?: MemoryInput;
  readonly inputs?: readonly Input[];
  readonly kv?: Kv;
  readonly db?: Db;
  readonly inbox?: Box;
  readonly rules?: string;
  readonly services?: readonly string[];
  readonly bot?: Partial<BotInit>;
}

const SERVICES = ["go.micro.srv.payments", "go.micro.srv.orders", "go.micro.srv.greeter"];

/** A bot with alerts in one room, by a clock that goes when it is told to. */
export async function alertsRoom(init: RoomInit = {}) {
  const { rules = "members: ['*:*']", services = SERVICES } = init;
  const clock = init.clock ?? manualClock(NOON);
  const input = init.input ?? memoryInput({ clock });
  const kv = init.kv ?? memoryKv({ shelf: memoryShelf() });
  const db = init.db ?? memoryDb(ALERT_TABLES);
  const inbox = init.inbox ?? box();
  const registry = memoryRegistry()();
  await Promise.all([kv.start(), db.start(), registry.start()]);
  for (const name of services) {
    const node = { id: `${name}-1`, address: `10.0.0.${services.indexOf(name) + 1}:8080`, metadata: {} };
    await registry.register({ name, version: "1.0.0", metadata: {}, endpoints: [], nodes: [node] });
  }
  const roomsFor = init.roomsFor ?? (() => [{ input: input.name, room: "ops" }]);
  const bot: Bot = botOn(init.inputs ?? [input], {
    registry,
    policy: readPolicy(rules, "test"),
    limit: "none",
    clock,
    maxAgeMs: 3_600_000_000,
    drainMs: 0,
    store: kv,
    ...init.bot,
    extensions: [alerts({ ...init, waiting: inbox, registry, db, roomsFor }), ...(init.bot?.extensions ?? [])],
  });
  await bot.start();
  /** So much time goes by, in steps: what is done at one time waits for the store and the network. */
  const pass = async (ms: number) => {
    const until = clock.now() + ms;
    do {
      await clock.advance(Math.min(5000, Math.max(0, until - clock.now())));
      for (let turn = 0; turn < 5; turn++) await clock.advance(0);
    } while (clock.now() < until);
  };
  const stop = async () => {
    let over = false;
    const stopping = bot.stop().then(() => {
      over = true;
    });
    while (!over) await clock.advance(500);
    await stopping;
  };
  stops.push(stop);
  const said = (room = "ops") => input.sent.filter(({ place }) => place.room === room);
  const texts = (room = "ops") => said(room).map(textOf);
  const incidents = async (): Promise<readonly Incident[]> =>
    (await kv.list("incident.")).flatMap(({ value }) => readIncident(value) ?? []);
  const one = async (): Promise<Incident> => {
    const all = await incidents();
    expect(all).toHaveLength(1);
    return all[0] as Incident;
  };
  /** A source says something now. */
  const hear = (heard: readonly Alert[], more: Partial<Notification> = {}) => {
    inbox.put(notification(heard, { receivedAt: clock.now(), ...more }));
  };
  let asked = 0;
  const ask = async (text: string, from = "ann"): Promise<string> => {
    const before = said("room").length;
    input.say(text, { from, room: "room", id: `said-${++asked}-${from}` });
    await expect.poll(() => said("room").length).toBe(before + 1);
    return textOf(said("room").at(-1));
  };
  // The lease is taken and what there is is read.
  await pass(1000);
  return { bot, clock, input, kv, db, inbox, registry, pass, stop, said, texts, incidents, one, ask, hear };
}
