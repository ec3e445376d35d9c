import { describe, expect, it } from "vitest";
import { orAbort } from "../../../src/core/deadline.ts";
import { cached } from "../../../src/core/registry/cache.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { RegistryEvent } from "../../../src/core/registry/registry.ts";
import { record, registryContract } from "../../contract/registry.contract.ts";
import { manualClock } from "../../fakes/clock.ts";
import { flakyRegistry } from "../../fakes/flaky-registry.ts";

{
  const clock = manualClock();
  registryContract("cached(memory)", {
    create: async () => cached(memoryRegistry()({ clock }), { clock }),
    advance: (ms) => clock.advance(ms),
    settleMs: 500,
  });
}

describe("registry cache", () => {
  const setup = (options: { maxAgeMs?: number; deaf?: boolean } = {}) => {
    const clock = manualClock();
    const memory = memoryRegistry()({ clock });
    const backend = flakyRegistry(memory, options);
    return { clock, memory, backend, cache: cached(backend, { clock }) };
  };

  it("reads everything once, then answers without asking", async () => {
    const { memory, backend, cache } = setup();
    for (let n = 0; n < 50; n += 1) await memory.register(record(`service-${n}`, "1", n));
    await cache.start();
    const after = { ...backend.calls };
    for (let n = 0; n < 50; n += 1) await cache.get(`service-${n}`);
    expect(await cache.list()).toHaveLength(50);
    await expect(cache.get("nobody")).rejects.toMatchObject({ code: "not_found" });
    expect(after).toEqual({ get: 50, list: 1, watch: 1 });
    expect(backend.calls).toEqual(after);
    await cache.stop();
  });

  it("hands out the same frozen lists until something changes", async () => {
    const { clock, memory, cache } = setup();
    await memory.register(record("foo", "1", 1));
    await cache.start();
    const [names, versions] = [await cache.list(), await cache.get("foo")];
    expect(Object.isFrozen(names) && Object.isFrozen(versions) && Object.isFrozen(versions[0]?.nodes)).toBe(true);
    expect(await cache.list()).toBe(names);
    expect(await cache.get("foo")).toBe(versions);
    await memory.register(record("foo", "1", 2));
    await clock.advance(0);
    expect(await cache.list()).toBe(names);
    expect(await cache.get("foo")).not.toBe(versions);
    await memory.register(record("bar", "1", 1));
    await clock.advance(0);
    expect(await cache.list()).toEqual(["bar", "foo"]);
    await cache.stop();
  });

  it("starts with the backend down, says so, and comes up by itself", async () => {
    const { clock, memory, backend, cache } = setup();
    await memory.register(record("foo", "1", 1));
    backend.lose();
    await cache.start();
    expect(cache.lostAt).toBe(clock.now());
    await expect(cache.list()).rejects.toMatchObject({ code: "unavailable" });
    await expect(cache.get("foo")).rejects.toThrow(/a flaky place/);
    backend.find();
    await clock.advance(1000);
    expect(cache.lostAt).toBeUndefined();
    expect(await cache.list()).toEqual(["foo"]);
    await cache.stop();
  });

  it("resolves start() at its deadline when the backend hangs, and goes on trying", async () => {
    const clock = manualClock();
    const memory = memoryRegistry({ services: [record("foo", "1", 1)] })({ clock });
    let answer = () => {};
    const hung = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const list: typeof memory.list = async (options) => {
      await hung;
      return memory.list(options);
    };
    const cache = cached({ ...memory, list }, { clock });
    await cache.start({ timeoutMs: 20 });
    expect(cache.lostAt).toBeDefined();
    await expect(cache.get("foo")).rejects.toMatchObject({ code: "unavailable" });
    answer();
    await clock.advance(0);
    expect(await cache.list()).toEqual(["foo"]);
    expect(cache.lostAt).toBeUndefined();
    await cache.stop();
  });

  it("answers what it knew while the backend is away, and tells watchers the difference when it is back", async () => {
    const { clock, memory, backend, cache } = setup();
    await memory.register(record("stays", "1", 1));
    await memory.register(record("goes", "1", 2));
    await cache.start();
    await using watcher = await cache.watch();
    const lostFrom = clock.now();
    backend.lose();
    await clock.advance(10);
    expect(cache.lostAt).toBe(lostFrom);
    await clock.advance(60_000);
    expect(cache.lostAt).toBe(lostFrom);
    expect(await cache.list()).toEqual(["goes", "stays"]);
    expect((await cache.get("goes"))[0]?.nodes).toHaveLength(1);
    await expect(cache.get("never-seen")).rejects.toMatchObject({ code: "unavailable" });
    await memory.deregister(record("goes", "1", 2));
    await memory.register(record("comes", "1", 3));
    backend.find();
    await clock.advance(6000);
    expect(cache.lostAt).toBeUndefined();
    expect(await cache.list()).toEqual(["comes", "stays"]);
    expect(await take(watcher, 2)).toEqual(["delete goes goes-2", "create comes comes-3"]);
    await cache.stop();
  });

  it("tries again with growing pauses while the backend is away", async () => {
    const { clock, backend, cache } = setup();
    backend.lose();
    await cache.start();
    await clock.advance(10 * 60_000);
    // Five seconds at most and two and a half at least, once it has been away for a while.
    expect(backend.calls.watch).toBeGreaterThan(115);
    expect(backend.calls.watch).toBeLessThan(260);
    await cache.stop();
    expect(clock.sleepers).toBe(0);
  });

  it("fails start() with cancelled when its signal aborts, and holds nothing then", async () => {
    const clock = manualClock();
    const memory = memoryRegistry()({ clock });
    const controller = new AbortController();
    const never: typeof memory.list = (options = {}) => orAbort(new Promise(() => {}), options.signal ?? NEVER);
    const cache = cached({ ...memory, list: never }, { clock });
    const starting = cache.start({ signal: controller.signal });
    controller.abort();
    await expect(starting).rejects.toMatchObject({ code: "cancelled" });
    expect(clock.sleepers).toBe(0);
  });

  it("says that it is not started", async () => {
    const { cache } = setup();
    await expect(cache.list()).rejects.toThrow(/not started/);
  });

  describe("in front of a registry that does not tell departures", () => {
    const silent = { maxAgeMs: 120_000, deaf: true };

    it("drops a node that stays silent for as long as its record was good for", async () => {
      const { clock, memory, cache } = setup(silent);
      await memory.register(record("foo", "1", 1));
      await memory.register(record("foo", "1", 2));
      await cache.start();
      await memory.deregister(record("foo", "1", 2)); // killed: no goodbye is heard
      await clock.advance(100_000);
      expect((await cache.get("foo"))[0]?.nodes.map(({ id }) => id)).toEqual(["foo-1", "foo-2"]);
      await clock.advance(21_000);
      expect((await cache.get("foo"))[0]?.nodes.map(({ id }) => id)).toEqual(["foo-1"]);
      await memory.deregister(record("foo", "1", 1));
      await clock.advance(121_000);
      expect(await cache.list()).toEqual([]);
      await cache.stop();
    });

    it("drops it sooner when it is used, since each use asks again", async () => {
      const { clock, memory, cache } = setup(silent);
      await memory.register(record("foo", "1", 1));
      await cache.start();
      await memory.deregister(record("foo", "1", 1));
      for (let i = 0; i < 4; i += 1) {
        await cache.get("foo").catch(() => {});
        await clock.advance(10_001);
      }
      expect(await cache.list()).toEqual([]);
      await cache.stop();
    });

    it("asks once, for all who wait, about a name that it does not know", async () => {
      const { memory, backend, cache } = setup(silent);
      await cache.start();
      await memory.register(record("new", "1", 1));
      const before = backend.calls.get;
      const answers = await Promise.all([cache.get("new"), cache.get("new"), cache.get("new")]);
      expect(answers.every(([first]) => first?.nodes[0]?.id === "new-1")).toBe(true);
      expect(backend.calls.get - before).toBe(1);
      expect(await cache.list()).toEqual(["new"]);
      await expect(cache.get("nobody")).rejects.toMatchObject({ code: "not_found" });
      await cache.stop();
    });

    it("finds newcomers whose announcement was lost", async () => {
      const { clock, memory, cache } = setup(silent);
      await cache.start();
      await memory.register(record("new", "1", 1));
      await clock.advance(41_000);
      expect(await cache.list()).toEqual(["new"]);
      await cache.stop();
    });
  });
});

const NEVER = new AbortController().signal;

async function take(events: AsyncIterable<RegistryEvent>, count: number): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const { action, service } of events) {
    seen.push([action, service.name, ...service.nodes.map(({ id }) => id)].join(" "));
    if (seen.length === count) break;
  }
  return seen;
}
