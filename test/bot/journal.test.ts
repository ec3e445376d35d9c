import { afterEach, describe, expect, it } from "vitest";
import {
  type Journal,
  type JournalEvents,
  type JournalInit,
  type Left,
  memoryJournal,
  type Taken,
} from "../../src/bot/journal.ts";
import { kvJournal } from "../../src/bot/journal-kv.ts";
import { SHARDS } from "../../src/bot/journal-record.ts";
import { createReplicas, type Replicas } from "../../src/bot/replicas.ts";
import { type MemoryShelf, memoryShelf } from "../../src/platform/kv/memory.ts";
import { type BrittleKv, brittleKv } from "../fakes/brittle-kv.ts";
import { type ManualClock, manualClock } from "../fakes/clock.ts";

const LEASE = 10_000;

/** When all clocks here begin. */
const BEGAN = manualClock().now();

const taken = (id: string, at = BEGAN, text = "ping"): Taken => ({
  id: "03f9a1",
  input: "memory",
  caller: "memory:ann",
  message: {
    id,
    from: { id: "ann", name: "Ann", guest: false },
    place: { room: "room" },
    text,
    addressed: true,
    sentAt: at,
  },
  at,
});

const EVENTS: JournalEvents = { can: () => true, onLeft: () => {}, onLost: () => {} };

/** A process with a journal, as far as journals are concerned. */
interface Process {
  readonly journal: Journal;
  readonly replicas: Replicas;
  readonly clock: ManualClock;
  /** It was stopped for so long, and has just woken up. */
  sleep(ms: number): void;
  readonly kv: BrittleKv;
  readonly left: Left[];
  readonly lost: Taken[];
}

const running: Process[] = [];
afterEach(async () => {
  for (const { journal, kv } of running.splice(0)) {
    kv.fail(undefined);
    await journal.close();
  }
});

async function started(shelf: MemoryShelf, init: JournalInit & Partial<JournalEvents> = {}): Promise<Process> {
  const clock = manualClock();
  let slept = 0;
  const kv = await brittleKv(shelf);
  const replicas = createReplicas({ kv, clock, monotonic: () => clock.now() + slept, leaseMs: LEASE });
  const left: Left[] = [];
  const lost: Taken[] = [];
  const journal = kvJournal({ kv, replicas, clock, ...init });
  await journal.open({
    can: init.can ?? (() => true),
    onLeft: (it) => void left.push(it),
    onLost: (it) => void lost.push(it),
  });
  await clock.advance(0);
  const process: Process = {
    journal,
    replicas,
    clock,
    sleep: (ms) => {
      slept += ms;
    },
    kv,
    left,
    lost,
  };
  running.push(process);
  return process;
}

/** Their time goes on; who is not among them is paused. */
async function pass(ms: number, ...processes: readonly Process[]) {
  for (let at = 0; at < ms; at += 250) for (const { clock } of processes) await clock.advance(250);
}

const keys = async ({ kv }: Process) => (await kv.sound.list("journal.")).length;

describe.each([
  ["in memory", async (init: JournalInit): Promise<Journal> => memoryJournal(init)],
  ["in a store", async (init: JournalInit) => (await started(memoryShelf(), init)).journal],
] as const)("a journal %s", (_where, make) => {
  it("takes a message once", async () => {
    const journal = await make({});
    await journal.open(EVENTS);
    const claim = await journal.take(taken("a", 1));
    expect(claim?.before).toBe(0);
    expect(await journal.take(taken("a", 2))).toBeUndefined();
    expect(await Promise.all(["b", "b", "b"].map((id) => journal.take(taken(id))))).toEqual([
      expect.anything(),
      undefined,
      undefined,
    ]);
    expect(await journal.take({ ...taken("a"), input: "other" })).toBeDefined();
  });

  it("lets who has a claim begin and speak", async () => {
    const journal = await make({});
    const claim = await journal.take(taken("a"));
    if (claim === undefined) throw new Error("not taken");
    expect(await journal.holds(claim)).toBe(true);
    expect(await journal.begin(claim)).toBe(true);
    expect(await journal.holds(claim)).toBe(true);
    void journal.done(claim);
    expect(await journal.take(taken("a"))).toBeUndefined();
  });
});

describe("what the journal in memory remembers", () => {
  it("is forgotten after its time, not before, again and again", async () => {
    const journal = memoryJournal({ keepMs: 100 });
    const take = async (key: string, at: number) => (await journal.take(taken(key, at))) !== undefined;
    for (let at = 0; at < 1000; at += 10) expect(await take(`m${at}`, at)).toBe(true);
    expect(await take("m910", 1000)).toBe(false);
    expect(await take("m900", 1000)).toBe(true);
    expect(await take("m990", 5000)).toBe(true);
    expect(await take("m990", 5000)).toBe(false);
  });

  it("is forgotten from the oldest when it is full", async () => {
    const journal = memoryJournal({ max: 3 });
    const take = async (key: string) => (await journal.take(taken(key, 1))) !== undefined;
    for (const key of ["a", "b", "c", "d", "e"]) await take(key);
    expect(await take("d")).toBe(false);
    expect(await take("b")).toBe(true);
    expect(await take("c")).toBe(true);
  });
});

describe("what the journal in a store remembers", () => {
  it("is removed after its time by who leads, what is open as well", async () => {
    const one = await started(memoryShelf(), { keepMs: 60_000 });
    const began = one.clock.now();
    for (let n = 0; n < 50; n++) {
      const claim = await one.journal.take(taken(`m${n}`, began));
      if (claim && n > 0) void one.journal.done(claim);
    }
    await pass(50_000, one);
    expect(await keys(one)).toBe(50);
    await pass(50_000, one);
    expect(await keys(one)).toBe(0);
  });

  it("is removed from the oldest where there is too much", async () => {
    const one = await started(memoryShelf(), { max: 10 * SHARDS.length });
    for (let n = 0; n < 1000; n++) {
      const claim = await one.journal.take(taken(`m${n}`, one.clock.now() + n));
      if (claim) void one.journal.done(claim);
    }
    await pass(40_000, one);
    expect(await keys(one)).toBe(10 * SHARDS.length);
    expect(await one.journal.take(taken("m999"))).toBeUndefined();
    expect(await one.journal.take(taken("m0"))).toBeDefined();
  });

  it("is the whole message while it is open, however little of a long one, and nothing of it afterwards", async () => {
    const one = await started(memoryShelf());
    const claim = await one.journal.take(taken("a", BEGAN, `secret ${"x".repeat(1_000_000)}`));
    const value = async () => (await one.kv.list("journal."))[0]?.value ?? "";
    expect(await value()).toMatch(/secret x{100,}"/);
    expect((await value()).length).toBeLessThan(1000);
    if (claim) void one.journal.done(claim);
    await pass(250, one);
    expect(await value()).toBe(`{"at":${BEGAN}}`);
  });
});

describe("of several replicas", () => {
  it("one takes a message that all of them hear", async () => {
    const shelf = memoryShelf();
    const all = [await started(shelf), await started(shelf), await started(shelf)];
    for (let n = 0; n < 100; n++) {
      const claims = await Promise.all(all.map(({ journal }) => journal.take(taken(`m${n}`))));
      expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
    }
  });

  it("another has within the lease what a dead one had begun and not begun, once, and knows which", async () => {
    const shelf = memoryShelf();
    const [dead, ...others] = [await started(shelf), await started(shelf), await started(shelf)] as const;
    const over = await dead.journal.take(taken("over"));
    if (over) void dead.journal.done(over);
    await pass(250, dead);
    await dead.journal.take(taken("idle"));
    const write = await dead.journal.take(taken("write"));
    if (write) expect(await dead.journal.begin(write)).toBe(true);
    await pass(LEASE * 0.8, ...others);
    expect(others.flatMap(({ left }) => left)).toEqual([]);
    await pass(LEASE * 0.2 + 500, ...others);
    const left = others.flatMap((other) => other.left);
    expect(left.map(({ taken, begun }) => [taken.message.id, begun]).sort()).toEqual([
      ["idle", false],
      ["write", true],
    ]);
    expect(left.every(({ claim }) => claim.before === 1)).toBe(true);
    expect(left.find(({ taken }) => taken.message.id === "write")?.claim.fence).toBeGreaterThan(write?.fence ?? 0);
  });

  it("one that was paused starts no write and says nothing once another has its message", async () => {
    const shelf = memoryShelf();
    const [paused, other] = [await started(shelf), await started(shelf)];
    const claim = await paused.journal.take(taken("a"));
    if (claim === undefined) throw new Error("not taken");
    await pass(LEASE * 2, other);
    expect(other.left).toHaveLength(1);
    // It wakes up: before any of its timers has run, and after.
    expect(await paused.journal.begin(claim)).toBe(false);
    paused.sleep(LEASE * 2);
    expect(await paused.journal.holds(claim)).toBe(false);
    await pass(5000, paused, other);
    expect(await paused.journal.holds(claim)).toBe(false);
    expect(await paused.journal.begin(claim)).toBe(false);
    expect(paused.lost.map(({ message }) => message.id)).toEqual(["a"]);
    await paused.journal.done(claim);
    await paused.journal.drop(claim);
    const [theirs] = other.left;
    expect(theirs && (await other.journal.holds(theirs.claim))).toBe(true);
    expect(theirs && (await other.journal.begin(theirs.claim))).toBe(true);
  });

  it("one that was paused goes on with what nobody has taken", async () => {
    const shelf = memoryShelf();
    const [paused, other] = [await started(shelf), await started(shelf, { can: () => false })];
    const claim = await paused.journal.take(taken("a"));
    if (claim === undefined) throw new Error("not taken");
    await pass(LEASE * 2, other);
    paused.sleep(LEASE * 2);
    expect(await paused.journal.holds(claim)).toBe(true);
    expect(await paused.journal.begin(claim)).toBe(true);
    expect(paused.lost).toEqual([]);
    await pass(LEASE, paused, other);
    expect(other.left).toEqual([]);
  });

  it("one that leaves hands over at once", async () => {
    const shelf = memoryShelf();
    const [leaving, other] = [await started(shelf), await started(shelf)];
    await leaving.journal.take(taken("a"));
    await leaving.journal.leave();
    expect(leaving.replicas.leading()).toBe(false);
    await pass(1000, other);
    expect(other.replicas.leading()).toBe(true);
    expect(other.left).toEqual([]);
    await leaving.journal.close();
    await pass(1000, other);
    expect(other.left).toHaveLength(1);
  });

  it("another has what one could not bring to its end", async () => {
    const shelf = memoryShelf();
    const [one, other] = [await started(shelf, { can: () => false }), await started(shelf)];
    const claim = await one.journal.take(taken("a"));
    if (claim) await one.journal.begin(claim);
    if (claim) await one.journal.drop(claim);
    await pass(2000 * SHARDS.length + 1000, one, other);
    expect(other.left.map(({ begun }) => begun)).toEqual([true]);
    expect(one.left).toEqual([]);
  });

  it("one takes over only what it can answer, when it can", async () => {
    const shelf = memoryShelf();
    let connected = false;
    const [dead, other] = [await started(shelf), await started(shelf, { can: () => connected })];
    await dead.journal.take(taken("a"));
    await pass(LEASE * 3, other);
    expect(other.left).toEqual([]);
    connected = true;
    await pass(4000, other);
    expect(other.left).toHaveLength(1);
  });

  it("the next finds what was open when all were gone", async () => {
    const shelf = memoryShelf();
    const dead = await started(shelf);
    await dead.journal.take(taken("a"));
    const next = await started(shelf);
    await pass(LEASE + 500, next);
    expect(next.left).toHaveLength(1);
  });

  it("none is given up because the store was away for all of them", async () => {
    const shelf = memoryShelf();
    const all = [await started(shelf), await started(shelf)] as const;
    await all[0].journal.take(taken("a"));
    for (const { kv } of all) kv.fail("unreached");
    await pass(LEASE * 3, ...all);
    for (const { kv } of all) kv.fail(undefined);
    await pass(LEASE * 3, ...all.toReversed());
    expect(all.flatMap(({ left }) => left)).toEqual([]);
  });
});

describe("when the store fails", () => {
  it("nothing is taken, and what was written all the same is nobody's work later", async () => {
    const shelf = memoryShelf();
    const [one, other] = [await started(shelf), await started(shelf)];
    await pass(1000, one, other);
    one.kv.fail("unreached");
    // Its network may tell the other of it, so it may not be said that nothing was done.
    await expect(one.journal.take(taken("a"))).rejects.toMatchObject({
      message: expect.stringContaining("away"),
      details: { shared: true, unseen: true },
    });
    one.kv.fail("unanswered");
    await expect(one.journal.take(taken("b"))).rejects.toThrow("does not answer");
    expect(await keys(one)).toBe(1);
    one.kv.fail(undefined);
    await pass(3000, one, other);
    await one.journal.close();
    await pass(LEASE, other);
    expect(other.left).toEqual([]);
    expect((await one.kv.list("journal.")).map(({ value }) => value)).toEqual([`{"at":${BEGAN}}`]);
  });

  it.each(["unreached", "unanswered"] as const)(
    "(%s) a write is not begun, nor is what was done forgotten",
    async (how) => {
      const shelf = memoryShelf();
      const [one, other] = [await started(shelf), await started(shelf)];
      const [a, b] = [await one.journal.take(taken("a")), await one.journal.take(taken("b"))];
      if (a === undefined || b === undefined) throw new Error("not taken");
      one.kv.fail(how);
      await expect(one.journal.begin(a)).rejects.toThrow();
      void one.journal.done(a);
      void one.journal.done(b);
      await pass(250, one, other);
      one.kv.fail(undefined);
      await pass(3000, one, other);
      await one.journal.close();
      await pass(LEASE, other);
      expect(other.left).toEqual([]);
    },
  );

  it.each([["at once", 0] as const, ["for longer than the lease", 2 * LEASE] as const])(
    "%s but can be read, what was taken before is told from what was not",
    async (_when, ms) => {
      const one = await started(memoryShelf());
      const [a, b] = [await one.journal.take(taken("a")), await one.journal.take(taken("b"))];
      if (a === undefined || b === undefined) throw new Error("not taken");
      const again = (id: string) => one.journal.take({ ...taken(id), id: "03f9a2" });
      const done = one.journal.done(a);
      await pass(250, one);
      await done;
      one.kv.fail("full");
      await pass(ms, one);
      expect(await again("a")).toBeUndefined();
      expect(await again("b")).toBeUndefined();
      await expect(one.journal.take(taken("c"))).rejects.toMatchObject({ details: { shared: false, unseen: false } });
      one.kv.fail("unreached");
      await expect(again("a")).rejects.toMatchObject({ details: { unseen: true } });
      // What is worked on here is known without the store, and stays ours.
      expect(await again("b")).toBeUndefined();
      one.kv.fail(undefined);
      await pass(3000, one);
      expect(await one.journal.begin(b)).toBe(true);
    },
  );

  it("nobody knows whether a claim is still ours once the lease is over, and then it is", async () => {
    const one = await started(memoryShelf());
    const claim = await one.journal.take(taken("a"));
    if (claim === undefined) throw new Error("not taken");
    one.kv.fail("unreached");
    expect(await one.journal.holds(claim)).toBe(true);
    await pass(LEASE, one);
    await expect(one.journal.holds(claim)).rejects.toThrow("away");
    one.kv.fail(undefined);
    expect(await one.journal.holds(claim)).toBe(true);
  });
});
