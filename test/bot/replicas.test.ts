import { afterEach, describe, expect, it } from "vitest";
import { memoryAudit } from "../../src/bot/audit/memory.ts";
import type { BotInit } from "../../src/bot/bot.ts";
import { createReplicas, type Machine, type ReplicasInit } from "../../src/bot/replicas.ts";
import { systemClock } from "../../src/core/clock.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { type MemoryShelf, memoryShelf } from "../../src/platform/kv/memory.ts";
import { type BrittleKv, brittleKv } from "../fakes/brittle-kv.ts";
import { manualClock } from "../fakes/clock.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

/* Several bots on one network in one process, over one store, each with a way to be cut off from it. */

const replica = { leaseMs: 600 };
const stores: BrittleKv[] = [];
afterEach(() => {
  for (const store of stores.splice(0)) store.fail(undefined);
});

const eventually = <T>(what: () => T) => expect.poll(what, { timeout: 10_000 });

/** One of them, with a chat of its own: what the network gives to several is said to each. */
async function one(shelf: MemoryShelf, init: Partial<BotInit> = {}) {
  const store = await brittleKv(shelf);
  stores.push(store);
  const input = memoryInput({ name: "chat", limits: { buttons: true } });
  const bot = botOn([input], { store, replica, ...init });
  await bot.start();
  return { input, bot, store };
}

/** A command that hangs until the test says so. */
function gated(effect: "read" | "write") {
  let open = () => {};
  const gate = () =>
    new Promise<void>((resolve) => {
      open = resolve;
    });
  const { command, runs } = telling("work", { effect, confirm: false, gate });
  return { command, runs, open: () => open() };
}

const WRITE = { effect: "write", confirm: false } as const;

describe("a message that several replicas hear", () => {
  it("is done and answered by one of them", async () => {
    const shelf = memoryShelf();
    const runs: string[] = [];
    const all = await Promise.all(
      [1, 2, 3].map(() =>
        one(shelf, {
          replica: {},
          commands: [{ ...telling("count").command, run: async ({ what }) => ({ what: runs.push(what) }) }],
        }),
      ),
    );
    for (let n = 0; n < 30; n++) for (const { input } of all) input.say(`count ${n}`, { id: `m${n}`, from: `p${n}` });
    await eventually(() => all.flatMap(({ input }) => input.sent).length).toBe(30);
    for (const { input } of all) await eventually(() => input.taken.length).toBeGreaterThan(28);
    expect([...runs].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 30 }, (_, n) => String(n)));
    expect(all.flatMap(({ input }) => input.sent)).toHaveLength(30);
  });

  it("is a read: another does it anew when its replica is cut off, and that one says nothing then", async () => {
    const shelf = memoryShelf();
    const [here, there] = [gated("read"), gated("read")];
    const cut = await one(shelf, { commands: [here.command] });
    const other = await one(shelf, { commands: [there.command] });
    cut.input.say("work once");
    await eventually(() => here.runs).toEqual(["once"]);
    cut.store.fail("unreached");
    await eventually(() => there.runs).toEqual(["once"]);
    there.open();
    expect(textOf(await other.input.next({ timeoutMs: 15_000 }))).toBe("work once done");
    here.open();
    cut.store.fail(undefined);
    cut.input.say("echo back again");
    expect(textOf(await cut.input.next())).toBe("back again");
    expect(cut.input.sent).toHaveLength(1);
  });

  it("is a write that had begun: its room is told that nobody knows, and how to find out", async () => {
    const shelf = memoryShelf();
    const [here, there] = [gated("write"), gated("write")];
    const cut = await one(shelf, { commands: [here.command] });
    const other = await one(shelf, { commands: [there.command] });
    cut.input.say("work once", { room: "ops" });
    await eventually(() => here.runs).toEqual(["once"]);
    cut.store.fail("unreached");
    const told = await other.input.next({ timeoutMs: 15_000 });
    expect(told.place.room).toBe("ops");
    expect(textOf(told)).toMatch(
      /work once\nwhether it took effect is unknown, and it was not repeated\n.*[0-9a-f]{6}/,
    );
    expect(there.runs).toEqual([]);
    here.open();
  });

  it("is a write that was done, and only its answer was not said: its room is told so, where the audit is one", async () => {
    const shelf = memoryShelf();
    const [here, there] = [telling("work", WRITE), telling("work", WRITE)];
    const auditLog = memoryAudit({ clock: systemClock, replica: "both" });
    const cut = await one(shelf, { commands: [here.command], auditLog });
    const other = await one(shelf, { commands: [there.command], auditLog });
    const release = cut.input.holdSends();
    cut.input.say("work once");
    await eventually(async () => (await auditLog.search({ limit: 1 }))[0]?.body).toContain('"outcome":"ok"');
    cut.store.fail("unreached");
    expect(textOf(await other.input.next({ timeoutMs: 15_000 }))).toMatch(
      /work once\nit was done once; my answer may not/,
    );
    expect([...here.runs, ...there.runs]).toEqual(["once"]);
    release();
  });

  it("is a write that had not begun: its room is told that nothing was done, and it can be said again", async () => {
    const shelf = memoryShelf();
    const [here, there] = [gated("write"), gated("write")];
    // The first takes the only turn, so the second waits and has not begun.
    const cut = await one(shelf, { commands: [here.command], order: { atOnce: 1, patienceMs: 60_000 } });
    const other = await one(shelf, { commands: [there.command] });
    cut.input.say("work first", { room: "a" });
    await eventually(() => here.runs).toEqual(["first"]);
    cut.input.say("work second", { room: "b" });
    await eventually(() => cut.input.taken.length).toBeGreaterThan(0);
    await eventually(async () => (await cut.store.sound.list("journal.")).length).toBe(2);
    cut.store.fail("unreached");
    await eventually(() => other.input.sent.length).toBe(2);
    const second = other.input.sent.find(({ place }) => place.room === "b");
    expect(textOf(second)).toContain("nothing was done");
    expect(second?.choices?.map(({ line }) => line)).toEqual(["work second"]);
    // The other's turn comes: it is refused where it would begin.
    cut.store.fail(undefined);
    here.open();
    cut.input.say("echo after it", { room: "c" });
    await eventually(() => cut.input.sent.map(textOf)).toEqual(["after it"]);
    expect([...here.runs, ...there.runs]).toEqual(["first"]);
  });

  it("is handed over at once by one that leaves before it could be done", async () => {
    const shelf = memoryShelf();
    const leaving = await one(shelf, { drainMs: 50 });
    const other = await one(shelf);
    const release = leaving.input.holdSends();
    leaving.input.say("echo unsaid");
    await eventually(async () => (await leaving.store.list("journal.")).length).toBe(1);
    await leaving.bot.stop();
    expect(textOf(await other.input.next({ timeoutMs: 15_000 }))).toBe("unsaid");
    release();
  });
});

describe("the replicas", () => {
  const clock = manualClock();
  const make = async (shelf: MemoryShelf, init: Partial<ReplicasInit> = {}) => {
    const kv = await brittleKv(shelf);
    const replicas = createReplicas({ kv, clock, monotonic: clock.now, leaseMs: 10_000, inputs: ["slack"], ...init });
    await replicas.start();
    return { kv, replicas };
  };

  it("are shown with who leads, and one of them does", async () => {
    const shelf = memoryShelf();
    const all = [await make(shelf, { name: "one" }), await make(shelf, { name: "two" }), await make(shelf)];
    for (let s = 0; s < 10; s++) await clock.advance(1000);
    for (const { replicas } of all) {
      expect(replicas.list().map(({ name }) => name)).toContain("two");
      expect(replicas.list().filter(({ leader }) => leader)).toHaveLength(1);
      expect(replicas.list().every(({ seenMs, inputs }) => seenMs <= 3000 && inputs[0] === "slack")).toBe(true);
    }
    expect(all.filter(({ replicas }) => replicas.leading())).toHaveLength(1);
    for (const { replicas } of all) await replicas.stop();
    expect(await all[0]?.kv.list("")).toEqual([]);
  });

  it("know at once that one of the same machine is dead, and only of the same", async () => {
    const shelf = memoryShelf();
    const alive = new Set([1, 2, 3]);
    const machine = (pid: number, id = "here"): Machine => ({ id, pid, alive: (other) => alive.has(other) });
    const dead = await make(shelf, { machine: machine(1) });
    const far = await make(shelf, { machine: machine(2, "there") });
    let told = 0;
    const here = await make(shelf, { machine: machine(3) });
    here.replicas.onGone(() => {
      told += 1;
    });
    await clock.advance(1000);
    expect(here.replicas.list()).toHaveLength(3);
    dead.kv.fail("unreached");
    alive.delete(1);
    alive.delete(2);
    await clock.advance(1500);
    expect(
      here.replicas
        .list()
        .map(({ id }) => id)
        .sort(),
    ).toEqual([far.replicas.id, here.replicas.id].sort());
    expect(told).toBeGreaterThan(0);
    expect([here, far].filter(({ replicas }) => replicas.leading())).toHaveLength(1);
    dead.kv.fail(undefined);
    for (const { replicas } of [dead, far, here]) await replicas.stop();
  });

  it("say to a bot without a store that it is alone", async () => {
    const input = memoryInput();
    await botOn([input]).start();
    input.say("replicas");
    expect(textOf(await input.next())).toContain("only me");
  });
});
