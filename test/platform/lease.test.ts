import { afterEach, describe, expect, it } from "vitest";
import { MicroError } from "../../src/core/errors.ts";
import { memoryShelf } from "../../src/platform/kv/memory.ts";
import { createLease, type Lease, ownerOf } from "../../src/platform/lease.ts";
import { createObserver } from "../../src/platform/observer.ts";
import { brittleKv } from "../fakes/brittle-kv.ts";
import { type ManualClock, manualClock } from "../fakes/clock.ts";

const LEASE = 10_000;
const open: Lease[] = [];
afterEach(async () => {
  for (const lease of open.splice(0)) await lease.stop();
});

/** A process of its own: with a clock that can stand still, and a store that can be cut off. */
async function contender(owner: string, shelf = memoryShelf(), clock: ManualClock = manualClock()) {
  const kv = await brittleKv(shelf);
  let slept = 0;
  const monotonic = () => clock.now() + slept;
  const lease = createLease({ kv, key: "leader.test", owner, clock, monotonic, leaseMs: LEASE });
  open.push(lease);
  return {
    lease,
    clock,
    /** Its process was stopped for so long: its timers have not run, and its time has gone on. */
    sleep: (ms: number) => {
      slept += ms;
    },
    store: kv.sound,
    cutOff: (now: boolean) => kv.fail(now ? "unreached" : undefined),
  };
}

describe("a lease", () => {
  it("is one's alone while it is renewed, and the next one's at a higher number when it was given up", async () => {
    const shelf = memoryShelf();
    const [one, two] = [await contender("one", shelf), await contender("two", shelf)];
    await one.lease.start();
    await two.lease.start();
    for (let s = 0; s < 60; s++) {
      await one.clock.advance(1000);
      await two.clock.advance(1000);
      expect([one.lease.held(), two.lease.held()]).toEqual([true, false]);
    }
    const fence = one.lease.check();
    expect(() => two.lease.check()).toThrow(/may be another's/);
    await one.lease.stop();
    expect(one.lease.held()).toBe(false);
    await two.clock.advance(1000);
    expect(two.lease.check()).toBeGreaterThan(fence);
  });

  it("goes to who waited for it, within its time, when its holder dies", async () => {
    const shelf = memoryShelf();
    const [one, two] = [await contender("one", shelf), await contender("two", shelf)];
    await one.lease.start();
    await two.lease.start();
    const fence = one.lease.check();
    let waited = 0;
    for (; !two.lease.held() && waited < 60_000; waited += 250) await two.clock.advance(250);
    expect(waited).toBeGreaterThan(LEASE * 0.8);
    expect(waited).toBeLessThanOrEqual(LEASE);
    expect(two.lease.check()).toBeGreaterThan(fence);
  });

  it("is known to be lost by a holder that was paused, before it acts, and by the store afterwards", async () => {
    const shelf = memoryShelf();
    const [one, two] = [await contender("one", shelf), await contender("two", shelf)];
    await one.lease.start();
    await two.lease.start();
    for (let at = 0; at < LEASE * 3; at += 250) await two.clock.advance(250);
    expect(two.lease.held()).toBe(true);
    // It wakes up: before any of its timers has run, and after.
    one.sleep(LEASE * 3);
    expect(one.lease.held()).toBe(false);
    await one.clock.advance(LEASE / 2);
    expect(one.lease.held()).toBe(false);
    expect(one.lease.fence).toBeUndefined();
    expect(ownerOf((await two.store.get("leader.test")) ?? { value: "" })).toBe("two");
  });

  it("is not trusted any more by a holder that cannot renew it, well before another may have it", async () => {
    const shelf = memoryShelf();
    const [one, two] = [await contender("one", shelf), await contender("two", shelf)];
    await one.lease.start();
    await two.lease.start();
    one.cutOff(true);
    for (let at = 0; at < LEASE * 2; at += 100) {
      await one.clock.advance(100);
      await two.clock.advance(100);
      expect(one.lease.held() && two.lease.held()).toBe(false);
    }
    expect(two.lease.held()).toBe(true);
    one.cutOff(false);
    await one.clock.advance(LEASE / 2);
    expect(one.lease.held()).toBe(false);
  });

  it("stays its holder's when the store was away for everybody", async () => {
    const shelf = memoryShelf();
    const [one, two] = [await contender("one", shelf), await contender("two", shelf)];
    await one.lease.start();
    await two.lease.start();
    const fence = one.lease.check();
    for (const away of [true, false]) {
      one.cutOff(away);
      two.cutOff(away);
      for (let at = 0; at < LEASE * 3; at += 500) {
        // Who waits looks first when it is back.
        await two.clock.advance(500);
        await one.clock.advance(500);
      }
    }
    expect(two.lease.held()).toBe(false);
    expect(one.lease.check()).toBe(fence);
  });

  it("is ours still when a write that nobody answered has happened", async () => {
    const shelf = memoryShelf();
    const one = await contender("one", shelf);
    const { update } = one.store;
    let lost = 0;
    const lease = createLease({
      kv: {
        ...one.store,
        update: async (...args) => {
          await update(...args);
          lost += 1;
          throw new MicroError("timeout", "no answer");
        },
      },
      key: "leader.test",
      owner: "one",
      clock: one.clock,
      monotonic: one.clock.now,
      leaseMs: LEASE,
    });
    open.push(lease);
    await lease.start();
    const fence = lease.check();
    await expect(lease.renew()).rejects.toThrow("no answer");
    expect(lost).toBe(1);
    const sound = createLease({
      kv: one.store,
      key: "leader.test",
      owner: "one",
      clock: one.clock,
      monotonic: one.clock.now,
      leaseMs: LEASE,
    });
    open.push(sound);
    expect(await sound.renew()).toBe(true);
    expect(sound.check()).toBeGreaterThan(fence);
  });
});

describe("observing", () => {
  it("counts only time in which it looked", () => {
    const clock = { now: 0 };
    const observer = createObserver(() => clock.now, LEASE);
    const key = "a";
    observer.look([{ key, revision: 1 }]);
    clock.now = 4000;
    observer.look([{ key, revision: 1 }]);
    expect(observer.quietMs(key)).toBe(4000);
    observer.look([{ key, revision: 2 }]);
    expect(observer.quietMs(key)).toBe(0);
    clock.now = 7000;
    observer.blind();
    observer.look([{ key, revision: 2 }]);
    expect(observer.quietMs(key)).toBe(0);
    // All stood still together.
    clock.now = 100_000;
    observer.look([{ key, revision: 2 }]);
    expect(observer.quietMs(key)).toBe(0);
    observer.look([]);
    expect(observer.quietMs(key)).toBe(0);
  });
});
