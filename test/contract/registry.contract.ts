import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MicroError } from "../../src/core/errors.ts";
import type { Registry, RegistryEvent, ServiceRecord, Watcher } from "../../src/core/registry/registry.ts";

export interface RegistryContract {
  /** A registry of its own, not started. What it needs (a server) is closed by the caller's own hooks. */
  create(): Promise<Registry>;
  /** Lets time pass: a fake clock, or real sleep. */
  advance(ms: number): Promise<void>;
  /** How long (real ms) a change may take until it is seen. */
  readonly settleMs: number;
  /** Cases that an implementation cannot pass, each with the reason. */
  readonly without?: { readonly ttl?: string; readonly versions?: string };
}

/** Every registry passes these cases (`architecture.md §7`). */
export function registryContract(name: string, contract: RegistryContract): void {
  const { settleMs, without = {} } = contract;

  describe(`registry contract: ${name}`, () => {
    let registry: Registry;
    let resources: readonly string[];
    const watchers: Watcher[] = [];

    /** Asks again until it says so: what is registered is seen everywhere only after a while. */
    const eventually = async (check: () => Promise<void>, limitMs = settleMs): Promise<void> => {
      const until = performance.now() + limitMs;
      for (;;) {
        try {
          return await check();
        } catch (error) {
          if (performance.now() > until) throw error;
          await wait(20);
        }
      }
    };
    const watch = async (options: { service?: string } = {}) => {
      const watcher = await registry.watch(options);
      watchers.push(watcher);
      const seen: RegistryEvent[] = [];
      const done = (async () => {
        for await (const event of watcher) seen.push(event);
      })();
      return { watcher, seen, done };
    };

    beforeEach(async () => {
      resources = process.getActiveResourcesInfo();
      registry = await contract.create();
    });

    afterEach(async () => {
      await Promise.all(watchers.splice(0).map((watcher) => watcher.close()));
      await registry.stop();
      // The test runner has timers of its own that come and go, hence the patience.
      await eventually(async () => expect(leftOver(resources)).toEqual([]), 3000);
    });

    it("stops without having been started, and twice", async () => {
      await registry.stop();
      await registry.stop();
      await registry.start();
      await registry.stop();
      await registry.stop();
    });

    it("starts twice like once, and again after a stop", async () => {
      await registry.start();
      await registry.start();
      await registry.stop();
      await registry.start();
      await registry.register(record("foo", "1", 1));
      await eventually(async () => expect(ids(await registry.get("foo"))).toEqual(["foo-1"]));
      await registry.deregister(record("foo", "1", 1));
    });

    it("stops while calls are in flight: each of them ends", async () => {
      await registry.start();
      const calls = [registry.list(), registry.get("nobody"), registry.watch().then((watcher) => watcher.close())];
      const settled = Promise.allSettled(calls);
      await registry.stop();
      for (const outcome of await settled) {
        if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(MicroError);
      }
    });

    it("gives back what was registered, field by field", async () => {
      const service = rich("go.micro.srv.greeter", "1.0.0");
      await registry.start();
      await registry.register(service);
      await eventually(async () => expect(plain(await registry.get(service.name))).toEqual([service]));
      await registry.deregister(service);
    });

    it.skipIf(without.versions !== undefined)(
      `keeps versions apart and joins the nodes of one version${because(without.versions)}`,
      async () => {
        const all = [record("foo", "1", 1), record("foo", "1", 2), record("foo", "2", 3)];
        await registry.start();
        for (const service of all) await registry.register(service);
        await eventually(async () => {
          const versions = await registry.get("foo");
          expect(versions.map(({ version }) => version).sort()).toEqual(["1", "2"]);
          expect(ids(versions.filter(({ version }) => version === "1"))).toEqual(["foo-1", "foo-2"]);
          expect(ids(versions.filter(({ version }) => version === "2"))).toEqual(["foo-3"]);
        });
        for (const service of all) await registry.deregister(service);
      },
    );

    it("says not_found for a name that nobody has", async () => {
      await registry.start();
      await expect(registry.get("nobody.has.this")).rejects.toMatchObject({ code: "not_found" });
      await expect(registry.get("nobody.has.this")).rejects.toThrow(/nobody\.has\.this/);
    });

    it("lists names once each, by code point", async () => {
      const all = [
        record("b", "1", 1),
        record("a.b", "1", 2),
        record("a", "1", 3),
        record("B", "1", 4),
        record("a", "2", 5),
      ];
      await registry.start();
      for (const service of all) await registry.register(service);
      await eventually(async () => {
        const names = await registry.list();
        expect(names.filter((each) => each !== "consul")).toEqual(["B", "a", "a.b", "b"]);
      });
      for (const service of all) await registry.deregister(service);
    });

    it("takes a registration again, with other metadata, as the new truth", async () => {
      const before = record("foo", "1", 1);
      const after = {
        ...before,
        nodes: before.nodes.map((node) => ({ ...node, metadata: { protocol: "mucp", az: "b" } })),
      };
      await registry.start();
      await registry.register(before, { ttlMs: 30_000 });
      await registry.register(before, { ttlMs: 30_000 });
      await registry.register(after, { ttlMs: 30_000 });
      await eventually(async () => expect(plain(await registry.get("foo"))[0]?.nodes).toEqual(after.nodes));
      await registry.deregister(after);
    });

    it("removes a node, and the service with its last one", async () => {
      await registry.start();
      await registry.register(record("foo", "1", 1));
      await registry.register(record("foo", "1", 2));
      await eventually(async () => expect(ids(await registry.get("foo"))).toEqual(["foo-1", "foo-2"]));
      await registry.deregister(record("foo", "1", 1));
      await eventually(async () => expect(ids(await registry.get("foo"))).toEqual(["foo-2"]));
      await registry.deregister(record("foo", "1", 2));
      await eventually(async () => {
        await expect(registry.get("foo")).rejects.toMatchObject({ code: "not_found" });
        expect(await registry.list()).not.toContain("foo");
      });
    });

    it("has nothing against removing a node that it does not know", async () => {
      await registry.start();
      await registry.deregister(record("nobody.has.this", "1", 1));
    });

    it("refuses a record without a name or without a node", async () => {
      await registry.start();
      const nameless = { ...record("foo", "1", 1), name: "" };
      const nodeless = { ...record("foo", "1", 1), nodes: [] };
      await expect(registry.register(nameless)).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(registry.register(nodeless)).rejects.toMatchObject({ code: "invalid_argument" });
    });

    it.skipIf(without.ttl !== undefined)(
      `forgets a node whose ttl is over, and keeps one that registers again${because(without.ttl)}`,
      async () => {
        await registry.start();
        await registry.register(record("foo", "1", 1), { ttlMs: 2000 });
        await registry.register(record("foo", "1", 2), { ttlMs: 2000 });
        await contract.advance(1200);
        await registry.register(record("foo", "1", 2), { ttlMs: 2000 });
        await contract.advance(1200);
        await eventually(async () => expect(ids(await registry.get("foo"))).toEqual(["foo-2"]));
        await contract.advance(2200);
        await eventually(() => expect(registry.get("foo")).rejects.toMatchObject({ code: "not_found" }));
        await registry.deregister(record("foo", "1", 1));
        await registry.deregister(record("foo", "1", 2));
      },
    );

    it("watches: what came and what went, and nothing from before", async () => {
      await registry.start();
      await registry.register(record("old", "1", 1));
      await eventually(async () => expect(ids(await registry.get("old"))).toEqual(["old-1"]));
      const { seen } = await watch();
      expect(seen).toEqual([]);
      await registry.register(record("foo", "1", 1));
      await eventually(async () => expect(came(seen, "foo-1")).toBe(true));
      await registry.deregister(record("foo", "1", 1));
      await eventually(async () => expect(went(seen, "foo", "foo-1")).toBe(true));
      await registry.deregister(record("old", "1", 1));
    });

    it("watches one service when asked for one", async () => {
      await registry.start();
      const { seen } = await watch({ service: "foo" });
      await registry.register(record("bar", "1", 1));
      await registry.register(record("foo", "1", 2));
      await eventually(async () => expect(came(seen, "foo-2")).toBe(true));
      expect(seen.every(({ service }) => service.name === "foo")).toBe(true);
      await registry.deregister(record("bar", "1", 1));
      await registry.deregister(record("foo", "1", 2));
    });

    it("delivers nothing after close, and closes twice like once", async () => {
      await registry.start();
      const { watcher, seen, done } = await watch();
      await watcher.close();
      await watcher.close();
      await done;
      await registry.register(record("foo", "1", 1));
      await eventually(async () => expect(ids(await registry.get("foo"))).toEqual(["foo-1"]));
      expect(seen).toEqual([]);
      await registry.deregister(record("foo", "1", 1));
    });

    it("leaves the watch when the loop is left", async () => {
      await registry.start();
      const watcher = await registry.watch();
      watchers.push(watcher);
      const first = (async () => {
        for await (const event of watcher) return event.service.name;
        return "ended";
      })();
      await registry.register(record("foo", "1", 1));
      expect(await first).toBe("foo");
      await registry.deregister(record("foo", "1", 1));
    });

    it("ends its watches when it stops", async () => {
      await registry.start();
      const { done } = await watch();
      const ended = done.catch((error: unknown) => expect(error).toMatchObject({ code: "unavailable" }));
      await registry.stop();
      await ended;
    });

    it("gives up at once when the signal was aborted before", async () => {
      await registry.start();
      const signal = AbortSignal.abort();
      const cancelled = { code: "cancelled" };
      await expect(registry.list({ signal })).rejects.toMatchObject(cancelled);
      await expect(registry.get("foo", { signal })).rejects.toMatchObject(cancelled);
      await expect(registry.watch({ signal })).rejects.toMatchObject(cancelled);
      await expect(registry.register(record("foo", "1", 1), { signal })).rejects.toMatchObject(cancelled);
      await expect(registry.deregister(record("foo", "1", 1), { signal })).rejects.toMatchObject(cancelled);
    });

    it("ends soon when the signal is aborted during a call", async () => {
      await registry.start();
      const controller = new AbortController();
      const calls = Promise.allSettled([
        registry.list({ signal: controller.signal }),
        registry.get("nobody.has.this", { signal: controller.signal }),
      ]);
      controller.abort();
      for (const outcome of await calls) {
        // A call that was answered before it noticed is fine; hanging is not.
        if (outcome.status === "rejected") expect(["cancelled", "not_found"]).toContain(outcome.reason.code);
      }
    });

    it("says what and where it is", () => {
      expect(registry.kind).toMatch(/^[a-z]+$/);
      expect(registry.where).not.toBe("");
      expect(registry.lostAt).toBeUndefined();
    });
  });
}

/** One node of one version: `foo`, `1`, 2 is node `foo-2` at 127.0.0.1:9002. */
export function record(name: string, version: string, n: number): ServiceRecord {
  const node = { id: `${name}-${n}`, address: `127.0.0.1:${9000 + n}`, metadata: { protocol: "mucp" } };
  return { name, version, metadata: {}, endpoints: [], nodes: [node] };
}

/** A record with everything that travels through every registry: endpoints, values, all of a node's metadata. */
export function rich(name: string, version: string): ServiceRecord {
  const leaf = (field: string, type: string) => ({ name: field, type, values: [] });
  return {
    name,
    version,
    metadata: {},
    endpoints: [
      {
        name: "Greeter.Hello",
        request: {
          name: "HelloRequest",
          type: "HelloRequest",
          values: [leaf("name", "string"), leaf("user_id", "int64")],
        },
        response: { name: "HelloResponse", type: "HelloResponse", values: [leaf("msg", "string")] },
        metadata: {},
      },
      {
        name: "Greeter.Stream",
        request: { name: "Context", type: "Context", values: [] },
        response: { name: "Stream", type: "Stream", values: [] },
        metadata: { stream: "true" },
      },
      {
        name: "Func",
        request: undefined,
        response: undefined,
        metadata: { subscriber: "true", topic: "events <&> é" },
      },
    ],
    nodes: [
      {
        id: `${name}-11111111-2222-3333-4444-555555555555`,
        address: "127.0.0.1:7100",
        metadata: { broker: "http", protocol: "mucp", registry: "memory", server: "mucp", transport: "http" },
      },
    ],
  };
}

/** Without what only several registries together add. */
function plain(versions: readonly ServiceRecord[]): readonly ServiceRecord[] {
  return versions.map((each) => ({ ...each, nodes: each.nodes.map(({ origin: _, ...node }) => node) }));
}

function ids(versions: readonly ServiceRecord[]): readonly string[] {
  return versions.flatMap(({ nodes }) => nodes.map(({ id }) => id)).sort();
}

function came(seen: readonly RegistryEvent[], id: string): boolean {
  return seen.some(({ action, service }) => action !== "delete" && ids([service]).includes(id));
}

/** Told node by node, or as the whole service. */
function went(seen: readonly RegistryEvent[], name: string, id: string): boolean {
  return seen.some(
    ({ action, service }) =>
      action === "delete" && service.name === name && (service.nodes.length === 0 || ids([service]).includes(id)),
  );
}

/** Timers and sockets that are there now and were not before. */
function leftOver(before: readonly string[]): readonly string[] {
  const rest = [...before];
  return process.getActiveResourcesInfo().filter((kind) => {
    const at = rest.indexOf(kind);
    if (at >= 0) rest.splice(at, 1);
    return at < 0 && OURS.test(kind);
  });
}

const OURS = /Timeout|Immediate|TCP|UDP|Pipe|TLS/;

function because(reason: string | undefined): string {
  return reason === undefined ? "" : ` (not here: ${reason})`;
}
