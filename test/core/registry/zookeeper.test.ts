import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Log } from "../../../src/core/log.ts";
import { silent } from "../../../src/core/log.ts";
import { cached } from "../../../src/core/registry/cache.ts";
import type { Registry, RegistryEvent } from "../../../src/core/registry/registry.ts";
import { zookeeperRegistry } from "../../../src/core/registry/zookeeper.ts";
import { openZookeeper } from "../../../src/core/registry/zookeeper-session.ts";
import { record, registryContract, rich } from "../../contract/registry.contract.ts";
import { hasZookeeper, startZookeeper, type ZookeeperServer } from "../../fakes/zookeeper-server.ts";

const skipped = hasZookeeper ? "" : " (skipped: zookeeper is not installed)";

describe.skipIf(!hasZookeeper)(`zookeeper, a real server${skipped}`, () => {
  let server: ZookeeperServer;
  beforeAll(async () => {
    server = await startZookeeper();
  }, 90_000);
  afterAll(() => server?.stop());

  const make = (log: Log = silent) => zookeeperRegistry({ addresses: [server.address] })({ log });

  registryContract("zookeeper", {
    create: async () => make(),
    advance: (ms) => sleep(ms),
    settleMs: 5000,
    without: { ttl: "persistent znodes have none, wire.md §2.8" },
  });

  it("writes what Go writes, where Go looks for it", async () => {
    const registry = make();
    const service = { ...record("go/micro", "1", 1), nodes: [{ id: "a/b", address: "10.0.0.5:9090", metadata: {} }] };
    await registry.register(service);
    const zk = await openZookeeper(server.address, 5000);
    expect(await zk.children("/micro-registry/go-micro")).toEqual(["a-b"]);
    expect(JSON.parse(String(await zk.read("/micro-registry/go-micro/a-b")))).toEqual({
      name: "go/micro",
      version: "1",
      metadata: {},
      endpoints: [],
      nodes: [{ id: "a/b", address: "10.0.0.5:9090", metadata: {} }],
    });
    expect(await registry.list()).toContain("go/micro");
    expect(await registry.get("go/micro")).toEqual([service]);
    await expect(registry.get("go-micro")).rejects.toMatchObject({ code: "not_found" });
    await registry.deregister(service);
    await zk.close();
    await registry.stop();
  });

  it("reads what Go wrote", async () => {
    const zk = await openZookeeper(server.address, 5000);
    const text =
      '{"name":"gone","version":"1","metadata":null,"endpoints":null,"nodes":[{"id":"gone-1","address":"10.0.0.5","port":9090,"metadata":null}]}';
    await zk.write("/micro-registry/gone/gone-1", Buffer.from(text));
    const registry = make();
    expect((await registry.get("gone"))[0]?.nodes).toEqual([{ id: "gone-1", address: "10.0.0.5:9090", metadata: {} }]);
    await zk.remove("/micro-registry/gone/gone-1");
    await zk.close();
    await registry.stop();
  });

  it("passes over garbage, with one warning for each place", async () => {
    const zk = await openZookeeper(server.address, 5000);
    await zk.write("/micro-registry/rubbish/not-json", Buffer.from("<html>"));
    await zk.write("/micro-registry/rubbish/empty", Buffer.alloc(0));
    await zk.write("/micro-registry/rubbish/other", Buffer.from(JSON.stringify(record("elsewhere", "1", 1))));
    await zk.write("/micro-registry/rubbish/rubbish-1", Buffer.from(JSON.stringify(record("rubbish", "1", 1))));
    const warned: string[] = [];
    const warn = (fields: object) => void warned.push((fields as { place: string }).place);
    const registry = make({ ...silent, warn });
    const watcher = await registry.watch();
    expect(watcher.initial?.get("rubbish")?.[0]?.nodes.map(({ id }) => id)).toEqual(["rubbish-1"]);
    expect(watcher.initial?.has("elsewhere")).toBe(false);
    for (let i = 0; i < 3; i += 1) {
      expect((await registry.get("rubbish"))[0]?.nodes).toHaveLength(1);
      expect(await registry.list()).toContain("rubbish");
    }
    expect(warned.sort()).toEqual(["empty", "not-json", "other"].map((each) => `/micro-registry/rubbish/${each}`));
    for (const node of (await zk.children("/micro-registry/rubbish")) ?? []) {
      await zk.remove(`/micro-registry/rubbish/${node}`);
    }
    await zk.close();
    await registry.stop();
  });

  it("keeps what a process registered that died without a word", async () => {
    const registry = make();
    await registry.register(record("left", "1", 1), { ttlMs: 1000 });
    await registry.stop();
    const other = make();
    expect(await other.list()).toContain("left");
    await other.deregister(record("left", "1", 1));
    await other.stop();
  });

  it("tells a watcher of changes, once each, and of no mere refresh", async () => {
    const registry = make();
    const watcher = await registry.watch({ service: "seen" });
    const seen: RegistryEvent[] = [];
    const done = (async () => {
      for await (const event of watcher) seen.push(event);
    })().catch(() => {}); // stopping ends it
    const before = record("seen", "1", 1);
    const after = { ...before, nodes: before.nodes.map((node) => ({ ...node, metadata: { az: "b" } })) };
    await registry.register(before);
    await within(5000, async () => expect(seen).toHaveLength(1));
    await registry.register(before);
    await registry.register(before);
    await registry.register(after);
    await within(5000, async () => expect(seen).toHaveLength(2));
    await registry.register(record("seen", "1", 2));
    await within(5000, async () => expect(seen).toHaveLength(3));
    await registry.deregister(after);
    await within(5000, async () => expect(seen).toHaveLength(4));
    await registry.deregister(record("seen", "1", 2));
    await within(5000, async () => expect(seen).toHaveLength(5));
    expect(seen.map(({ action, service }) => `${action} ${service.nodes.map(({ id }) => id)}`)).toEqual([
      "create seen-1",
      "update seen-1",
      "update seen-1,seen-2",
      "delete seen-1",
      "delete seen-2",
    ]);
    await registry.stop();
    await done;
  });

  it("misses nothing of many changes that follow each other", async () => {
    const registry = make();
    const cache = cached(make());
    await cache.start();
    for (let round = 0; round < 30; round += 1) {
      await registry.register(record("flapping", "1", 1));
      await registry.register(record("flapping", "1", 2));
      await registry.deregister(record("flapping", "1", 1));
    }
    await within(5000, async () => expect(await idsOf(cache, "flapping")).toEqual(["flapping-2"]));
    await registry.deregister(record("flapping", "1", 2));
    await within(5000, async () => expect(await cache.list()).not.toContain("flapping"));
    await cache.stop();
    await registry.stop();
  });
});

describe.skipIf(!hasZookeeper)(`a ZooKeeper server that fails${skipped}`, () => {
  it("answers from memory while it is killed, and is true again after a restart, also an empty one", async () => {
    const server = await startZookeeper();
    const registry = zookeeperRegistry({ addresses: [server.address] })();
    const cache = cached(zookeeperRegistry({ addresses: [server.address] })());
    await registry.register(record("mine", "1", 1));
    await registry.register(rich("other", "1"));
    await cache.start();
    expect(await cache.list()).toEqual(["mine", "other"]);
    await server.kill();
    await within(5000, async () => expect(cache.lostAt).toBeDefined());
    expect(await cache.list()).toEqual(["mine", "other"]);
    await expect(registry.register(record("mine", "1", 1))).rejects.toMatchObject({ code: "unavailable" });
    await expect(registry.list()).rejects.toThrow(server.address);

    await server.restart();
    await within(20_000, async () => expect(cache.lostAt).toBeUndefined());
    expect(await cache.list()).toEqual(["mine", "other"]);
    await registry.register(record("third", "1", 1));
    await within(5000, async () => expect(await cache.list()).toEqual(["mine", "other", "third"]));

    await server.kill();
    await server.restart({ empty: true });
    await within(20_000, async () => expect(await cache.list().catch(() => ["?"])).toEqual([]));
    // A heartbeat finds its znode gone and writes it again.
    await registry.register(record("mine", "1", 1));
    await within(5000, async () => expect(await cache.list()).toEqual(["mine"]));
    await cache.stop();
    await registry.stop();
    await server.stop();
  }, 120_000);

  it("gives up in time when the server is frozen, and a watch notices", async () => {
    const server = await startZookeeper();
    const registry = zookeeperRegistry({ addresses: [server.address], timeoutMs: 500 })();
    const quick = { now: Date.now, sleep: (ms: number, o?: { signal?: AbortSignal }) => sleepUpTo(ms / 20, o) };
    const watching = zookeeperRegistry({ addresses: [server.address] })({ clock: quick });
    const watcher = await watching.watch();
    const ended = expect(
      (async () => {
        for await (const _ of watcher);
      })(),
    ).rejects.toMatchObject({ code: "unavailable" });
    await registry.list();
    server.freeze();
    await expect(registry.list()).rejects.toMatchObject({ code: "timeout" });
    await expect(registry.get("foo", { timeoutMs: 100 })).rejects.toMatchObject({ code: "timeout" });
    await ended;
    server.thaw();
    await within(20_000, async () => expect(await registry.list()).toEqual([]));
    await watching.stop();
    await registry.stop();
    await server.stop();
  }, 60_000);

  it("reads 10,000 services in one pass and follows each of them", async () => {
    const server = await startZookeeper();
    const zk = await openZookeeper(server.address, 5000);
    const names = Array.from({ length: 10_000 }, (_, n) => `service.${String(n).padStart(5, "0")}`);
    for (let at = 0; at < names.length; at += 500) {
      await Promise.all(
        names
          .slice(at, at + 500)
          .map((name) =>
            zk.write(`/micro-registry/${name}/${name}-1`, Buffer.from(JSON.stringify(record(name, "1", 1)))),
          ),
      );
    }
    const registry = zookeeperRegistry({ addresses: [server.address] })();
    expect(await registry.list({ timeoutMs: 60_000 })).toEqual(names);
    const cache = cached(zookeeperRegistry({ addresses: [server.address] })());
    const began = performance.now();
    await cache.start({ timeoutMs: 60_000 });
    const startMs = performance.now() - began;
    expect(await cache.list()).toEqual(names);
    await registry.deregister(record("service.07777", "1", 1));
    await registry.register(record("service.00007", "1", 2));
    await within(5000, async () => expect(await cache.list()).toHaveLength(9999));
    await within(5000, async () => expect(await idsOf(cache, "service.00007")).toHaveLength(2));
    expect(startMs).toBeLessThan(60_000);
    await cache.stop();
    await registry.stop();
    await zk.close();
    await server.stop();
  }, 180_000);
});

describe("a ZooKeeper server that is none", () => {
  it("says where and what to look at when nobody is there", async () => {
    const registry = zookeeperRegistry({ addresses: ["127.0.0.1:1"] })();
    await expect(registry.list()).rejects.toMatchObject({ code: "unavailable" });
    await expect(registry.list()).rejects.toThrow("127.0.0.1:1");
    await expect(registry.watch()).rejects.toMatchObject({ code: "unavailable" });
    await registry.stop();
  });

  it.each([
    ["silence", ""],
    ["HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["a frame of another shape", "\0\0\0\u0004\0\0\0\0"],
    ["a frame of negative length", "\u00ff\u00ff\u00ff\u00ff\0\0\0\0"],
  ])("ends in time when it answers with %s", async (_, text) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("data", () => socket.write(Buffer.from(text, "latin1")));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const registry = zookeeperRegistry({ addresses: [address], timeoutMs: 400 })();
    const failure = { code: expect.stringMatching(/unavailable|timeout/) };
    await expect(registry.list()).rejects.toMatchObject(failure);
    await expect(registry.watch({ timeoutMs: 700 })).rejects.toMatchObject(failure);
    await registry.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });

  it("goes to the next server when the first cannot be reached", async () => {
    const registry = zookeeperRegistry({ addresses: ["127.0.0.1:1", "127.0.0.1:2"], timeoutMs: 500 })();
    await expect(registry.list()).rejects.toThrow("127.0.0.1:2");
    await registry.stop();
  });

  it("refuses an address that is none, and takes port 2181 for granted", () => {
    expect(() => zookeeperRegistry({ addresses: ["http://host/path"] })()).toThrow(/host:port/);
    expect(zookeeperRegistry()().where).toBe("zookeeper at 127.0.0.1:2181");
    expect(zookeeperRegistry({ addresses: ["a", "b:1"] })().where).toBe("zookeeper at a:2181, b:1");
  });
});

async function idsOf(registry: Registry, name: string): Promise<readonly string[]> {
  return (await registry.get(name)).flatMap(({ nodes }) => nodes.map(({ id }) => id)).sort();
}

async function sleepUpTo(ms: number, options: { signal?: AbortSignal } = {}): Promise<void> {
  await sleep(ms, undefined, { ...options, ref: false });
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
