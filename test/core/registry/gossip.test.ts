import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { type GossipRegistryInit, gossipRegistry } from "../../../src/core/registry/gossip.ts";
import type { Registry, RegistryEvent } from "../../../src/core/registry/registry.ts";
import { writeService } from "../../../src/core/wire/record.ts";
import { record, registryContract, rich } from "../../contract/registry.contract.ts";
import { freePort } from "../../fakes/free-port.ts";
import { buildGossipPeer, type GossipPeer, startGossipPeer } from "../../fakes/gossip-peer.ts";

/* Nothing here leaves 127.0.0.1. */

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
const opened: { stop(): Promise<void> }[] = [];
const member = async (init: Partial<GossipRegistryInit> = {}) => {
  const address = `127.0.0.1:${await freePort()}`;
  const registry = gossipRegistry({ addresses: [], bind: address, ...init })();
  opened.push(registry);
  await registry.start();
  return { registry, address };
};
const observer = async (address: string, init: Partial<GossipRegistryInit> = {}) => {
  const registry = gossipRegistry({ addresses: [address], pullEveryMs: 200, ...init })();
  opened.push(registry);
  await registry.start();
  return registry;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.stop()));
});

describe("in a cluster", () => {
  let seed: { readonly registry: Registry; readonly address: string };
  // Before the contract counts what is open, and after.
  beforeEach(async () => {
    const address = `127.0.0.1:${await freePort()}`;
    seed = { address, registry: gossipRegistry({ addresses: [], bind: address })() };
    await seed.registry.start();
  });
  afterEach(() => seed.registry.stop());

  registryContract("gossip (member)", {
    create: async () => gossipRegistry({ addresses: [seed.address], bind: "127.0.0.1:0" })(),
    advance: (ms) => sleep(ms),
    settleMs: 3000,
  });
  registryContract("gossip (observer)", {
    create: async () => gossipRegistry({ addresses: [seed.address], pullEveryMs: 100 })(),
    advance: (ms) => sleep(ms),
    settleMs: 3000,
  });
});

describe("gossip registry", () => {
  it.each([
    ["without a key", undefined],
    ["encrypted", "micro-gossip-key"],
  ])("tells members and observers of each other's services, %s", async (_, secretKey) => {
    const first = await member({ secretKey });
    const second = await member({ secretKey, addresses: [first.address] });
    const outside = await observer(second.address, { secretKey });
    await first.registry.register(rich("one", "1"), { ttlMs: 30_000 });
    await outside.register(record("two", "1", 2), { ttlMs: 30_000 });
    for (const { registry } of [first, second, { registry: outside }]) {
      await within(5000, async () => expect(await registry.list()).toEqual(["one", "two"]));
      expect(await registry.get("one")).toEqual([rich("one", "1")]);
    }
    await second.registry.deregister(rich("one", "1"));
    await outside.deregister(record("two", "1", 2));
    for (const { registry } of [first, second, { registry: outside }]) {
      await within(5000, async () => expect(await registry.list()).toEqual([]));
    }
  });

  it("tells who joins later what is registered, and who watches what comes and goes", async () => {
    const first = await member();
    await first.registry.register(record("old", "1", 1));
    const second = await member({ addresses: [first.address] });
    expect(await second.registry.list()).toEqual(["old"]);
    const seen: RegistryEvent[] = [];
    const watcher = await second.registry.watch();
    const done = (async () => {
      for await (const event of watcher) seen.push(event);
    })();
    await first.registry.register(record("new", "1", 2), { ttlMs: 1500 });
    await within(5000, async () => expect(seen.map(told)).toEqual(["create new", "delete new"]));
    await watcher.close();
    await done;
  });

  it("finds a member that came later than it", async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const early = await member({ addresses: [address] });
    await member({ bind: address });
    await early.registry.register(record("foo", "1", 1));
    const third = await member({ addresses: [address] });
    await within(10_000, async () => expect(await third.registry.list()).toEqual(["foo"]));
  });

  it("does not hear who has another key, and says so to nobody", async () => {
    const first = await member({ secretKey: "micro-gossip-key" });
    await first.registry.register(record("foo", "1", 1));
    const refused = gossipRegistry({ addresses: [first.address], secretKey: "another-key-here" })();
    await expect(refused.start({ timeoutMs: 5000 })).rejects.toMatchObject({ name: "MicroError" });
    const keyless = gossipRegistry({ addresses: [first.address] })();
    await expect(keyless.start({ timeoutMs: 5000 })).rejects.toMatchObject({ name: "MicroError" });
    expect(() => gossipRegistry({ addresses: [], secretKey: "short" })).toThrow(/16, 24 or 32 bytes/);
  });

  it("says unavailable when no peer is there, and to watchers when the peer went", async () => {
    const nobody = gossipRegistry({ addresses: [`127.0.0.1:${await freePort()}`] })();
    await expect(nobody.start()).rejects.toMatchObject({ code: "unavailable" });
    const first = await member();
    const outside = await observer(first.address);
    const watcher = await outside.watch();
    await first.registry.stop();
    const reading = (async () => {
      for await (const _ of watcher);
    })();
    await expect(reading).rejects.toMatchObject({ code: "unavailable" });
    await expect(outside.list()).rejects.toMatchObject({ code: "unavailable" });
  });

  it("does not take a repetition of what was removed since for news, but a new registration", async () => {
    const first = await member();
    const second = await member({ addresses: [first.address] });
    for (let n = 0; n < 5; n++) {
      await first.registry.register(record("foo", "1", 1), { ttlMs: 30_000 });
      await within(3000, async () => expect(await second.registry.list()).toEqual(["foo"]));
      await second.registry.deregister(record("foo", "1", 1));
      await within(3000, async () => expect(await first.registry.list()).toEqual([]));
    }
    await sleep(1000); // as long as it is repeated
    for (const { registry } of [first, second]) expect(await registry.list()).toEqual([]);
  });

  it.skipIf(!hasIPv6)(`speaks over IPv6${hasIPv6 ? "" : " (skipped: there is no ::1)"}`, async () => {
    const port = await freePort();
    const first = await member({ bind: `[::1]:${port}` });
    const second = await member({ bind: "[::1]:0", addresses: [`[::1]:${port}`] });
    await second.registry.register(record("foo", "1", 1));
    await within(3000, async () => expect(await first.registry.list()).toEqual(["foo"]));
  });

  it("comes back under its name, on another port too", async () => {
    const seed = await member();
    const init = { name: "fixed", addresses: [seed.address] };
    const { registry } = await member({ ...init, bind: "127.0.0.1:0" });
    await registry.stop();
    await sleep(1000); // incarnations begin with the second
    await registry.start();
    await seed.registry.register(record("foo", "1", 1));
    await within(5000, async () => expect(await registry.list()).toEqual(["foo"]));
    await registry.register(record("bar", "1", 1));
    await within(5000, async () => expect(await seed.registry.list()).toEqual(["bar", "foo"]));
  });

  it("says that its port is taken", async () => {
    const first = await member();
    const second = gossipRegistry({ addresses: [], bind: first.address })();
    await expect(second.start()).rejects.toMatchObject({ code: "unavailable" });
  });

  it("lives on when it is sent garbage, over UDP and TCP", async () => {
    const { registry, address } = await member();
    const [host = "", port] = address.split(":");
    const socket = createSocket("udp4");
    for (const hex of [
      "",
      "00",
      "0483",
      "07ff",
      "0982a4416c676f00a3427566c403ffffff",
      "08",
      "08ffff",
      "0c0000000001",
    ]) {
      socket.send(Buffer.from(hex, "hex"), Number(port), host);
    }
    for (const hex of ["00", "0684ff", "0a7fffffff", "0683a54e6f646573ceffffffff", "09c0", "ff".repeat(5000)]) {
      const stream = connect(Number(port), host);
      stream.on("error", () => {});
      stream.end(Buffer.from(hex, "hex"));
      stream.resume();
      await once(stream, "close");
    }
    socket.close();
    await registry.register(record("foo", "1", 1));
    expect(await registry.list()).toEqual(["foo"]);
    const second = await member({ addresses: [address] });
    expect(await second.registry.list()).toEqual(["foo"]);
  });

  it("stops at once while a peer does not answer", async () => {
    const silentPeer = createServer().listen(0, "127.0.0.1");
    await once(silentPeer, "listening");
    const held: { destroy(): void }[] = [];
    silentPeer.on("connection", (socket) => held.push(socket.on("error", () => {})));
    const { port } = silentPeer.address() as { port: number };
    const registry = gossipRegistry({ addresses: [`127.0.0.1:${port}`], bind: "127.0.0.1:0" })();
    const starting = registry.start().catch((error: unknown) => error);
    await sleep(50);
    const before = performance.now();
    await registry.stop();
    expect(performance.now() - before).toBeLessThan(2000);
    await starting;
    for (const socket of held) socket.destroy();
    silentPeer.close();
  });
});

const peer = buildGossipPeer();
afterAll(() => peer.remove());

describe.skipIf(peer.reason !== "")(
  `with Go Micro v1.8.3${peer.reason === "" ? "" : ` (skipped: ${peer.reason})`}`,
  () => {
    const go = async (options: { join?: string; key?: string } = {}): Promise<GossipPeer> => {
      const started = await startGossipPeer(peer.program, { port: await freePort(), ...options });
      opened.push(started);
      return started;
    };
    const register = async (to: GossipPeer, n: number, ttl: number) => {
      const service = writeService(record("go.micro.srv.greeter", "1.0.0", n));
      expect(await to.ask({ do: "register", service, ttl })).toEqual({});
      return service;
    };
    const goIds = async (of: GossipPeer, name: string) => {
      const { services = [] } = await of.ask({ do: "get", name });
      return services.flatMap(({ nodes }) => nodes.map(({ id }) => id)).sort();
    };
    const greeter = "go.micro.srv.greeter";

    describe.each([
      ["without a key", undefined],
      ["encrypted", "micro-gossip-key"],
    ])("%s", (_, secretKey) => {
      const key = secretKey === undefined ? {} : { key: secretKey };

      it("sees what Go registers, as member and as observer, until Go deregisters it", async () => {
        const there = await go(key);
        await register(there, 1, 60_000);
        const here = await member({ secretKey, addresses: [there.address] });
        const outside = await observer(there.address, { secretKey });
        for (const each of [here.registry, outside])
          expect(await each.get(greeter)).toEqual([record(greeter, "1.0.0", 1)]);
        const second = await register(there, 2, 60_000);
        for (const each of [here.registry, outside]) {
          await within(5000, async () => expect((await each.get(greeter))[0]?.nodes).toHaveLength(2));
        }
        await there.ask({ do: "deregister", service: second });
        for (const each of [here.registry, outside]) {
          await within(5000, async () => expect(await each.get(greeter)).toEqual([record(greeter, "1.0.0", 1)]));
        }
      });

      it("is listed by Go, which joined us or was joined, until it deregisters", async () => {
        const seed = await member({ secretKey });
        await seed.registry.register(rich("before", "1"));
        const joined = await go({ ...key, join: seed.address });
        const here = await member({ secretKey, addresses: [joined.address] });
        const outside = await observer(joined.address, { secretKey });
        await here.registry.register(record("member", "1", 1));
        await outside.register(record("observer", "1", 2));
        await within(5000, async () => {
          const { names = [] } = await joined.ask({ do: "list" });
          expect([...names].sort()).toEqual(["before", "member", "observer"]);
        });
        const { services = [] } = await joined.ask({ do: "get", name: "before" });
        expect(services[0]?.nodes).toEqual(writeService(rich("before", "1")).nodes);
        await seed.registry.deregister(rich("before", "1"));
        await here.registry.deregister(record("member", "1", 1));
        await outside.deregister(record("observer", "1", 2));
        await within(5000, async () => expect((await joined.ask({ do: "list" })).names).toBeUndefined());
      });

      it("lets a ttl end on both sides", async () => {
        const there = await go(key);
        const here = await member({ secretKey, addresses: [there.address] });
        await register(there, 1, 2000);
        await within(2000, async () => expect(await here.registry.list()).toEqual([greeter]));
        await here.registry.register(record("ours", "1", 2), { ttlMs: 2000 });
        await within(2000, async () => expect(await goIds(there, "ours")).toEqual(["ours-2"]));
        await within(8000, async () => expect(await here.registry.list()).toEqual([]));
        await within(8000, async () => expect((await there.ask({ do: "list" })).names).toBeUndefined());
      });
    });

    it("tells a service that is too long for a packet of memberlist's usual size", async () => {
      const there = await go();
      const here = await member({ addresses: [there.address] });
      const [node] = record("long", "1", 1).nodes;
      const metadata = { noise: Array.from({ length: 3000 }, (_, n) => ((n * 7919) % 9973).toString(36)).join("") };
      await here.registry.register({
        ...record("long", "1", 1),
        nodes: [{ ...(node as NonNullable<typeof node>), metadata }],
      });
      await within(5000, async () => expect(await goIds(there, "long")).toEqual(["long-1"]));
      await here.registry.deregister(record("long", "1", 1));
      await within(5000, async () => expect(await goIds(there, "long")).toEqual([]));
    });

    it("stays a member while Go probes it, and is heard still", async () => {
      const there = await go();
      const here = await member({ addresses: [there.address] });
      await sleep(6000); // Go probes each second and gives a suspect three
      await register(there, 1, 60_000);
      await within(3000, async () => expect(await here.registry.list()).toEqual([greeter]));
      await here.registry.register(record("ours", "1", 1));
      await within(3000, async () => expect(await goIds(there, "ours")).toEqual(["ours-1"]));
    });
  },
);

async function within(ms: number, check: () => Promise<void>): Promise<void> {
  const until = performance.now() + ms;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(50);
    }
  }
}

function told({ action, service }: RegistryEvent): string {
  return `${action} ${service.name}`;
}
