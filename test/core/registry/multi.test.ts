import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { getService } from "../../../src/commands/get-service.ts";
import type { Log } from "../../../src/core/log.ts";
import { silent } from "../../../src/core/log.ts";
import { cached } from "../../../src/core/registry/cache.ts";
import { joinRecords } from "../../../src/core/registry/join.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { multiRegistry } from "../../../src/core/registry/multi.ts";
import type { Registry, RegistryEvent, Watcher } from "../../../src/core/registry/registry.ts";
import { writeService } from "../../../src/core/wire/record.ts";
import { record, registryContract, rich } from "../../contract/registry.contract.ts";
import { manualClock } from "../../fakes/clock.ts";
import { flakyRegistry } from "../../fakes/flaky-registry.ts";

const clock = manualClock();

registryContract("multi", {
  create: async () => multiRegistry([memoryRegistry()({ clock }), flakyRegistry(memoryRegistry()({ clock }))])(),
  advance: (ms) => clock.advance(ms),
  settleMs: 2000,
});

registryContract("multi of cached", {
  create: async () => multiRegistry([cached(memoryRegistry()({ clock })), cached(flakyRegistry(memoryRegistry()()))])(),
  advance: (ms) => clock.advance(ms),
  settleMs: 2000,
  without: { ttl: "the caches behind it run on two clocks here" },
});

/** Two registries, of which the second can be lost. */
function two(log: Log = silent) {
  const first = memoryRegistry()();
  const inner = memoryRegistry()();
  const second = flakyRegistry(inner);
  return { first, inner, second, multi: multiRegistry([first, second])({ log }) };
}

describe("several registries", () => {
  it("joins by name, version and node id, and says where each node was found", async () => {
    const { first, second, multi } = two();
    const more = { ...record("foo", "1", 1), endpoints: rich("foo", "1").endpoints };
    await first.register(record("foo", "1", 1));
    await first.register(record("foo", "1", 2));
    await second.register(more);
    await second.register(record("foo", "2", 1));
    await second.register(record("bar", "1", 1));
    const versions = await multi.get("foo");
    expect(
      versions.map(({ version, nodes }) => [version, ...nodes.map(({ id, origin }) => `${id}: ${origin}`)]),
    ).toEqual([
      ["1", "foo-1: memory, flaky", "foo-2: memory"],
      ["2", "foo-1: flaky"],
    ]);
    expect(versions[0]?.endpoints).toEqual(more.endpoints);
    expect(await multi.list()).toEqual(["bar", "foo"]);
    expect(await multi.get("foo")).toBe(await multi.get("foo"));
  });

  it("keeps the metadata that a node was registered with, and sends no origin anywhere", async () => {
    const { first, second, multi } = two();
    const service = rich("foo", "1");
    await second.register(service);
    const [found] = await multi.get("foo");
    expect(found?.nodes[0]).toEqual({ ...service.nodes[0], origin: "flaky" });
    expect(JSON.stringify(writeService(found!))).not.toContain("origin");
    await multi.register(found!);
    expect(await first.get("foo")).toEqual([service]);
  });

  it("names two registries of one kind by where they are", async () => {
    const multi = multiRegistry([memoryRegistry()(), memoryRegistry()()])();
    await multi.register(record("foo", "1", 1));
    expect((await multi.get("foo"))[0]?.nodes[0]?.origin).toBe("this process's memory, this process's memory");
  });

  it("shows where a node was found in get service, and only then", async () => {
    const { first, second, multi } = two();
    await first.register(record("foo", "1", 1));
    await second.register(record("foo", "1", 2));
    const show = async (registry: Registry) => {
      const context = { registry, clock, signal: new AbortController().signal };
      const result = await getService.run({ service: "foo" }, context as never);
      return JSON.stringify(getService.view?.(result as never, {} as never));
    };
    expect(await show(multi)).toContain("Metadata\\tRegistry\\nfoo-1\\t127.0.0.1\\t9001\\tprotocol=mucp\\tmemory\\n");
    expect(await show(first)).toContain("Metadata\\nfoo-1\\t127.0.0.1\\t9001\\tprotocol=mucp");
  });

  it("goes on when one is lost: others answer, the lost one is named, with one warning", async () => {
    const warned: object[] = [];
    const { first, second, multi } = two({ ...silent, warn: (fields) => void warned.push(fields) });
    await first.register(record("foo", "1", 1));
    await second.register(record("bar", "1", 1));
    second.lose();
    for (let i = 0; i < 3; i += 1) expect(await multi.list()).toEqual(["foo"]);
    expect(await multi.get("foo")).toHaveLength(1);
    expect(multi.lostWhere).toBe("a flaky place");
    expect(multi.lostAt).toBeDefined();
    expect(warned).toHaveLength(1);
    await expect(multi.get("bar")).rejects.toMatchObject({ code: "unavailable" });
    await expect(multi.get("bar")).rejects.toThrow(/"bar".*a flaky place/);
    second.find();
    expect(await multi.list()).toEqual(["bar", "foo"]);
    expect(multi.lostWhere).toBeUndefined();
    expect(multi.lostAt).toBeUndefined();
    await expect(multi.get("nobody")).rejects.toMatchObject({ code: "not_found" });
  });

  it("fails when all are lost", async () => {
    const { first, second } = two();
    const third = flakyRegistry(first);
    const multi = multiRegistry([second, third])();
    second.lose();
    third.lose();
    const gone = { code: "unavailable" };
    await expect(multi.list()).rejects.toMatchObject(gone);
    await expect(multi.get("foo")).rejects.toMatchObject(gone);
    await expect(multi.watch()).rejects.toMatchObject(gone);
    await expect(multi.register(record("foo", "1", 1))).rejects.toMatchObject(gone);
    await multi.stop();
  });

  it("registers where it can, and says when a node could not be taken out everywhere", async () => {
    const { first, inner, second, multi } = two();
    second.lose();
    await multi.register(record("foo", "1", 1));
    expect(await first.get("foo")).toHaveLength(1);
    second.find();
    await multi.register(record("foo", "1", 1));
    expect(await inner.get("foo")).toHaveLength(1);
    second.lose();
    await expect(multi.deregister(record("foo", "1", 1))).rejects.toMatchObject({ code: "unavailable" });
    await expect(first.get("foo")).rejects.toMatchObject({ code: "not_found" });
  });

  it("does not wait longer than asked for one that is frozen", async () => {
    const { first } = two();
    const frozen: Registry = {
      ...memoryRegistry()(),
      kind: "frozen",
      list: ({ timeoutMs = 0 } = {}) => memoryTimeout(timeoutMs),
    };
    await first.register(record("foo", "1", 1));
    const multi = multiRegistry([frozen, first])();
    expect(await multi.list({ timeoutMs: 300 })).toEqual(["foo"]);
  });

  it("tells a watcher of the sum: a node that another registry still has did not go", async () => {
    const { first, second, multi } = two();
    await multi.start();
    await first.register(record("old", "1", 1));
    const watcher = await multi.watch();
    expect([...(watcher.initial?.keys() ?? [])]).toEqual(["old"]);
    const seen = read(watcher);
    await multi.register(record("foo", "1", 1));
    await within(2000, async () => expect(seen.at(-1)).toBe("update foo-1@memory, flaky"));
    await first.deregister(record("foo", "1", 1));
    await within(2000, async () => expect(seen.at(-1)).toBe("update foo-1@flaky"));
    expect(seen.some((line) => line.startsWith("delete"))).toBe(false);
    await second.deregister(record("foo", "1", 1));
    await within(2000, async () => expect(seen.at(-1)).toBe("delete foo-1@flaky"));
    await multi.stop();
  });

  it("keeps what a lost registry said until it is back, and then tells the difference", async () => {
    const { inner, second, multi } = two();
    await second.register(record("stays", "1", 1));
    await second.register(record("goes", "1", 1));
    const watcher = await multi.watch();
    const seen = read(watcher);
    second.lose();
    await within(2000, async () => expect(multi.lostWhere).toBe("a flaky place"));
    await inner.deregister(record("goes", "1", 1));
    await inner.register(record("comes", "1", 1));
    await sleep(100);
    expect(seen).toEqual([]);
    second.find();
    await within(5000, async () => expect([...seen].sort()).toEqual(["create comes-1@flaky", "delete goes-1@flaky"]));
    await multi.stop();
  });

  it("starts and watches while one is down, and takes it in when it comes", async () => {
    const { inner, second, multi } = two();
    await inner.register(record("late", "1", 1));
    second.lose();
    await multi.start();
    const watcher = await multi.watch();
    const seen = read(watcher);
    second.find();
    await within(5000, async () => expect(seen).toEqual(["create late-1@flaky"]));
    await multi.stop();
  });

  it("ends its watches when the last registry is lost", async () => {
    const second = flakyRegistry(memoryRegistry()());
    const multi = multiRegistry([second])();
    const watcher = await multi.watch();
    const ended = expect(
      (async () => {
        for await (const _ of watcher);
      })(),
    ).rejects.toMatchObject({ code: "unavailable" });
    second.lose();
    await ended;
    await multi.stop();
  });

  it("answers from memory what a lost one of several cached ones knew", async () => {
    const inner = memoryRegistry()();
    const flaky = flakyRegistry(inner);
    const multi = multiRegistry([cached(memoryRegistry()()), cached(flaky)])();
    await inner.register(record("foo", "1", 1));
    await multi.start();
    expect(await multi.get("foo")).toHaveLength(1);
    expect(multi.peek?.("foo")).toBe(await multi.get("foo"));
    flaky.lose();
    await within(2000, async () => expect(multi.lostWhere).toBe("a flaky place"));
    expect(await multi.get("foo")).toHaveLength(1);
    expect(await multi.list()).toEqual(["foo"]);
    await multi.stop();
  });

  it("reads 10,000 services from each of two and looks one up without joining again", async () => {
    const services = Array.from({ length: 10_000 }, (_, n) => record(`service-${n}`, "1", 1));
    const multi = multiRegistry([memoryRegistry({ services })(), memoryRegistry({ services })()])();
    const began = performance.now();
    const watcher = await multi.watch();
    expect(watcher.initial?.size).toBe(10_000);
    expect(performance.now() - began).toBeLessThan(10_000);
    multi.peek?.("service-7");
    const from = performance.now();
    for (let i = 0; i < 100_000; i += 1) multi.peek?.("service-7");
    expect(performance.now() - from).toBeLessThan(5000);
    await multi.stop();
  });

  it("needs at least one", () => {
    expect(() => multiRegistry([])).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
});

describe("records joined", () => {
  it("are the same objects again when nothing changed", () => {
    const all = [record("foo", "1", 1), record("foo", "2", 2)];
    const before = joinRecords(all);
    expect(joinRecords([record("foo", "1", 1), record("foo", "2", 2)], before)).toBe(before);
    const after = joinRecords([record("foo", "1", 1), record("foo", "2", 3)], before);
    expect(after[0]).toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
    expect(joinRecords([{ ...record("foo", "1", 1), nodes: [] }])).toEqual([]);
  });
});

function read(watcher: Watcher): string[] {
  const seen: string[] = [];
  const line = ({ action, service }: RegistryEvent) =>
    `${action} ${service.nodes.map(({ id, origin }) => `${id}@${origin}`).join(" ")}`;
  void (async () => {
    for await (const event of watcher) seen.push(line(event));
  })().catch(() => {}); // stopping ends it
  return seen;
}

async function memoryTimeout(timeoutMs: number): Promise<never> {
  await sleep(timeoutMs);
  throw Object.assign(new Error("late"), { name: "TimeoutError" });
}

/** Asks again until it says so. */
async function within(ms: number, check: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + ms;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(20);
    }
  }
}
