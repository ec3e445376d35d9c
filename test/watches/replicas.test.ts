import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createInbox } from "../../src/alerts/inbox.ts";
import type { Incident } from "../../src/alerts/incidents/incident.ts";
import { merge } from "../../src/alerts/incidents/merge.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { watches } from "../../src/watches/watches.ts";
import { nodesThat } from "../core/health/fake-nodes.ts";
import { manualClock } from "../fakes/clock.ts";
import type { Asked } from "../fakes/mortal-kv.ts";
import { type Point as Moment, pointsFor, replicasOn } from "../fakes/replicas.ts";
import { type RunningStore, type Space, STORE_KINDS } from "../fakes/stores.ts";
import { behave, idIn, PAY, version, WELL } from "./room.ts";

/* Watches, and alerts of the bot's own probes, of several replicas over every kind of store, and processes that end without a good-bye. */

/** Under load a sync of the disk takes its time. */
const LONG = { timeout: 60_000 };
const NOON = Date.UTC(2026, 0, 1, 12);

/** So many bots that watch for people, and raise alerts where they are to. */
async function replicas(space: Space, count: number, raises = false) {
  const nodes = nodesThat({});
  const registry = memoryRegistry()({ clock: manualClock(NOON) });
  await registry.start();
  await registry.register(version(PAY, "1.4.0", 1));
  const { client } = nodes;
  const they = await replicasOn(space, count, NOON, async (kv, clock) => {
    const inbox = createInbox({ kv, clock });
    await inbox.start();
    const raise = { inbox, everyMs: 5000 };
    return {
      bot: { registry, client, extensions: [watches({ registry, client, ...(raises && { raise }) })] },
      stop: () => inbox.stop(),
    };
  });
  const { chat, alive, until } = they;
  let asked = 0;
  const ask = async (text: string, by = 0): Promise<string> => {
    const before = chat.seen.length;
    they.all[by]?.own.say(text, { from: "ann", room: "asked", id: `said-${++asked}` });
    await until("an answer", () => chat.seen.length > before);
    return chat.seen.at(-1)?.text ?? "";
  };
  /** What was told by itself. */
  const told = () => chat.texts("told");
  const dying = ({ when, so, says }: Point) => {
    const all = alive().length;
    for (const { kv } of alive()) if (so) kv.dieAt(when, (what) => alive().length === all && so(what));
    if (says) chat.dieAt(when, (text) => alive().length === all && says.test(text));
  };
  return { ...they, nodes, registry, ask, told, dying };
}

interface Point extends Moment {
  readonly so?: (asked: Asked) => boolean;
  /** It dies of what it says, and not of what it writes. */
  readonly says?: RegExp;
}

/** What people read of a change: that, that they may know it, or that it happened while nobody looked. */
type Heard = "told" | "again" | "late";
const howTold = (texts: readonly string[]): readonly Heard[] =>
  texts.map((text) =>
    text.startsWith("I was stopped") ? "again" : text.startsWith("While I was away") ? "late" : "told",
  );

const ILL = /is not well: its only node fails/;
const agrees = ({ what, value = "" }: Asked) => what === "update" && value.includes('"saying":{"key":"down"');
const notes = ({ what, key, value = "" }: Asked) =>
  what === "update" &&
  key.startsWith("watch.") &&
  value.includes('"said":{"key":"down"') &&
  !value.includes('"saying"');
const removes = ({ what, key }: Asked) => what === "delete" && key.startsWith("watch.");
const POINTS: readonly (Point & { readonly heard: readonly Heard[] })[] = [
  { where: "before it agrees to say it", when: "before", so: agrees, heard: ["late"] },
  { where: "after it agreed to say it", when: "after", so: agrees, heard: ["again"], everywhere: true },
  { where: "before it says it", when: "before", says: ILL, heard: ["again"] },
  { where: "after it said it", when: "after", says: ILL, heard: ["told", "again"] },
  { where: "before it notes that", when: "before", so: notes, heard: ["told", "again"], everywhere: true },
  { where: "after it noted that", when: "after", so: notes, heard: ["told"] },
];
const ENDS: readonly (Point & { readonly heard: readonly Heard[] })[] = [
  { where: "before it takes it away", when: "before", so: removes, heard: ["told", "again"], everywhere: true },
  { where: "after it took it away", when: "after", so: removes, heard: ["told"] },
];

describe.each(STORE_KINDS)("watches of replicas over $kind", LONG, ({ kind, has, start }) => {
  describe.skipIf(!has)(`a store${has ? "" : ` (skipped: ${kind} is not installed)`}`, () => {
    let store: RunningStore;
    beforeAll(async () => {
      store = await start();
    }, 60_000);
    afterAll(() => store?.stop());

    it("tell each change once, whoever was asked, over restarts of each of them", async () => {
      const they = await replicas(await store.space(), 3);
      const { all, ask, told, until, pass, another, nodes } = they;
      expect(await ask("watch health payments in told --every 5s", 2)).toContain("watch ");
      const changes = [ILL, /is well: its node answers/, ILL].slice(0, kind === "memory" ? 3 : 1);
      for (const [n, change] of changes.entries()) {
        behave({ nodes }, change === ILL ? "fail" : WELL, 1);
        await until("it is told", () => told().filter((text) => !text.includes("wants to be told")).length > n);
        expect(told().at(-1)).toMatch(change);
        await Promise.all([all[n]?.leave(), another()]);
        // Whoever goes on has looked at it.
        await pass(10_000);
      }
      const [asked, ...heard] = told();
      expect(asked).toContain("ann wants to be told here");
      expect(howTold(heard)).toEqual(changes.map(() => "told"));
    });

    it.each(pointsFor(kind, POINTS))("go on at the others when one dies $where", async (point) => {
      const { alive, ask, told, dying, until, pass, nodes } = await replicas(await store.space(), 3);
      await ask("watch health payments in told --every 5s", 2);
      dying(point);
      behave({ nodes }, "fail", 1);
      await until("one has died", () => alive().length === 2);
      await until("it is told", () => told().length > point.heard.length);
      await pass(5000);
      expect(howTold(told().slice(1))).toEqual(point.heard);
      behave({ nodes }, WELL, 1);
      await until("the next is told", () => told().length > point.heard.length + 1);
      expect(told().at(-1)).toMatch(/go\.micro\.srv\.payments is well: its node answers/);
    });

    it.each(pointsFor(kind, ENDS))("end once when one dies $where", async (point) => {
      const { alive, ask, told, dying, until, pass, eye } = await replicas(await store.space(), 2);
      expect(idIn(await ask("watch service payments in told --for 20s"))).not.toBe("");
      dying(point);
      await until("one has died", () => alive().length === 1);
      await until("it has ended", async () => (await eye.list("watch.")).length === 0);
      await pass(5000);
      expect(howTold(told().slice(1))).toEqual(point.heard);
      expect(told().at(-1)).toContain("the watch ends");
    });
  });
});

const keeps =
  (status: "firing" | "resolved") =>
  ({ what, key, value = "" }: Asked) =>
    what === "create" && key.startsWith("alerts.inbox.") && value.includes(`"status":"${status}"`);
const records =
  (asked: Asked["what"]) =>
  ({ what, key }: Asked) =>
    what === asked && key.startsWith("watches.probed.");
interface Probe extends Point {
  readonly dies: "ill" | "well";
  /** It is well again before another goes on. */
  readonly meanwhile?: true;
}

const PROBES: readonly Probe[] = [
  { where: "before it writes down that it fires", when: "before", so: records("put"), dies: "ill" },
  { where: "after it wrote down that it fires", when: "after", so: records("put"), dies: "ill" },
  {
    where: "after it wrote that down, which is so no more",
    when: "after",
    so: records("put"),
    dies: "ill",
    meanwhile: true,
  },
  { where: "before it raises it", when: "before", so: keeps("firing"), dies: "ill" },
  { where: "after it raised it", when: "after", so: keeps("firing"), dies: "ill" },
  {
    where: "after it raised it, which is so no more",
    when: "after",
    so: keeps("firing"),
    dies: "ill",
    meanwhile: true,
    everywhere: true,
  },
  { where: "before it ends it", when: "before", so: keeps("resolved"), dies: "well", everywhere: true },
  { where: "after it ended it", when: "after", so: keeps("resolved"), dies: "well" },
  { where: "before it writes down that it is over", when: "before", so: records("delete"), dies: "well" },
  { where: "after it wrote down that it is over", when: "after", so: records("delete"), dies: "well" },
];

describe.each(STORE_KINDS)("alerts of own probes of replicas over $kind", LONG, ({ kind, has, start }) => {
  describe.skipIf(!has)(`a store${has ? "" : ` (skipped: ${kind} is not installed)`}`, () => {
    let store: RunningStore;
    beforeAll(async () => {
      store = await start();
    }, 60_000);
    afterAll(() => store?.stop());

    it.each(pointsFor(kind, PROBES))("are over when it is, and fire once, when one dies $where", async (point) => {
      const { alive, dying, until, pass, nodes, eye, clock } = await replicas(await store.space(), 2, true);
      /** What becomes of all that was raised, as whoever works on it sees it. */
      const incident = async (): Promise<Incident | undefined> => {
        const inbox = createInbox({ kv: eye, clock });
        await inbox.start();
        const leaving = new AbortController();
        let now: Incident | undefined;
        let left = inbox.waiting;
        if (left > 0) {
          for await (const { notification } of inbox.take(leaving.signal)) {
            now = merge(now, notification, clock.now(), "a7f3");
            left -= 1;
            if (left === 0) leaving.abort();
          }
        }
        await inbox.stop();
        return now;
      };
      const is = (status: string) => async () => (await incident())?.status === status;
      await pass(5000);
      if (point.dies === "ill") dying(point);
      behave({ nodes }, "fail", 1);
      if (point.meanwhile) {
        await until("one has died", () => alive().length === 1);
        behave({ nodes }, WELL, 1);
        await pass(30_000);
        expect((await incident())?.status ?? "resolved").toBe("resolved");
        behave({ nodes }, "fail", 1);
      }
      await until("it fires", is("firing"));
      await pass(10_000);
      expect(await incident()).toMatchObject({ status: "firing" });
      if (point.dies === "well") dying(point);
      behave({ nodes }, WELL, 1);
      await until("it is over", is("resolved"));
      await pass(10_000);
      expect(alive()).toHaveLength(1);
      const over = await incident();
      expect(over?.status).toBe("resolved");
      expect(over?.fires).toBeLessThanOrEqual(point.meanwhile ? 2 : 1);
      expect(await eye.list("watches.probed.")).toEqual([]);
    });
  });
});
