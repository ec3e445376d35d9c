import { describe, expect, it } from "vitest";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { record, registryContract } from "../../contract/registry.contract.ts";
import { manualClock } from "../../fakes/clock.ts";

const clock = manualClock();

registryContract("memory", {
  create: async () => memoryRegistry()({ clock }),
  advance: (ms) => clock.advance(ms),
  settleMs: 50,
});

describe("memory registry", () => {
  it("has what it was given from the beginning", async () => {
    const registry = memoryRegistry({ services: [record("foo", "1", 1), record("foo", "1", 2)] })();
    expect((await registry.get("foo"))[0]?.nodes).toHaveLength(2);
  });

  it("tells watchers when a ttl is over, and stays quiet on a mere refresh", async () => {
    const registry = memoryRegistry()({ clock });
    await registry.start();
    await using watcher = await registry.watch();
    await registry.register(record("foo", "1", 1), { ttlMs: 1500 });
    await registry.register(record("foo", "1", 1), { ttlMs: 1500 });
    await registry.register(record("foo", "1", 2), { ttlMs: 60_000 });
    await clock.advance(3000);
    const seen: string[] = [];
    for await (const { action, service } of watcher) {
      seen.push(`${action} ${service.nodes.map(({ id }) => id).join(" ")}`);
      if (action === "delete") break;
    }
    expect(seen).toEqual(["create foo-1", "update foo-1 foo-2", "delete foo-1"]);
    await registry.stop();
  });
});
