import { describe, expect, it } from "vitest";
import { OVERFLOW, takeIn, takeOne } from "../../../src/alerts/incidents/intake.ts";
import { createIncidentStore } from "../../../src/alerts/incidents/store.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { silent } from "../../../src/core/log.ts";
import type { Kv } from "../../../src/platform/kv/kv.ts";
import { memoryKv } from "../../../src/platform/kv/memory.ts";
import { manualClock } from "../../fakes/clock.ts";
import { alert, NOON, notification } from "./notifications.ts";
import { box } from "./room.ts";

async function setUp(over: (kv: Kv) => Kv = (kv) => kv) {
  const clock = manualClock(NOON);
  const kv = memoryKv();
  await kv.start();
  const store = createIncidentStore({ kv: over(kv), clock, log: silent });
  const init = { store, clock, log: silent, match: async () => [], rooms: async () => [] };
  const groups = async () => (await store.list()).map(({ incident }) => incident.group);
  return { clock, kv, store, init, groups };
}

describe("what comes in", () => {
  it("of more groups than can be told apart is one incident of its source, until it is over", async () => {
    const { init, groups, store } = await setUp();
    for (let n = 0; n < 1005; n++) {
      await takeOne(notification([alert({ fingerprint: `f${n}` })], { group: `g${n}` }), init);
    }
    expect(await groups()).toHaveLength(1001);
    const rest = (await store.list()).find(({ incident }) => incident.group === OVERFLOW);
    expect(Object.keys(rest?.incident.states ?? {})).toHaveLength(5);
    // Groups that are known still are themselves, and what is over ends where it was put.
    await takeOne(notification([alert({ fingerprint: "f1", status: "resolved" })], { group: "g1" }), init);
    for (let n = 1000; n < 1005; n++) {
      await takeOne(notification([alert({ fingerprint: `f${n}`, status: "resolved" })], { group: `g${n}` }), init);
    }
    const after = new Map((await store.list()).map(({ incident }) => [incident.group, incident.status]));
    expect(after.size).toBe(1001);
    expect([after.get(OVERFLOW), after.get("g1"), after.get("g2")]).toEqual(["resolved", "resolved", "firing"]);
  });

  it("waits where the store is away, and is written down in the order in which it came", async () => {
    let away = true;
    const { clock, init, store } = await setUp((kv) => ({
      ...kv,
      create: (...args) => (away ? Promise.reject(new MicroError("unavailable", "away")) : kv.create(...args)),
    }));
    const inbox = box();
    const leaving = new AbortController();
    const taking = takeIn(inbox, init, leaving.signal);
    inbox.put(notification([alert()]));
    inbox.put(notification([alert({ status: "resolved" })]));
    await clock.advance(5000);
    expect(inbox.waiting).toBe(2);
    away = false;
    await clock.advance(20_000);
    expect(inbox.waiting).toBe(0);
    const [held] = await store.list();
    expect(held?.incident).toMatchObject({ status: "resolved", fires: 1 });
    leaving.abort();
    await taking;
  });

  it("and breaks whoever works on it does not hold up for ever what comes behind it", async () => {
    const { clock, init, store } = await setUp();
    const match = async ({ alerts }: { readonly alerts: readonly { readonly name: string }[] }) => {
      if (alerts.some(({ name }) => name === "Broken")) throw new TypeError("undefined is not iterable");
      return [];
    };
    const inbox = box();
    const leaving = new AbortController();
    const taking = takeIn(inbox, { ...init, match }, leaving.signal);
    inbox.put(notification([alert({ fingerprint: "bad", name: "Broken" })]));
    inbox.put(notification([alert({ name: "Whole" })]));
    await clock.advance(60_000);
    expect(inbox.waiting).toBe(0);
    expect((await store.list()).map(({ incident }) => incident.alerts.map(({ name }) => name))).toEqual([["Whole"]]);
    leaving.abort();
    await taking;
  });

  it("of one group is worked on in its order, however long one takes", async () => {
    const { clock, init, store } = await setUp();
    let calls = 0;
    const match = async () => {
      calls += 1;
      if (calls === 1) await clock.sleep(3000);
      return [];
    };
    const inbox = box();
    const leaving = new AbortController();
    const taking = takeIn(inbox, { ...init, match }, leaving.signal);
    inbox.put(notification([alert()]));
    inbox.put(notification([alert({ status: "resolved" })]));
    await clock.advance(10_000);
    const [held] = await store.list();
    expect(held?.incident).toMatchObject({ status: "resolved", fires: 1 });
    leaving.abort();
    await taking;
  });
});

describe("an incident in the store", () => {
  it("is changed by two at once without either being lost", async () => {
    const { clock, kv, init, store } = await setUp();
    await takeOne(notification([alert()]), init);
    const [held] = await store.list();
    const other = createIncidentStore({ kv, clock, log: silent });
    await other.list();
    const add = (by: string) => (incident: NonNullable<typeof held>["incident"] | undefined) =>
      incident && { ...incident, did: [...incident.did, { at: NOON, by, what: "saw it" }] };
    const names = ["ann", "bob", "cid", "dee"];
    await Promise.all(names.map((by, n) => (n % 2 === 0 ? store : other).alter(held?.key ?? "", add(by))));
    const [after] = await store.list();
    expect(after?.incident.did.map(({ by }) => by).toSorted()).toEqual(names);
  });

  it("that another process took away is not kept in mind", async () => {
    const { clock, kv, init, store } = await setUp();
    await takeOne(notification([alert()]), init);
    const other = createIncidentStore({ kv, clock, log: silent });
    const [held] = await other.list();
    if (held === undefined) throw new Error("none");
    expect(await other.remove(held)).toBe(true);
    const gone: string[] = [];
    store.onChange((key, now) => now === undefined && gone.push(key));
    expect(await store.alter(held.key, (incident) => incident && { ...incident, left: 1 })).toBeUndefined();
    expect([...store.known()]).toEqual([]);
    expect(gone).toEqual([held.key]);
  });
});
