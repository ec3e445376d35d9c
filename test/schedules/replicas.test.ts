import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { readPolicy } from "../../src/bot/policy.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { schedules } from "../../src/schedules/schedules.ts";
import { botOn, telling, textOf } from "../bot/run-bot.ts";
import { manualClock } from "../fakes/clock.ts";
import { type Asked, mortalKv } from "../fakes/mortal-kv.ts";
import { type RunningStore, type Space, STORE_KINDS } from "../fakes/stores.ts";

/* Schedules of replicas over every kind of store, by clocks that go together, and processes that end without a good-bye. */

const NOON = Date.UTC(2026, 0, 1, 12);
/** What is begun and not ended by two of them is given up. */
const FIVE = 300_000;
/** Under load a sync of the disk takes its time. */
const LONG = { timeout: 60_000 };
const opened: { die(): Promise<void>; stop(): Promise<void> }[] = [];
afterEach(async () => {
  // First all of them end, then what hangs in them is cleared away.
  await Promise.all(opened.map((one) => one.die()));
  await Promise.all(opened.splice(0).map((one) => one.stop()));
});

/** So many bots on one store. What they carry out is in `runs`: at which fifth minute after noon, by whom. */
async function replicas(space: Space, count: number) {
  const runs: { readonly time: number; readonly by: number }[] = [];
  let began = (_by: number): Promise<void> | undefined => undefined;
  const one = async (by: number) => {
    const clock = manualClock(NOON);
    const input = memoryInput({ clock });
    const kv = mortalKv(space());
    await kv.start();
    const gate = async () => {
      if (kv.dead) return new Promise<void>(() => {});
      runs.push({ time: (clock.now() - NOON) / FIVE, by });
      await began(by);
      // A process that is no more does not end anything either.
      if (kv.dead) await new Promise<void>(() => {});
    };
    const bot = botOn([input], {
      commands: [telling("look", { gate }).command, telling("change", { effect: "write", gate }).command],
      policy: readPolicy("members: ['*:*']", "test"),
      limit: "none",
      clock,
      maxAgeMs: 3_600_000_000,
      drainMs: 0,
      store: kv,
      // Each minute of theirs would have many renewals in it.
      replica: { name: `r${by}`, leaseMs: 600_000 },
      extensions: [schedules({ drainMs: 0 })],
    });
    await bot.start();
    const told = () => input.sent.map(textOf);
    const die = async () => kv.bury();
    const stop = async () => {
      let over = false;
      const stopping = bot.stop().then(() => {
        over = true;
      });
      while (!over) await clock.advance(1000);
      await stopping;
      await kv.stop();
    };
    const made = { by, clock, input, kv, told, die, stop };
    opened.push(made);
    return made;
  };
  const all: Awaited<ReturnType<typeof one>>[] = [];
  for (let by = 0; by < count; by++) all.push(await one(by));
  const alive = () => all.filter(({ kv }) => !kv.dead);
  /** Nobody has anything left to ask of the store. */
  const quiet = async () => {
    for (let turns = 0; turns < 10; ) {
      await new Promise((resolve) => setImmediate(resolve));
      turns = alive().some(({ kv }) => kv.pending > 0) ? 0 : turns + 1;
    }
  };
  const five = async () => {
    await Promise.all(alive().map(({ clock }) => clock.advance(FIVE)));
    await quiet();
  };
  const ask = async (text: string, at = 0): Promise<string> => {
    const { input } = all[at] as (typeof all)[number];
    const before = input.sent.length;
    input.say(text, { from: "ann" });
    await expect.poll(() => input.sent.length, { timeout: 10_000 }).toBe(before + 1);
    await quiet();
    return textOf(input.sent.at(-1));
  };
  return {
    all,
    runs,
    alive,
    quiet,
    five,
    ask,
    told: () => all.flatMap((each) => each.told()),
    onBegin: (then: typeof began) => {
      began = then;
    },
  };
}

describe.each(STORE_KINDS)("schedules of replicas over $kind", LONG, ({ kind, has, start }) => {
  describe.skipIf(!has)(`a store${has ? "" : ` (skipped: ${kind} is not installed)`}`, () => {
    let store: RunningStore;
    let space: Space;
    beforeAll(async () => {
      store = await start();
    }, 60_000);
    afterAll(() => store?.stop());

    it.each([2, 3])("are carried out once each time by one of %i", async (count) => {
      space = await store.space();
      const { ask, five, runs, all } = await replicas(space, count);
      expect(await ask('every 5m "look"')).toContain("every 5m");
      const often = 8;
      for (let n = 1; n <= often; n++) {
        await five();
        await expect.poll(() => runs.length, { timeout: 10_000 }).toBe(n);
      }
      expect(runs.map((run) => run.time)).toEqual(Array.from({ length: often }, (_, n) => n + 1));
      for (const { told, by } of all) {
        const own = runs.filter((run) => run.by === by).length;
        await expect.poll(() => told().filter((text) => text.includes("look  done")).length).toBe(own);
      }
    });

    /** Where in the third time a process ends, whether that time was begun by then, and whether people are told of it. */
    const TAKES = ({ what, value = "" }: Asked) => what === "update" && value.includes(`"taken":${NOON + 3 * FIVE}`);
    const ENDS = ({ what, value = "" }: Asked) => TAKES({ what, key: "", value }) && !value.includes('"open"');
    it.each([
      { where: "before it took it", when: "before", so: TAKES, begun: true, told: false },
      { where: "after it took it", when: "after", so: TAKES, begun: false, told: true },
      { where: "in the middle of it", when: undefined, so: undefined, begun: true, told: true },
      { where: "before it wrote that it was done", when: "before", so: ENDS, begun: true, told: true },
      { where: "after it wrote that it was done", when: "after", so: ENDS, begun: true, told: false },
    ] as const)("go on at the others when one of them dies $where", async ({ when, so, begun, told }) => {
      space = await store.space();
      const they = await replicas(space, 3);
      const { ask, five, runs, all, alive } = they;
      expect(await ask('every 5m "change prod"')).toContain("this changes things");
      expect(await ask("yes")).toContain("every 5m");
      // Whoever is first with the third time dies of it, and nobody after that.
      for (const { kv } of all) {
        if (when) kv.dieAt(when, (asked) => alive().length === 3 && so(asked));
      }
      they.onBegin((by) => {
        if (when === undefined && runs.filter((run) => run.time === 3).length === 1 && alive().length === 3) {
          all[by]?.kv.die();
        }
        return undefined;
      });
      for (let n = 1; n <= 6; n++) {
        await five();
        const expected = n < 3 || begun ? n : n - 1;
        await expect.poll(() => runs.length, { timeout: 10_000 }).toBe(expected);
      }
      expect(alive()).toHaveLength(2);
      const times = Array.from({ length: 6 }, (_, n) => n + 1).filter((n) => n !== 3 || begun);
      expect(runs.map((run) => run.time)).toEqual(times);
      const words = they.told().filter((text) => text.includes("is not known"));
      expect(words).toEqual(
        told ? [expect.stringMatching(/whether it was done at 2026-01-01 12:15 .* is not known/)] : [],
      );
    });

    it("are carried out once where they are for once", async () => {
      space = await store.space();
      const { ask, five, runs, told } = await replicas(space, 3);
      expect(await ask('at 12:05 in UTC "look"')).toContain("at 2026-01-01 12:05");
      for (let n = 1; n <= 4; n++) await five();
      expect(runs.map((run) => run.time)).toEqual([1]);
      expect(told().filter((text) => text.includes("look  done"))).toHaveLength(1);
      const kv = space();
      await kv.start();
      expect(await kv.list("schedule.")).toEqual([]);
      await kv.stop();
    });

    const TAKES_ONCE = ({ what, value = "" }: Asked) => what === "update" && value.includes('"taken"');
    const REMOVES = ({ what, key }: Asked) => what === "delete" && key.startsWith("schedule.");
    it.each([
      { where: "before it took it", when: "before", so: TAKES_ONCE, begun: 1, told: false },
      { where: "after it took it", when: "after", so: TAKES_ONCE, begun: 0, told: true },
      { where: "in the middle of it", when: undefined, so: undefined, begun: 1, told: true },
      { where: "before it took it off", when: "before", so: REMOVES, begun: 1, told: true },
      { where: "after it took it off", when: "after", so: REMOVES, begun: 1, told: false },
    ] as const)("for once are not repeated when who does them dies $where", async ({ when, so, begun, told }) => {
      space = await store.space();
      const they = await replicas(space, 3);
      const { ask, five, runs, all, alive } = they;
      await ask('at 12:05 in UTC "change prod"');
      expect(await ask("yes")).toContain("at 2026-01-01 12:05");
      for (const { kv } of all) if (when) kv.dieAt(when, (asked) => alive().length === 3 && so(asked));
      they.onBegin((by) => {
        if (when === undefined) all[by]?.kv.die();
        return undefined;
      });
      for (let n = 1; n <= 4; n++) await five();
      expect(alive()).toHaveLength(2);
      expect(runs).toHaveLength(begun);
      const words = they.told().filter((text) => text.includes("is not known"));
      expect(words).toEqual(told ? [expect.stringMatching(/It is not done again: change prod$/)] : []);
      const kv = space();
      await kv.start();
      expect(await kv.list("schedule.")).toEqual([]);
      await kv.stop();
    });
  });
});
