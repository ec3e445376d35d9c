import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpBroker } from "../../../src/core/broker/http.ts";
import { cached } from "../../../src/core/registry/cache.ts";
import { consulRegistry } from "../../../src/core/registry/consul.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { Registry } from "../../../src/core/registry/registry.ts";
import { brokerContract, eventually, message, textOf } from "../../contract/broker.contract.ts";
import { manualClock } from "../../fakes/clock.ts";
import { hasConsul, startConsul } from "../../fakes/consul-agent.ts";
import { HOSTILE } from "./hostile.ts";

const registry = memoryRegistry()();
beforeAll(() => registry.start());
afterAll(() => registry.stop());

const create = async () => httpBroker({ address: "127.0.0.1:0" })({ registry });

brokerContract("http", {
  create,
  settleMs: 5000,
  hostile: {
    payloads: HOSTILE,
    send: async (topic, payload) => {
      for (const { nodes } of await registry.get("micro.http.broker")) {
        for (const { id, address, metadata } of nodes) {
          if (metadata["topic"] !== topic) continue;
          const url = `http://${address}/?id=${encodeURIComponent(id)}`;
          await fetch(url, { method: "POST", headers: { connection: "close" }, body: payload as string });
        }
      }
    },
  },
});

describe.skipIf(!hasConsul)(hasConsul ? "http broker over consul" : "consul is not installed", () => {
  it.each([["read each time"], ["behind a cache"]])(
    "finds who comes and forgets who goes, %s",
    async (how) => {
      const agent = await startConsul();
      const make = () => {
        const inner = consulRegistry({ addresses: [agent.address] })();
        return how === "behind a cache" ? cached(inner) : inner;
      };
      const registries = [make(), make()] as const;
      await Promise.all(registries.map((each) => each.start()));
      const [one, two] = registries.map((each) => httpBroker({ address: "127.0.0.1:0" })({ registry: each }));
      if (one === undefined || two === undefined) throw new Error("there are two");
      await Promise.all([one.start(), two.start()]);
      const seen: string[] = [];
      await one.publish("orders", message("nobody"));
      const all = await one.subscribe("orders", (event) => void seen.push(`all ${textOf(event)}`));
      await two.subscribe("orders", (event) => void seen.push(`q ${textOf(event)}`), { queue: "q" });
      let tries = 0;
      await eventually(20_000, async () => {
        seen.length = 0;
        await two.publish("orders", message(`m${++tries}`));
        await eventually(300, () => expect([...seen].sort()).toEqual([`all m${tries}`, `q m${tries}`]));
      });
      await all.close();
      await eventually(20_000, async () => {
        seen.length = 0;
        await two.publish("orders", message(`m${++tries}`));
        await eventually(300, () => expect(seen).toEqual([`q m${tries}`]));
      });
      await Promise.all([one.stop(), two.stop()]);
      await Promise.all(registries.map((each) => each.stop()));
      await agent.stop();
    },
    60_000,
  );
});

describe("http broker", () => {
  it("reaches a subscriber whose process was killed and is there again at the same address", async () => {
    const publisher = await create();
    await publisher.start();
    const seen: string[] = [];
    const subscriberAt = async (address: string) => {
      const broker = httpBroker({ address })({ registry });
      await broker.start();
      await broker.subscribe("restarted", (event) => void seen.push(textOf(event)));
      return broker;
    };
    const first = await subscriberAt("127.0.0.1:0");
    const [record] = await registry.get("micro.http.broker");
    const address = record?.nodes.find(({ metadata }) => metadata["topic"] === "restarted")?.address ?? "";
    await publisher.publish("restarted", message("one"));
    await eventually(5000, () => expect(seen).toEqual(["one"]));
    await first.stop();
    // It says no goodbye: it stays registered, and cannot be reached.
    const record2 = record ?? { name: "", version: "", metadata: {}, endpoints: [], nodes: [] };
    await registry.register(record2);
    await publisher.publish("restarted", message("two"));
    const second = await subscriberAt(address);
    await eventually(5000, async () => {
      await publisher.publish("restarted", message("three"));
      expect(seen).toContain("three");
    });
    await registry.deregister(record2);
    await second.stop();
    await publisher.stop();
  });

  it("stays registered for 60 s, renewed every 30 s", async () => {
    const registered: (number | undefined)[] = [];
    const watched: Registry = {
      ...registry,
      register: async (service, options) => {
        registered.push(options?.ttlMs);
        await registry.register(service, options);
      },
    };
    const clock = manualClock();
    const broker = httpBroker({ address: "127.0.0.1:0", eras: ["v2.5"] })({ registry: watched, clock });
    await broker.start();
    await broker.subscribe("renewed", () => {});
    expect(registered).toEqual([60_000]);
    await clock.advance(31_000);
    expect(registered).toEqual([60_000, 60_000]);
    await clock.advance(30_000);
    expect(registered.length).toBe(3);
    await broker.stop();
    expect((await registry.list()).includes("micro.http.broker")).toBe(false);
  });

  it("says that the registry is away", async () => {
    const away = async () => {
      throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    };
    const { peek: _, ...rest } = registry;
    const broker = httpBroker({ address: "127.0.0.1:0" })({
      registry: { ...rest, get: away, register: away, watch: away },
    });
    await broker.start();
    await expect(broker.publish("a", message("x"))).rejects.toMatchObject({ code: "unavailable" });
    await expect(broker.subscribe("a", () => {})).rejects.toMatchObject({ code: "unavailable" });
    await broker.stop();
  });

  it("says where it cannot listen", async () => {
    const broker = httpBroker({ address: "nowhere" })({ registry });
    await broker.start();
    await expect(broker.subscribe("a", () => {})).rejects.toMatchObject({ code: "invalid_argument" });
    await broker.stop();
  });
});
