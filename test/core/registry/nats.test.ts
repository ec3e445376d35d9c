import { setTimeout as wait } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cached } from "../../../src/core/registry/cache.ts";
import { natsRegistry } from "../../../src/core/registry/nats.ts";
import type { Registry, RegistryEvent, ServiceRecord } from "../../../src/core/registry/registry.ts";
import { registryContract } from "../../contract/registry.contract.ts";
import { hasNats, type NatsServer, startNats } from "../../fakes/nats-server.ts";

const service = (name: string, node = 1): ServiceRecord => ({
  name,
  version: "1",
  metadata: {},
  endpoints: [],
  nodes: [{ id: `${name}-${node}`, address: `127.0.0.1:${9000 + node}`, metadata: { protocol: "mucp" } }],
});
const eventually = async (check: () => Promise<void> | void, limitMs = 10_000): Promise<void> => {
  const until = performance.now() + limitMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > until) throw error;
      await wait(50);
    }
  }
};

for (const binary of ["nats-server", "nats-server-next"] as const) {
  const there = hasNats(binary);
  describe.skipIf(!there)(`over ${binary}${there ? "" : " (not installed)"}`, () => {
    let server: NatsServer;
    beforeAll(async () => {
      server = await startNats(binary);
    }, 30_000);
    afterAll(async () => server?.stop());

    registryContract(`nats on ${binary}`, {
      create: async () => natsRegistry({ addresses: [server.address] })(),
      advance: (ms) => wait(ms),
      settleMs: 5000,
    });

    describe("the wire (wire.md §2.7)", () => {
      let registry: Registry;
      let bare: NatsConnection;
      beforeEach(async () => {
        registry = natsRegistry({ addresses: [server.address] })();
        await registry.start();
        bare = await connect({ servers: server.address });
      });
      afterEach(async () => {
        await registry.stop();
        await bare.close();
      });

      it.each(["micro.registry.nats", "micro.nats"])("tells and answers on %s as Go expects", async (family) => {
        const told: unknown[] = [];
        const subscription = bare.subscribe(`${family}.watch`, {
          callback: (_error, message) => void told.push(message.json()),
        });
        await bare.flush();
        await registry.register(service("foo"));
        await eventually(() => expect(told).toHaveLength(1));
        const wire = {
          name: "foo",
          version: "1",
          nodes: [{ id: "foo-1", address: "127.0.0.1:9001", metadata: { protocol: "mucp" } }],
        };
        expect(told[0]).toMatchObject({ Action: "create", Service: wire });
        const asked = {
          Action: "get",
          Service: { name: "foo", version: "", metadata: null, endpoints: null, nodes: null },
        };
        const answer = await bare.request(`${family}.query`, JSON.stringify(asked), { timeout: 2000 });
        expect(answer.json()).toMatchObject(wire);
        const all = await bare.request(`${family}.query`, '{"Action":"list","Service":null}', { timeout: 2000 });
        expect(all.json()).toMatchObject({ name: "foo" });
        await registry.deregister(service("foo"));
        await eventually(() => expect(told[1]).toMatchObject({ Action: "delete" }));
        subscription.unsubscribe();
      });

      it.each(["micro.registry.nats", "micro.nats"])("hears an owner on %s, garbage beside it", async (family) => {
        const other = {
          name: "go",
          version: "2",
          metadata: null,
          endpoints: null,
          nodes: [{ id: "go-1", address: "10.0.0.1:1", metadata: null }],
        };
        bare.subscribe(`${family}.query`, {
          callback: (_error, message) => {
            const question = message.json<{ Action: string; Service?: { name: string } }>();
            message.respond("no json");
            if (question.Action === "list" || question.Service?.name === "go") message.respond(JSON.stringify(other));
          },
        });
        await bare.flush();
        const watcher = await registry.watch();
        const seen: RegistryEvent[] = [];
        const reading = (async () => {
          for await (const event of watcher) seen.push(event);
        })();
        expect(await registry.list()).toEqual(["go"]);
        expect((await registry.get("go"))[0]?.nodes[0]?.address).toBe("10.0.0.1:1");
        await expect(registry.get("foo")).rejects.toMatchObject({ code: "not_found" });
        for (const text of ["{", "[]", '{"Action":"create"}', '{"Action":"create","Service":{"name":5}}'])
          bare.publish(`${family}.watch`, text);
        const came = { ...other, name: "new", nodes: [{ id: "new-1", address: "10.0.0.1:2", metadata: null }] };
        for (let i = 0; i < 3; i++)
          bare.publish(`${family}.watch`, JSON.stringify({ Action: "create", Service: came }));
        bare.publish(`${family}.watch`, JSON.stringify({ Action: "delete", Service: came }));
        await eventually(() => expect(seen.map(({ action }) => action)).toEqual(["create", "delete"]));
        await watcher.close();
        await reading;
      });

      it("answers for 10,000 services of one owner", async () => {
        for (let i = 0; i < 10_000; i += 500) {
          await Promise.all(Array.from({ length: 500 }, (_, at) => registry.register(service(`s${i + at}`))));
        }
        const other = natsRegistry({ addresses: [server.address] })();
        await other.start();
        expect(await other.list({ timeoutMs: 30_000 })).toHaveLength(10_000);
        await other.stop();
      }, 60_000);
    });
  });
}

describe.skipIf(!hasNats())(`nats that is killed${hasNats() ? "" : " (not installed)"}`, () => {
  it("ends a watch, and answers again when it is back; a cache goes on meanwhile", async () => {
    const server = await startNats();
    const owner = natsRegistry({ addresses: [server.address] })();
    const reader = cached(natsRegistry({ addresses: [server.address] })());
    await owner.start();
    await reader.start();
    try {
      await owner.register(service("foo"));
      await eventually(async () => expect(await reader.list()).toEqual(["foo"]));
      const watcher = await owner.watch();
      const ended = (async () => {
        for await (const _ of watcher);
      })();
      ended.catch(() => {});
      await server.kill();
      await expect(ended).rejects.toMatchObject({ code: "unavailable" });
      await expect(owner.list({ timeoutMs: 3000 })).rejects.toMatchObject({
        code: expect.stringMatching(/unavailable|timeout/),
      });
      expect(await reader.list()).toEqual(["foo"]);
      await server.restart();
      await eventually(async () => expect((await owner.get("foo"))[0]?.nodes).toHaveLength(1), 20_000);
      await owner.register(service("bar"));
      await eventually(async () => expect(await reader.list()).toEqual(["bar", "foo"]), 20_000);
    } finally {
      await reader.stop();
      await owner.stop();
      await server.stop();
    }
  }, 60_000);
});
