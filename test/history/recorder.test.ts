import { afterEach, expect, it } from "vitest";
import { silent } from "../../src/core/log.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { createChanges } from "../../src/history/changes.ts";
import { createRecorder, type Recorder } from "../../src/history/recorder.ts";
import { HISTORY_TABLES } from "../../src/history/tables.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { serviceOf } from "../core/health/fake-nodes.ts";
import { type ManualClock, manualClock } from "../fakes/clock.ts";

const running: Recorder[] = [];
afterEach(async () => {
  for (const recorder of running.splice(0)) await recorder.stop();
});

async function house(registry?: Registry) {
  const clock = manualClock();
  const db = memoryDb(HISTORY_TABLES);
  await db.start();
  const changes = createChanges({ db });
  const reg = registry ?? memoryRegistry()({ clock });
  await reg.start();
  const begin = async () => {
    const recorder = createRecorder({ registry: reg, db, changes, clock, log: silent, except: "bot" });
    running.push(recorder);
    await recorder.start();
    await pass(clock, 4000);
    return recorder;
  };
  const said = async () => (await changes.lately({ since: 0, limit: 1000 })).map(({ words }) => words).reverse();
  return { clock, registry: reg, changes, begin, said };
}

/** Work between two waits takes some turns of the loop. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let step = 0; step < 20; step++) {
    await clock.advance(ms / 20);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

const [P1, P2] = [
  serviceOf("p", { "1.0": ["10.0.0.1:1", "10.0.0.2:1"] })[0],
  serviceOf("p", { "1.1": ["10.0.0.3:1"] })[0],
];
if (P1 === undefined || P2 === undefined) throw new Error("no records");
const one = { ...P1, nodes: P1.nodes.slice(0, 1) };
const two = { ...P1, nodes: P1.nodes.slice(1, 2) };
const other = { ...P2, nodes: [{ id: "c1", address: "10.0.0.3:1", metadata: {} }] };

it("tells nothing of what was there when it was first looked, and what changes then, once it is quiet", async () => {
  const { clock, registry, begin, said, changes } = await house();
  await registry.register(one);
  await begin();
  expect(await said()).toEqual([]);
  await registry.register({ ...two, name: "bot" });
  await registry.register({ ...two, name: "topic:x" });
  await registry.register(two);
  const at = clock.now();
  await pass(clock, 2000);
  expect(await said()).toEqual([]);
  await pass(clock, 2000);
  expect(await said()).toEqual(["node a2 (1.0 at 10.0.0.2:1) came"]);
  // It happened when it was first heard of.
  expect((await changes.lately({ service: "p", since: 0, limit: 1 }))[0]?.at).toBe(at);
  await registry.deregister(two);
  await pass(clock, 4000);
  expect((await said()).at(-1)).toBe("node a2 went (was 1.0 at 10.0.0.2:1)");
});

it("makes one line of a node that is begun anew within seconds, and of one that flaps all the time", async () => {
  const { clock, registry, begin, said } = await house();
  await registry.register(one);
  await begin();
  await registry.deregister(one);
  await pass(clock, 1000);
  await registry.register(one);
  await pass(clock, 4000);
  expect(await said()).toEqual(["node a1 was away for a moment (1.0 at 10.0.0.1:1)"]);
  for (let times = 0; times < 30; times++) {
    await registry.deregister(one);
    await pass(clock, 500);
    await registry.register(one);
    await pass(clock, 500);
  }
  await pass(clock, 5000);
  // Every 15 s at most, though it is never quiet.
  expect((await said()).length).toBeLessThanOrEqual(4);
});

it("tells what happened while it was away, once", async () => {
  const { registry, begin, said } = await house();
  await registry.register(one);
  await registry.register(two);
  await (await begin()).stop();
  await registry.deregister(two);
  await registry.register(other);
  const again = await begin();
  expect(await said()).toEqual([
    "while I was away: version 1.1 came with node c1 at 10.0.0.3:1",
    "while I was away: node a2 went (was 1.0 at 10.0.0.2:1)",
  ]);
  await again.stop();
  await begin();
  expect(await said()).toHaveLength(2);
});

it("takes nothing for gone while the registry is out of reach", async () => {
  const clock = manualClock();
  const inner = memoryRegistry()({ clock });
  let lostAt: number | undefined;
  const registry: Registry = {
    ...inner,
    get lostAt() {
      return lostAt;
    },
    list: (options) => (lostAt === undefined ? inner.list(options) : Promise.resolve([])),
  };
  const { clock: ours, begin, said } = await house(registry);
  await inner.register(one);
  await inner.register(two);
  await (await begin()).stop();
  await inner.deregister(two);
  lostAt = 1;
  await begin();
  expect(await said()).toEqual([]);
  // It looks again, and finds what really went.
  lostAt = undefined;
  await pass(ours, 40_000);
  expect(await said()).toEqual(["while I was away: node a2 went (was 1.0 at 10.0.0.2:1)"]);
});
