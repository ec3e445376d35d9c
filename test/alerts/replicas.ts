import { afterEach, expect } from "vitest";
import { type AlertsInit, alerts } from "../../src/alerts/alerts.ts";
import { createInbox } from "../../src/alerts/inbox.ts";
import { ALERT_TABLES } from "../../src/alerts/incidents/closed.ts";
import { type Incident, readIncident } from "../../src/alerts/incidents/incident.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { botOn } from "../bot/run-bot.ts";
import { manualClock } from "../fakes/clock.ts";
import { mortalKv } from "../fakes/mortal-kv.ts";
import { sharedChat } from "../fakes/shared-chat.ts";
import type { Space } from "../fakes/stores.ts";
import { NOON } from "./incidents/notifications.ts";

const opened: { bury(): void; stop(): Promise<void> }[] = [];
afterEach(async () => {
  // First all of them end, then what hangs in them is cleared away.
  for (const one of opened) one.bury();
  await Promise.all(opened.splice(0).map((one) => one.stop()));
});

const STEP_MS = 1000;
/** A store that answers at all has done by then whatever is waited for. */
const PATIENCE_MS = 30_000;

/**
 * So many bots on one store and one network, by one clock that goes when it is told to. They have alerts in the room `ops`, an inbox
 * that takes them in, and records of their own.
 */
export async function replicas(space: Space, count: number, more: Pick<AlertsInit, "beside"> = {}) {
  const clock = manualClock(NOON);
  const chat = sharedChat();
  const one = async (by: number) => {
    const kv = mortalKv(space());
    const db = memoryDb(ALERT_TABLES);
    const registry = memoryRegistry()({ clock });
    await Promise.all([kv.start(), db.start(), registry.start()]);
    const inbox = createInbox({ kv, clock });
    await inbox.start();
    const { own, input } = chat.input(kv, clock);
    const bot = botOn([input], {
      ...{ registry, clock, store: kv, limit: "none", drainMs: 0, maxAgeMs: 3_600_000_000 },
      policy: readPolicy("members: ['*:*']", "test"),
      replica: { name: `r${by}` },
      extensions: [
        alerts({ ...more, waiting: inbox, registry, db, roomsFor: () => [{ input: own.name, room: "ops" }] }),
      ],
    });
    await bot.start();
    const stop = async () => {
      let over = false;
      const stopping = Promise.all([bot.stop(), inbox.stop()]).then(() => {
        over = true;
      });
      while (!over) await clock.advance(STEP_MS);
      await stopping;
      await Promise.all([db.stop(), registry.stop(), kv.stop()]);
    };
    opened.push({ bury: kv.bury, stop });
    return { by, kv, inbox, own };
  };
  const all: Awaited<ReturnType<typeof one>>[] = [];
  for (let by = 0; by < count; by++) all.push(await one(by));
  const alive = () => all.filter(({ kv }) => !kv.dead);
  /** Nobody has anything left to ask of the store. */
  const quiet = async () => {
    for (let turns = 0; turns < 4; ) {
      await new Promise((resolve) => setImmediate(resolve));
      turns = alive().some(({ kv }) => kv.pending > 0) ? 0 : turns + 1;
    }
  };
  const pass = async (ms: number) => {
    const end = clock.now() + ms;
    while (clock.now() < end) {
      await clock.advance(Math.min(STEP_MS, end - clock.now()));
      await quiet();
    }
  };
  // Whose process ends while it is asked never answers, so who looks on is nobody of them.
  const eye = space();
  await eye.start();
  opened.push({ bury: () => {}, stop: () => eye.stop() });
  const incidents = async (): Promise<readonly Incident[]> =>
    (await eye.list("incident.")).flatMap(({ value }) => readIncident(value) ?? []);
  /** Time goes by until that is so. What the store tells of by itself takes its own time. */
  const until = async (what: string, so: () => boolean | Promise<boolean>) => {
    for (const end = performance.now() + PATIENCE_MS; !(await so()); ) {
      if (performance.now() > end) {
        const found = JSON.stringify({ seen: chat.seen, incidents: await incidents() }, undefined, 1);
        expect.unreachable(`${what}\n${found}`);
      }
      await pass(STEP_MS);
      // And what it tells is heard.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  /** Nothing waits in the inbox, whoever looks. */
  const workedOff = async () => {
    const entries = await eye.list("alerts.inbox.");
    return entries.every(({ value }) => !value.includes("\n"));
  };
  return { all, alive, chat, clock, eye, incidents, pass, until, workedOff };
}

/** All points where a process may die; over what differs from those only in how it is asked, some. */
export const pointsFor = <T extends { readonly everywhere?: true }>(
  kind: string,
  points: readonly T[],
): readonly T[] => (["memory", "nats"].includes(kind) ? points : points.filter(({ everywhere }) => everywhere));
