import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Incidents } from "../../../src/alerts/alerts.ts";
import { merge } from "../../../src/alerts/incidents/merge.ts";
import { createIncidentStore, incidentKey } from "../../../src/alerts/incidents/store.ts";
import { createContacts } from "../../../src/alerts/oncall/contacts.ts";
import { escalation } from "../../../src/alerts/oncall/escalate.ts";
import { createOverrides } from "../../../src/alerts/oncall/overrides.ts";
import type { Step } from "../../../src/alerts/oncall/routing.ts";
import { createSchedules } from "../../../src/alerts/oncall/schedules.ts";
import { readTarget } from "../../../src/alerts/oncall/target.ts";
import type { Card } from "../../../src/commands/board.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { silent } from "../../../src/core/log.ts";
import { memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { manualClock } from "../../fakes/clock.ts";
import type { Asked } from "../../fakes/mortal-kv.ts";
import { type Point as Moment, pointsFor } from "../../fakes/replicas.ts";
import { type RunningStore, STORE_KINDS } from "../../fakes/stores.ts";
import { alert, NOON, notification } from "../incidents/notifications.ts";
import { replicas } from "../replicas.ts";

/* People are woken by one of several replicas, over every kind of store, and by processes that end without a good-bye. */

/** Under load a sync of the disk takes its time. */
const LONG = { timeout: 60_000 };
const step = (seconds: number, to: string): Step => ({ after: seconds * 1000, to: readTarget(to) as Step["to"] });
const STEPS = [step(5, "ann"), step(25, "bob")];

function escalating(steps = STEPS, clock = manualClock(NOON), kv = memoryKv()) {
  return escalation({
    schedules: createSchedules([], createOverrides(kv, clock)),
    contacts: createContacts({ ann: ["memory:ann"], bob: ["memory:bob"] }, { idsOf: () => [], names: () => [] }),
    routed: async () => ({ rooms: [{ input: "memory", room: "ops" }], steps, quiet: [] }),
  });
}

interface Point extends Moment {
  readonly so?: (asked: Asked) => boolean;
  readonly says?: RegExp;
  /** What ann reads: she is told, or told that she may know it. */
  readonly told: readonly ("told" | "again")[];
}

const writes =
  (words: RegExp) =>
  ({ what, key, value = "" }: Asked) =>
    what === "update" && key.startsWith("incident.") && words.test(value);
const BEGINS = writes(/"escalated":\[\{"step":0,"at":\d+,"to":"ann","turn":\d+\}/);
const NOTES = writes(/"escalated":\[\{[^}]*"step":0[^}]*"where":"directly in memory"/);
const SAYS = /You are told as ann/;
const POINTS: readonly Point[] = [
  { where: "before it begins to tell her", when: "before", so: BEGINS, told: ["told"] },
  { where: "after it began to tell her", when: "after", so: BEGINS, told: ["again"], everywhere: true },
  { where: "before it tells her", when: "before", says: SAYS, told: ["again"] },
  { where: "after it told her", when: "after", says: SAYS, told: ["told", "again"] },
  { where: "before it notes that it told her", when: "before", so: NOTES, told: ["told", "again"], everywhere: true },
  { where: "after it noted that it told her", when: "after", so: NOTES, told: ["told"] },
];
const howOften = (texts: readonly string[]) =>
  texts.map((text) => (text.includes("may have it twice") ? "again" : "told"));

describe.each(STORE_KINDS)("escalations of replicas over $kind", LONG, ({ kind, has, start }) => {
  describe.skipIf(!has)(`a store${has ? "" : ` (skipped: ${kind} is not installed)`}`, () => {
    let store: RunningStore;
    beforeAll(async () => {
      store = await start();
    }, 60_000);
    afterAll(() => store?.stop());

    it("tell each step once, by one of three", async () => {
      const { all, chat, incidents, until, pass } = await replicas(await store.space(), 3, { beside: [escalating()] });
      await all[2]?.inbox.put(notification([alert()]));
      await until("both are told", () => chat.texts("@bob").length > 0);
      await pass(3000);
      expect(howOften(chat.texts("@ann"))).toEqual(["told"]);
      expect(howOften(chat.texts("@bob"))).toEqual(["told"]);
      expect((await incidents())[0]?.escalated?.map(({ step: number }) => number).toSorted()).toEqual([0, 1]);
    });

    it.each(pointsFor(kind, POINTS))("go on at the others when one dies $where", async ({ when, so, says, told }) => {
      const they = await replicas(await store.space(), 3, { beside: [escalating()] });
      const { all, alive, chat, until, pass } = they;
      for (const { kv } of all) if (so) kv.dieAt(when, (asked) => alive().length === 3 && so(asked));
      if (says) chat.dieAt(when, (text) => alive().length === 3 && says.test(text));
      await all[2]?.inbox.put(notification([alert()]));
      await until("both are told", () => chat.texts("@bob").length > 0);
      await pass(3000);
      expect(alive()).toHaveLength(2);
      expect(howOften(chat.texts("@ann"))).toEqual(told);
      expect(howOften(chat.texts("@bob"))).toEqual(["told"]);
      const [incident] = await they.incidents();
      expect(incident?.did.filter(({ what }) => what.startsWith("told ann"))).toHaveLength(1);
    });
  });
});

/** So many escalations of one incident at once, each as a process of its own sees it, from when it began on. */
async function atOnce(count: number) {
  const clock = manualClock(NOON);
  const shelf = memoryShelf();
  const leaving = new AbortController();
  const said: { readonly by: number; readonly text: string }[] = [];
  const first = merge(undefined, notification([alert()]), NOON, "a7f3");
  const key = incidentKey(first);
  const one = async (by: number) => {
    const kv = memoryKv({ shelf });
    await kv.start();
    const store = createIncidentStore({ kv, clock, log: silent });
    if (by === 0) await store.alter(key, () => first);
    // What others change from here on it does not see by itself.
    await store.list();
    const self = {
      kv,
      store,
      turn: (): number | undefined => by + 1,
      put: async (): Promise<void> => {},
      told: () => said.filter((each) => each.by === by).map(({ text }) => text),
    };
    const board = {
      live: () => true,
      edits: () => true,
      put: async ({ views }: Card) => {
        await self.put();
        const [view] = views ?? [];
        said.push({ by, text: view?.kind === "text" ? view.text : "" });
        return "";
      },
    };
    const house = {
      kv,
      clock,
      log: silent,
      board,
      placeTo: (_: string, id: string) => ({ room: `@${id}` }),
      placeIn: () => undefined,
    };
    const incidents = { house, store, turn: () => self.turn() } as unknown as Incidents;
    return { ...self, self, begin: () => escalating(STEPS.slice(0, 1), clock, kv)(incidents, leaving.signal) };
  };
  const all: Awaited<ReturnType<typeof one>>[] = [];
  for (let by = 0; by < count; by++) all.push(await one(by));
  const going: Promise<void>[] = [];
  return {
    all,
    clock,
    begin: (by: number) => void going.push(all[by]?.begin() ?? Promise.resolve()),
    texts: () => said.map(({ text }) => text),
    incident: async () => JSON.parse((await all[0]?.kv.get(key))?.value ?? "") as typeof first,
    end: async () => {
      leaving.abort();
      await Promise.all(going);
      for (const { kv } of all) await kv.stop();
    },
  };
}

describe("two that both believe that it is their turn", () => {
  it("tell a step once where the earlier finds out before it says it", async () => {
    const { all, clock, begin, texts, incident, end } = await atOnce(2);
    const [early] = all;
    let asked = 0;
    if (early) early.self.turn = () => (++asked === 1 ? 1 : undefined);
    await clock.advance(5000);
    begin(0);
    begin(1);
    await clock.advance(10_000);
    expect(texts()).toEqual([expect.stringContaining("You are told as ann")]);
    expect((await incident()).escalated).toMatchObject([{ step: 0, turn: 2, saidAt: expect.any(Number) }]);
    await end();
  });

  it("tell a step once where the later has begun it", async () => {
    const { all, clock, begin, texts, end } = await atOnce(2);
    const [, late] = all;
    let release = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    if (late) late.self.put = () => slow;
    await clock.advance(5000);
    begin(1);
    await clock.advance(1000);
    begin(0);
    await clock.advance(10_000);
    expect(texts()).toEqual([]);
    release();
    await clock.advance(10_000);
    expect(texts()).toEqual([expect.not.stringContaining("twice")]);
    await end();
  });

  it("tell it twice where the earlier was saying it, which the later says", async () => {
    const { all, clock, begin, texts, incident, end } = await atOnce(2);
    const [early] = all;
    let release = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    if (early) early.self.put = () => slow;
    await clock.advance(5000);
    begin(0);
    await clock.advance(1000);
    begin(1);
    await clock.advance(5000);
    release();
    await clock.advance(10_000);
    expect(howOften(texts())).toEqual(["again", "told"]);
    expect((await incident()).did).toHaveLength(1);
    await end();
  });

  it("do not say again what the later said while the earlier was refused", async () => {
    const { all, clock, begin, texts, incident, end } = await atOnce(2);
    const [early, late] = all;
    const gates = [0, 1].map(() => {
      let open = () => {};
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      return { open, opened };
    });
    if (early) {
      early.self.put = async () => {
        await gates[0]?.opened;
        throw new MicroError("invalid_argument", "not here");
      };
    }
    if (late) late.self.put = async () => gates[1]?.opened;
    await clock.advance(5000);
    begin(0);
    await clock.advance(1000);
    begin(1);
    await clock.advance(1000);
    gates[0]?.open();
    await clock.advance(1000);
    gates[1]?.open();
    await clock.advance(20_000);
    expect(howOften(texts())).toEqual(["again"]);
    expect((await incident()).escalated).toMatchObject([{ step: 0, saidAt: expect.any(Number) }]);
    await end();
  });
});
