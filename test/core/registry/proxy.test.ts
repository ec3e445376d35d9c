import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { silent } from "../../../src/core/log.ts";
import { cached } from "../../../src/core/registry/cache.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { proxyRegistry } from "../../../src/core/registry/proxy.ts";
import type { Registry, RegistryEvent } from "../../../src/core/registry/registry.ts";
import { record, registryContract, rich } from "../../contract/registry.contract.ts";
import { manualClock } from "../../fakes/clock.ts";
import { type Sidecar, startSidecar } from "../../fakes/sidecar.ts";

const sidecars: Sidecar[] = [];
const registries: Registry[] = [];

async function sidecar(
  options: Parameters<typeof startSidecar>[1] = {},
  behind = memoryRegistry()(),
): Promise<Sidecar> {
  await behind.start();
  const one = await startSidecar(behind, options);
  sidecars.push(one);
  return one;
}
function through(one: Sidecar, more: { timeoutMs?: number } = {}, parts = {}): Registry {
  const registry = proxyRegistry({ addresses: [one.address], ...more })(parts);
  registries.push(registry);
  return registry;
}
const tidy = async () => {
  await Promise.all(registries.splice(0).map((each) => each.stop()));
  await Promise.all(sidecars.splice(0).map((each) => each.close()));
};

const shared = sidecar();
registryContract("proxy", {
  create: async () => proxyRegistry({ addresses: [(await shared).address] })(),
  advance: (ms) => sleep(ms),
  settleMs: 3000,
});

const old = sidecar({ websocket: false, upperCase: true });
const quick = { now: Date.now, sleep: (ms: number, o?: { signal?: AbortSignal }) => unrefSleep(ms / 100, o) };
registryContract("proxy without a websocket, with other keys", {
  create: async () => proxyRegistry({ addresses: [(await old).address] })({ clock: quick }),
  advance: (ms) => sleep(ms),
  settleMs: 3000,
});
afterAll(tidy);

describe("a sidecar's registry", () => {
  it("asks what a sidecar answers", async () => {
    const one = await sidecar();
    const registry = through(one);
    await registry.register(record("foo bar", "1", 1), { ttlMs: 30_000 });
    await registry.register(record("foo bar", "1", 1));
    await registry.get("foo bar");
    await registry.list();
    await registry.deregister(record("foo bar", "1", 1));
    expect(one.requests).toEqual([
      "POST /registry?ttl=30000ms",
      "POST /registry",
      "GET /registry?service=foo+bar",
      "GET /registry",
      "DELETE /registry",
    ]);
  });

  it("tells a watcher what the websocket tells, passing over garbage with one warning", async () => {
    const one = await sidecar();
    const warned: object[] = [];
    const registry = through(one, {}, { log: { ...silent, warn: (fields: object) => void warned.push(fields) } });
    const watcher = await registry.watch();
    const seen: RegistryEvent[] = [];
    void (async () => {
      for await (const event of watcher) seen.push(event);
    })().catch(() => {});
    await within(2000, async () => expect(one.watching).toBe(1));
    for (const text of ["", "null", "[1]", "<html>", '{"Action":"explode","Service":{"name":"a"}}']) one.frame(text);
    one.frame(JSON.stringify({ ACTION: "delete", service: { Name: "gone" } }));
    await registry.register(rich("foo", "1"));
    await within(2000, async () => expect(seen.map(({ action }) => action)).toEqual(["delete", "create"]));
    expect(seen[1]?.service).toEqual(rich("foo", "1"));
    expect(warned).toHaveLength(1);
  });

  it.each([true, false])("follows a sidecar that breaks and comes back (websocket: %s)", async (websocket) => {
    const behind = memoryRegistry()();
    const one = await sidecar({ websocket }, behind);
    const registry = through(one, { timeoutMs: 500 }, { clock: quick });
    const cache = cached(registry);
    await behind.register(record("foo", "1", 1));
    await cache.start();
    expect(await cache.list()).toEqual(["foo"]);
    one.misbehave({ status: 500, body: "registry lost" });
    one.cut();
    await within(3000, async () => expect(cache.lostAt).toBeDefined());
    expect(await cache.list()).toEqual(["foo"]);
    await behind.register(record("bar", "1", 1));
    one.misbehave(undefined);
    await within(10_000, async () => expect(await cache.list()).toEqual(["bar", "foo"]));
    expect(cache.lostAt).toBeUndefined();
    await cache.stop();
  });

  it("takes a sidecar that does not answer the websocket's handshake for one without", async () => {
    const one = await sidecar({ websocket: "silent" });
    await through(one).register(record("foo", "1", 1));
    const registry = through(one, { timeoutMs: 300 });
    const watcher = await registry.watch();
    expect(one.requests).toContain("WATCH /registry");
    expect([...(watcher.initial?.keys() ?? [])]).toEqual(["foo"]);
  });

  it("notices a websocket that went silent", async () => {
    const clock = manualClock();
    const one = await sidecar();
    const registry = through(one, {}, { clock });
    const watcher = await registry.watch();
    const ended = expect(
      (async () => {
        for await (const _ of watcher);
      })(),
    ).rejects.toThrow(/silent for 120 s/);
    for (let i = 0; i < 8; i += 1) await clock.advance(30_000);
    await ended;
  });

  it.each([
    ["silence", "hang", "timeout"],
    ["a connection that is dropped", "drop", "unavailable"],
    ["an answer that is cut off", "cut", "unavailable"],
    ["a failing registry", { status: 500, body: "no cluster leader\n" }, "unavailable"],
    ["another kind of server", { body: "<html>" }, "unavailable"],
    ["JSON of another shape", { body: '{"a":1}' }, "unavailable"],
    ["an empty body", { body: "" }, "unavailable"],
    ["a server without /registry", { status: 404, body: "404 page not found\n" }, "unavailable"],
    ["a guard", { status: 403, body: "go away" }, "permission_denied"],
  ] as const)("ends in time for %s", async (_, mischief, code) => {
    const one = await sidecar();
    const registry = through(one, { timeoutMs: 300 });
    one.misbehave(mischief);
    await expect(registry.list()).rejects.toMatchObject({ code });
    await expect(registry.watch({ timeoutMs: 2000 })).rejects.toMatchObject({ code: expect.stringMatching(/./) });
    one.misbehave(undefined);
    expect(await registry.list()).toEqual([]);
  });

  it("passes over records that are none, and takes a 500 that says not found for one", async () => {
    const one = await sidecar();
    const registry = through(one);
    one.misbehave({ body: JSON.stringify([1, null, {}, { NAME: "foo" }, { name: "foo" }, { name: "bar", nodes: 1 }]) });
    expect(await registry.list()).toEqual(["foo"]);
    one.misbehave({ status: 500, body: "service not found\n" });
    await expect(registry.get("foo")).rejects.toMatchObject({ code: "not_found" });
    one.misbehave({ body: "null" });
    expect(await registry.list()).toEqual([]);
    await expect(registry.get("foo")).rejects.toMatchObject({ code: "not_found" });
  });

  it("goes to the next address, and says where when nobody is there", async () => {
    const one = await sidecar();
    const registry = proxyRegistry({ addresses: ["127.0.0.1:1", one.address] })();
    registries.push(registry);
    expect(await registry.list()).toEqual([]);
    const nobody = proxyRegistry({ addresses: ["127.0.0.1:1"] })();
    await expect(nobody.list()).rejects.toThrow("sidecar at 127.0.0.1:1 cannot be reached (ECONNREFUSED)");
    await expect(nobody.watch()).rejects.toMatchObject({ code: "unavailable" });
    await nobody.stop();
  });

  it("refuses an address that is none, and takes port 8081 for granted", () => {
    expect(() => proxyRegistry({ addresses: ["http://host/path"] })()).toThrow(/host:port/);
    expect(() => proxyRegistry({ addresses: ["http://user:secret@host"] })()).toThrow(/host:port/);
    const addresses = ["a", "https://b", "http://c:80"];
    expect(proxyRegistry({ addresses })().where).toBe("sidecar at a:8081, b:8081, c");
  });

  it("reads 10,000 services by polling, one after the other", async () => {
    const services = Array.from({ length: 10_000 }, (_, n) => record(`service-${n}`, "1", 1));
    const one = await sidecar({ websocket: false }, memoryRegistry({ services })());
    const registry = through(one);
    const began = performance.now();
    const watcher = await registry.watch();
    expect(watcher.initial?.size).toBe(10_000);
    expect(performance.now() - began).toBeLessThan(60_000);
  }, 90_000);

  afterEach(async () => {
    await Promise.all(registries.splice(0).map((each) => each.stop()));
  });
});

async function unrefSleep(ms: number, options: { signal?: AbortSignal } = {}): Promise<void> {
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
