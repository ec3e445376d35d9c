import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Log, silent } from "../../../src/core/log.ts";
import { cached } from "../../../src/core/registry/cache.ts";
import { etcdRegistry } from "../../../src/core/registry/etcd.ts";
import { objects } from "../../../src/core/registry/etcd-json.ts";
import type { Registry, RegistryEvent, Watcher } from "../../../src/core/registry/registry.ts";
import { eachAtMost } from "../../../src/core/registry/slices.ts";
import { record, registryContract, rich } from "../../contract/registry.contract.ts";
import { type EtcdServer, hasEtcd, startEtcd } from "../../fakes/etcd-server.ts";
import { rawPeer } from "../../fakes/raw-peer.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe.each(["etcd", "etcd-next"] as const)("%s", (binary) => {
  const has = hasEtcd(binary);
  describe.skipIf(!has)(`a real server${has ? "" : ` (skipped: ${binary} is not installed)`}`, () => {
    let server: EtcdServer;
    beforeAll(async () => {
      server = await startEtcd(binary);
    }, 60_000);
    afterAll(() => server?.stop());

    const make = (log: Log = silent) => etcdRegistry({ addresses: [server.address] })({ log });
    const put = (key: string, value: string) => server.post("/v3/kv/put", { key: base64(key), value: base64(value) });
    const remove = (key: string) => server.post("/v3/kv/deleterange", { key: base64(key) });
    const stored = async (key: string) => {
      const { kvs } = (await server.post("/v3/kv/range", { key: base64(key) })) as { kvs?: Record<string, string>[] };
      return kvs?.[0];
    };

    registryContract(binary, { create: async () => make(), advance: (ms) => sleep(ms), settleMs: 5000 });

    it("writes what Go reads, where Go looks for it", async () => {
      const registry = make();
      const node = { id: "go.micro.srv.greeter-1", address: "10.0.0.5:9090", metadata: { protocol: "mucp" } };
      const service = { ...record("go.micro.srv.greeter", "1.0.0", 1), nodes: [node] };
      await registry.register(service);
      const { value, lease } = (await stored("/micro/registry/go.micro.srv.greeter/go.micro.srv.greeter-1")) ?? {};
      expect(Buffer.from(String(value), "base64").toString()).toBe(
        '{"name":"go.micro.srv.greeter","version":"1.0.0","metadata":{},"endpoints":[],"nodes":[{"id":"go.micro.srv.greeter-1","address":"10.0.0.5:9090","metadata":{"protocol":"mucp"}}]}',
      );
      expect(lease ?? "0").toBe("0");
      await registry.deregister(service);
      expect(await stored("/micro/registry/go.micro.srv.greeter/go.micro.srv.greeter-1")).toBeUndefined();
      await registry.stop();
    });

    it("writes - for / in a key, and still knows whose it is", async () => {
      const registry = make();
      const service = { ...record("go/micro", "1", 1), nodes: [{ id: "a/b", address: "10.0.0.5:9090", metadata: {} }] };
      await registry.register(service);
      expect(await stored("/micro/registry/go-micro/a-b")).toBeDefined();
      expect(await registry.list()).toEqual(["go/micro"]);
      expect(await registry.get("go/micro")).toEqual([service]);
      await expect(registry.get("go-micro")).rejects.toMatchObject({ code: "not_found" });
      await expect(registry.get("go")).rejects.toMatchObject({ code: "not_found" });
      await registry.deregister(service);
      await registry.stop();
    });

    it("reads what Go wrote", async () => {
      const key = "/micro/registry/go.micro.srv.greeter/go.micro.srv.greeter-1";
      await put(
        key,
        '{"name":"go.micro.srv.greeter","version":"1.0.0","metadata":null,"endpoints":[],"nodes":[{"id":"go.micro.srv.greeter-1","address":"10.0.0.5:9090","metadata":{"protocol":"mucp"}}]}',
      );
      const registry = make();
      expect(await registry.get("go.micro.srv.greeter")).toMatchObject([
        { version: "1.0.0", nodes: [{ address: "10.0.0.5:9090", metadata: { protocol: "mucp" } }] },
      ]);
      await remove(key);
      await registry.stop();
    });

    it("keeps its keys below another prefix when it is told one", async () => {
      const registry = etcdRegistry({ addresses: [server.address], prefix: "/micro-registry" })();
      const other = make();
      await registry.register(record("old", "1", 1));
      expect(await stored("/micro-registry/old/old-1")).toBeDefined();
      expect(await registry.list()).toEqual(["old"]);
      expect(await other.list()).toEqual([]);
      await registry.deregister(record("old", "1", 1));
      await registry.stop();
      await other.stop();
    });

    it("prolongs the lease of what is registered again, and takes a new one for what changed or was lost", async () => {
      const registry = make();
      const before = record("leased", "1", 1);
      const after = { ...before, nodes: before.nodes.map((node) => ({ ...node, metadata: { az: "b" } })) };
      const key = "/micro/registry/leased/leased-1";
      await registry.register(before, { ttlMs: 59_500 });
      const first = await stored(key);
      expect(await server.post("/v3/lease/timetolive", { ID: first?.["lease"] })).toMatchObject({ grantedTTL: "60" });
      await registry.register(before, { ttlMs: 59_500 });
      expect(await stored(key)).toEqual(first);
      await registry.register(after, { ttlMs: 59_500 });
      const second = await stored(key);
      expect(second?.["lease"]).not.toBe(first?.["lease"]);
      expect(second?.["version"]).toBe("2");
      await server.post("/v3/lease/revoke", { ID: second?.["lease"] });
      expect(await stored(key)).toBeUndefined();
      await registry.register(after, { ttlMs: 59_500 });
      expect((await stored(key))?.["lease"]).not.toBe(second?.["lease"]);
      await registry.register(after);
      expect((await stored(key))?.["lease"] ?? "0").toBe("0");
      await registry.deregister(after);
      await registry.stop();
    });

    it("tells a watcher of changes, once each, of no mere refresh, and of a ttl that is over", async () => {
      const registry = make();
      const watcher = await registry.watch({ service: "seen" });
      const seen: RegistryEvent[] = [];
      const done = (async () => {
        for await (const event of watcher) seen.push(event);
      })().catch(() => {}); // stopping ends it
      const before = record("seen", "1", 1);
      const after = { ...before, nodes: before.nodes.map((node) => ({ ...node, metadata: { az: "b" } })) };
      await registry.register(before);
      await registry.register(before);
      await registry.register(after);
      await registry.register(record("seen", "1", 2), { ttlMs: 2000 });
      await within(20_000, async () => expect(seen).toHaveLength(4));
      await registry.deregister(after);
      await within(5000, async () => expect(seen).toHaveLength(5));
      expect(seen.map(({ action, service }) => `${action} ${service.nodes.map(({ id }) => id)}`)).toEqual([
        "create seen-1",
        "update seen-1",
        "update seen-1,seen-2",
        "delete seen-2",
        "delete seen-1",
      ]);
      expect(seen[3]?.service.nodes).toEqual(record("seen", "1", 2).nodes);
      await registry.stop();
      await done;
    }, 60_000);

    it("passes over garbage, with one warning for each place", async () => {
      const places = ["not-json", "empty", "other", "nodeless"].map((each) => `/micro/registry/rubbish/${each}`);
      const texts = ["<html>", "", JSON.stringify(record("elsewhere", "1", 1)), '{"name":"rubbish"}'];
      for (const [n, place] of places.entries()) await put(place, texts[n] as string);
      await put("/micro/registry/rubbish/rubbish-1", JSON.stringify(record("rubbish", "1", 1)));
      const warned: string[] = [];
      const warn = (fields: object) => void warned.push((fields as { place: string }).place);
      const registry = make({ ...silent, warn });
      const watcher = await registry.watch();
      expect([...(watcher.initial?.keys() ?? [])]).toEqual(["rubbish"]);
      for (let i = 0; i < 3; i += 1) {
        expect(await idsOf(registry, "rubbish")).toEqual(["rubbish-1"]);
        expect(await registry.list()).toEqual(["rubbish"]);
      }
      expect(warned.sort()).toEqual([...places].sort());
      for (const place of [...places, "/micro/registry/rubbish/rubbish-1"]) await remove(place);
      await registry.stop();
    });
  });

  describe.skipIf(!has)(`a server that fails${has ? "" : ` (skipped: ${binary} is not installed)`}`, () => {
    it("answers from memory while it is killed, and is true again after a restart, also an empty one", async () => {
      const server = await startEtcd(binary);
      const registry = etcdRegistry({ addresses: [server.address] })();
      const cache = cached(etcdRegistry({ addresses: [server.address] })());
      await registry.register(record("mine", "1", 1), { ttlMs: 600_000 });
      await registry.register(rich("other", "1"));
      await cache.start();
      const ended = lossOf(await registry.watch());
      expect(await cache.list()).toEqual(["mine", "other"]);
      await server.kill();
      await within(5000, async () => expect(cache.lostAt).toBeDefined());
      expect(await ended).toMatchObject({ code: "unavailable" });
      expect(await cache.list()).toEqual(["mine", "other"]);
      await expect(registry.register(record("mine", "1", 1))).rejects.toMatchObject({ code: "unavailable" });
      await expect(registry.list()).rejects.toThrow(server.address);

      await server.restart();
      await within(30_000, async () => expect(cache.lostAt).toBeUndefined());
      expect(await cache.list()).toEqual(["mine", "other"]);
      await registry.register(record("third", "1", 1));
      await within(5000, async () => expect(await cache.list()).toEqual(["mine", "other", "third"]));

      await server.kill();
      await server.restart({ empty: true });
      await within(30_000, async () => expect(await cache.list().catch(() => ["?"])).toEqual([]));
      // A heartbeat finds its lease gone and takes another.
      await registry.register(record("mine", "1", 1), { ttlMs: 600_000 });
      await within(5000, async () => expect(await cache.list()).toEqual(["mine"]));
      await cache.stop();
      await registry.stop();
      await server.stop();
    }, 120_000);

    it("gives up in time when the server is frozen, and a watch notices", async () => {
      const server = await startEtcd(binary);
      const registry = etcdRegistry({ addresses: [server.address], timeoutMs: 500 })();
      const quick = { now: Date.now, sleep: (ms: number, o?: { signal?: AbortSignal }) => sleepUpTo(ms / 20, o) };
      const watching = etcdRegistry({ addresses: [server.address] })({ clock: quick });
      const watcher = await watching.watch();
      const ended = lossOf(watcher);
      expect(await registry.list()).toEqual([]);
      server.freeze();
      await expect(registry.list()).rejects.toMatchObject({ code: "timeout" });
      await expect(registry.get("foo", { timeoutMs: 100 })).rejects.toMatchObject({ code: "timeout" });
      await expect(registry.register(record("foo", "1", 1))).rejects.toMatchObject({ code: "timeout" });
      await expect(watching.watch({ timeoutMs: 200 })).rejects.toMatchObject({
        code: expect.stringMatching(/timeout|unavailable/),
      });
      expect(await ended).toMatchObject({ code: "unavailable" });
      server.thaw();
      await within(20_000, async () => expect(await registry.list()).toBeInstanceOf(Array));
      await watching.stop();
      await registry.stop();
      await server.stop();
    }, 60_000);

    it("goes to the next server when the first is not there, or silent", async () => {
      const [frozen, server] = [await startEtcd(binary), await startEtcd(binary)];
      frozen.freeze();
      const gone = etcdRegistry({ addresses: ["127.0.0.1:1", server.address] })();
      const silence = etcdRegistry({ addresses: [frozen.address, server.address], timeoutMs: 4000 })();
      await gone.register(record("foo", "1", 1));
      expect(await gone.list()).toEqual(["foo"]);
      expect(await silence.list()).toEqual(["foo"]);
      const watcher = await silence.watch();
      expect(watcher.initial?.has("foo")).toBe(true);
      await gone.stop();
      await silence.stop();
      await frozen.stop();
      await server.stop();
    }, 60_000);

    it("registers 10,000 services, lists them and follows each of them", async () => {
      const server = await startEtcd(binary);
      const names = Array.from({ length: 10_000 }, (_, n) => `service.${String(n).padStart(5, "0")}`);
      const registry = etcdRegistry({ addresses: [server.address], timeoutMs: 60_000 })();
      await eachAtMost(64, names, (name) => registry.register(record(name, "1", 1), { ttlMs: 600_000 }));
      expect(await registry.list()).toEqual(names);
      const cache = cached(etcdRegistry({ addresses: [server.address] })());
      await cache.start({ timeoutMs: 60_000 });
      expect(await cache.list()).toEqual(names);
      await registry.deregister(record("service.07777", "1", 1));
      await registry.register(record("service.00007", "1", 2));
      await within(5000, async () => expect(await cache.list()).toHaveLength(9999));
      await within(5000, async () => expect(await idsOf(cache, "service.00007")).toHaveLength(2));
      await cache.stop();
      await registry.stop();
      await server.stop();
    }, 300_000);

    it("gives name and password where they are asked for, and says what is wrong with them", async () => {
      const server = await startEtcd(binary);
      const open = etcdRegistry({ addresses: [server.address], username: "root", password: "s3cret" })();
      await open.register(record("foo", "1", 1)); // nobody asks yet
      await server.post("/v3/auth/user/add", { name: "root", password: "s3cret" });
      await server.post("/v3/auth/role/add", { name: "root" });
      await server.post("/v3/auth/user/grant", { user: "root", role: "root" });
      await server.post("/v3/auth/enable", {});
      expect(await open.list()).toEqual(["foo"]);
      const watcher = await open.watch();
      expect(watcher.initial?.has("foo")).toBe(true);
      for (const login of [{}, { username: "root", password: "wr0ng" }]) {
        const registry = etcdRegistry({ addresses: [server.address], ...login })();
        const failure = await registry.list().catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: "unauthenticated" });
        expect(String(failure)).not.toContain("wr0ng");
        await registry.stop();
      }
      await open.stop();
      await server.stop();
    }, 60_000);
  });
});

describe("an etcd server that is none", () => {
  it("says where when nobody is there", async () => {
    const registry = etcdRegistry({ addresses: ["127.0.0.1:1", "127.0.0.1:2"], timeoutMs: 500 })();
    await expect(registry.list()).rejects.toMatchObject({ code: "unavailable" });
    await expect(registry.list()).rejects.toThrow("127.0.0.1:2");
    await expect(registry.watch()).rejects.toMatchObject({ code: "unavailable" });
    await registry.stop();
  });

  it.each([
    ["silence", ""],
    ["no JSON", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"],
    ["JSON of another kind", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[{},null]\n"],
    ["half an answer", "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n{"],
    ["no HTTP", "-ERR unknown command\r\n"],
    ["an error", "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"],
  ])("ends in time when it answers with %s", async (_, text) => {
    const peer = await rawPeer((socket) => void socket.write(text));
    const registry = etcdRegistry({ addresses: [peer.address], timeoutMs: 400 })();
    const failure = { code: expect.stringMatching(/unavailable|timeout|not_found/) };
    await expect(registry.get("foo")).rejects.toMatchObject(failure);
    await expect(registry.register(record("foo", "1", 1), { ttlMs: 5000 })).rejects.toMatchObject(failure);
    await expect(registry.watch({ timeoutMs: 700 })).rejects.toMatchObject(failure);
    await registry.stop();
    await peer.close();
  });

  it("refuses an address that is none, and takes port 2379 for granted", () => {
    expect(() => etcdRegistry({ addresses: ["http://host/path"] })()).toThrow(/host:port/);
    expect(() => etcdRegistry({ addresses: ["http://me:s3cret@host"] })()).toThrow(/^(?!.*s3cret)/);
    expect(etcdRegistry()().where).toBe("etcd at 127.0.0.1:2379");
    expect(etcdRegistry({ addresses: ["a", "b:1", "https://c:443"] })().where).toBe("etcd at a:2379, b:1, c");
  });

  it.each([1, 2, 3, 7, 1000])("finds objects that come back to back, %d bytes at a time", async (size) => {
    const said = [{ result: { a: '}{"\\' } }, { b: [{}, { c: "é" }] }, {}, { d: "\n" }];
    const bytes = Buffer.from(said.map((each, n) => JSON.stringify(each) + (n % 2 === 0 ? "" : "\r\n")).join(""));
    async function* chunks() {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    const found: unknown[] = [];
    for await (const each of objects(chunks(), "here")) found.push(each);
    expect(found).toEqual(said);
  });
});

/** What a watch ends with. */
async function lossOf(watcher: Watcher): Promise<unknown> {
  try {
    for await (const _ of watcher);
    return undefined;
  } catch (error) {
    return error;
  }
}

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
