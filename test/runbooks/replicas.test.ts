import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { readPolicy } from "../../src/bot/policy.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { runbooks } from "../../src/runbooks/extension.ts";
import { type Run, stateOf } from "../../src/runbooks/run.ts";
import { RUNBOOK_TABLES } from "../../src/runbooks/runs.ts";
import { folderShelf } from "../../src/runbooks/shelf.ts";
import { botOn, telling, textOf } from "../bot/run-bot.ts";
import { type MortalKv, mortalKv } from "../fakes/mortal-kv.ts";
import { type RunningStore, type Space, STORE_KINDS } from "../fakes/stores.ts";
import { ANN, book, engineOn, until, world } from "./fake.ts";

/* Runs of runbooks by replicas over every kind of store, each with records of its own, whose processes end without a good-bye. */

const FILES = {
  count: `
summary: Count each write
steps:
  - { id: look, run: look once }
  - { id: a, run: change a, rollback: change back-a }
  - { id: b, when: 'steps.look.result.what is "once"', run: change b }
  - { id: c, run: change c }
`,
  failing: `
summary: Take back
steps:
  - { id: a, run: change a, rollback: change back-a }
  - { id: b, run: change b, rollback: change back-b }
  - { id: c, run: nope c }
`,
};

const shelf = mkdtempSync(join(tmpdir(), "micro-replicas-"));
for (const [name, text] of Object.entries(FILES)) writeFileSync(join(shelf, `${name}.yaml`), text);
afterAll(() => rmSync(shelf, { recursive: true, force: true }));
const opened: { readonly kv: MortalKv; stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const { kv } of opened) kv.bury();
  await Promise.all(opened.splice(0).map((one) => one.stop()));
});
/** Under load a sync of the disk takes its time. */
const LONG = { timeout: 60_000 };

/** So many bots on one store; the first of them begins runs. `point`: where whoever drives one ends first. */
async function replicas(space: Space, count: number, point = "") {
  const writes: string[] = [];
  const first = (kv: MortalKv) => !kv.dead && all.every((one) => !one.kv.dead);
  const one = async (by: number) => {
    const kv = mortalKv(space());
    await kv.start();
    const db = memoryDb(RUNBOOK_TABLES);
    await db.start();
    const input = memoryInput();
    const never = () => new Promise<void>(() => {});
    const gone = async () => {
      if (kv.dead) await never();
    };
    const change = telling("change", { effect: "write" });
    const nope = telling("nope", { effect: "write", gate: () => Promise.reject(new Error("it cannot be done")) });
    const bot = botOn([input], {
      commands: [
        telling("look", { gate: gone }).command,
        nope.command,
        {
          ...change.command,
          run: async ({ what }) => {
            await gone();
            writes.push(what);
            if (point === `amid ${what}` && first(kv)) kv.die();
            await gone();
            return { what };
          },
        },
      ],
      policy: readPolicy("members: ['*:*']", "test"),
      limit: "none",
      drainMs: 50,
      store: kv,
      replica: { name: `r${by}`, leaseMs: 1000 },
      extensions: [
        runbooks({
          shelf: folderShelf(shelf),
          db,
          leaseMs: 1000,
          drainMs: 50,
          onPoint: (at) => {
            if (at === point && first(kv)) kv.die();
          },
        }),
      ],
    });
    await bot.start();
    const made = {
      by,
      kv,
      db,
      input,
      told: () => input.sent.map(textOf),
      stop: async () => {
        await bot.stop();
        await db.stop();
        await kv.stop();
      },
    };
    opened.push(made);
    return made;
  };
  const all: Awaited<ReturnType<typeof one>>[] = [];
  for (let by = 0; by < count; by++) all.push(await one(by));
  // Whose process ends while it is asked never answers, so who looks on is nobody of them.
  const eye = mortalKv(space());
  await eye.start();
  opened.push({ kv: eye, stop: () => eye.stop() });
  const begin = async (name: string) => {
    const { input } = all[0] as (typeof all)[number];
    input.say(`runbook run ${name}`, { from: "ann", room: "ops" });
    await expect.poll(() => textOf(input.sent.at(-1)), LONG).toContain("this changes things");
    input.say("yes", { from: "ann", room: "ops" });
  };
  /** The run as whoever lives sees it: open in the store, or ended in the records of one of them. */
  const read = async (): Promise<Run | undefined> => {
    const [open] = await eye.list("runbook.run.");
    if (open) return JSON.parse(open.value) as Run;
    for (const { db } of all.filter((each) => !each.kv.dead)) {
      const { records } = await db.search("runs", { limit: 1 });
      if (records[0]) return JSON.parse(records[0].value) as Run;
    }
    return undefined;
  };
  const until = async (so: (run: Run) => boolean): Promise<Run> => {
    const limit = performance.now() + 30_000;
    for (;;) {
      const run = await read();
      if (run && so(run)) return run;
      if (performance.now() > limit)
        throw new Error(
          `${point}: ${JSON.stringify(run, undefined, 1)}\n${all.flatMap((each) => each.told()).join("\n")}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const survivor = () => all.filter(({ kv }) => !kv.dead).at(-1) as (typeof all)[number];
  return { all, writes, begin, until, survivor };
}

/** All points where a driver may die; over what differs from those only in how it is asked, the first of each kind. */
const pointsFor = <T>(kind: string, points: readonly T[]): readonly T[] =>
  ["memory", "nats"].includes(kind) ? points : points.slice(0, 1);

const settled = (run: Run) => run.endedAt !== undefined || stateOf(run).startsWith("unknown");

describe.each(STORE_KINDS)("runs of replicas over $kind", LONG, ({ kind, has, start }) => {
  describe.skipIf(!has)(`a store${has ? "" : ` (skipped: ${kind} is not installed)`}`, () => {
    let store: RunningStore;
    beforeAll(async () => {
      store = await start();
    }, 60_000);
    afterAll(() => store?.stop());

    it("are as large as they may be, and end", async () => {
      const it_ = world();
      const kv = (await store.space())();
      let largest = 0;
      const engine = await engineOn(it_, {
        leaseMs: 10_000,
        kv: {
          ...kv,
          update: (key, value, ...rest) => {
            largest = Math.max(largest, Buffer.byteLength(value));
            return kv.update(key, value, ...rest);
          },
        },
      });
      opened.push({ kv: mortalKv(kv), stop: () => engine.stop().then(() => kv.stop()) });
      const wide = "語".repeat(110);
      // Real disks take their time: there it is a few large steps, more than one transaction of Consul's can carry.
      const [many, long] = kind === "memory" ? [49, 1000] : [6, 7000];
      const found = { v: "語".repeat(long) };
      const ids = Array.from({ length: many }, (_, n) => `s${n}`);
      for (const id of ids) it_.answers.set(`look ${id}${wide}`, () => found);
      for (const id of ids) it_.answers.set(`do back-${id}${wide}`, () => found);
      it_.answers.set("do last", () => Promise.reject(new Error("it cannot be done")));
      const text = [
        "summary: x",
        "parameters: { much: {} }",
        "steps:",
        ...ids.map((id) => `  - { id: ${id}, run: look ${id}${wide}, rollback: do back-${id}${wide} }`),
        `  - { id: last, run: do last, when: '${ids
          .slice(0, 6)
          .map((id) => `not steps.${id}.result.v is ""`)
          .join(" and ")}' }`,
        "on failure:",
        ...ids.map((id) => `  - { run: look ${id}${wide} }`),
      ].join("\n");
      const begin = (much: number) => engine.begin(book(text), { much: "x".repeat(much) }, ANN);
      const refused = await begin(192 << 10).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining("nothing was begun"),
      });
      const most = Number(/more than (\d+) KB/.exec(String(refused))?.[1]) << 10;
      const run = await begin(most - Buffer.byteLength(JSON.stringify(text)) - 1000);
      const over = await until(engine, run.id, (one) => one.endedAt !== undefined, 50_000);
      expect(over.records.filter(({ state }) => state !== "done").map(({ step }) => step)).toEqual(["last"]);
      expect(over.records).toHaveLength(many * 3 + 1);
      expect(largest).toBeGreaterThan(256 << 10);
      expect(largest).toBeLessThanOrEqual(512 << 10);
    });

    it.each(
      pointsFor(kind, [
        { file: "count", point: "done a steps", count: 3 },
        { file: "count", point: "before begun b steps", count: 2 },
        { file: "count", point: "begun look steps", count: 2 },
        { file: "count", point: "ending", count: 2 },
        { file: "failing", point: "done b rollback", count: 3 },
      ] as const),
    )("go on at another when who drives them dies at: $point", async ({ file, point, count }) => {
      const { writes, begin, until, all, survivor } = await replicas(await store.space(), count, point);
      await begin(file);
      const run = await until(settled);
      expect(all.filter(({ kv }) => kv.dead)).toHaveLength(1);
      expect({ state: stateOf(run), writes }).toEqual(
        file === "count"
          ? { state: "done", writes: ["a", "b", "c"] }
          : { state: "failed", writes: ["a", "b", "back-b", "back-a"] },
      );
      const { input, told } = survivor();
      if (count === 2)
        await expect.poll(told, LONG).toContainEqual(expect.stringMatching(/: I go on with it after a restart/));
      // Whoever is asked knows how it ended.
      for (const one of all.filter(({ kv }) => !kv.dead)) {
        const before = one.input.sent.length;
        // What two of them hear by one id is one message.
        one.input.say(`runbook status ${run.id}`, { from: "ann", room: "elsewhere", id: `status-${one.by}` });
        await expect.poll(() => one.told().slice(before).join("\n"), LONG).toContain(`${run.id}): ${run.outcome}`);
      }
      expect(input.sent.filter((message) => textOf(message).includes("I go on with it")).length).toBeLessThan(2);
    });

    it.each(
      pointsFor(kind, [
        { file: "count", point: "amid b", step: "b", before: ["a", "b"] },
        { file: "count", point: "begun b steps", step: "b", before: ["a"] },
        { file: "count", point: "performed b steps", step: "b", before: ["a", "b"] },
        { file: "failing", point: "amid back-b", step: "back-b", before: ["a", "b", "back-b"] },
      ] as const),
    )("ask and repeat no write when who drives them dies at: $point", async ({ file, point, step, before }) => {
      const { writes, begin, until, survivor } = await replicas(await store.space(), 3, point);
      await begin(file);
      const run = await until(settled);
      expect({ state: stateOf(run), writes }).toEqual({ state: "unknown, not repeated", writes: before });
      const wasDone = writes.includes(step);
      survivor().input.say(`runbook resume ${run.id} --as ${wasDone ? "done" : "again"}`, {
        from: "ann",
        room: "ops",
        id: "resume",
      });
      const over = await until((one) => one.endedAt !== undefined);
      expect({ outcome: over.outcome, writes }).toEqual(
        file === "count"
          ? { outcome: "done", writes: ["a", "b", "c"] }
          : { outcome: "failed", writes: ["a", "b", "back-b", "back-a"] },
      );
    });
  });
});
