import { setTimeout as sleep } from "node:timers/promises";
import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cached } from "../../../src/core/registry/cache.ts";
import { consulRegistry } from "../../../src/core/registry/consul.ts";
import type { Registry } from "../../../src/core/registry/registry.ts";
import { record, registryContract, rich } from "../../contract/registry.contract.ts";
import data from "../../data/consul-tags.json" with { type: "json" };
import { type ConsulAgent, hasConsul, startConsul } from "../../fakes/consul-agent.ts";
import { fakeConsul } from "../../fakes/consul-http.ts";
import { countingProxy } from "../../fakes/counting-proxy.ts";

describe.skipIf(!hasConsul)(`a real Consul agent${hasConsul ? "" : " (skipped: consul is not installed)"}`, () => {
  let agent: ConsulAgent;
  beforeAll(async () => {
    agent = await startConsul();
  });
  afterAll(() => agent.stop());

  registryContract("consul", {
    create: async () => consulRegistry({ addresses: [agent.address] })(),
    advance: (ms) => sleep(ms),
    settleMs: 2000,
  });

  registryContract("cached(consul)", {
    create: async () => cached(consulRegistry({ addresses: [agent.address] })()),
    advance: (ms) => sleep(ms),
    settleMs: 2000,
  });
});

describe.skipIf(!hasConsul)(
  `Go Micro services in Consul${hasConsul ? "" : " (skipped: consul is not installed)"}`,
  () => {
    let agent: ConsulAgent;
    let registry: Registry;
    let cache: Registry;
    beforeAll(async () => {
      agent = await startConsul();
      registry = consulRegistry({ addresses: [agent.address] })();
      cache = cached(consulRegistry({ addresses: [agent.address] })());
      await registry.start();
      await cache.start();
    });
    afterAll(async () => {
      await cache.stop();
      await registry.stop();
      await agent.stop();
    });
    const put = (path: string, body?: unknown) => agent.http("PUT", path, body);

    it("reads what Go Micro's own bytes registered", async () => {
      await put("/v1/agent/service/register", data.registration);
      await put(`/v1/agent/check/pass/service:${data.registration.ID}?note=`);
      await within(2000, async () => {
        const versions = await registry.get("go.micro.srv.greeter");
        expect(versions).toEqual([
          {
            name: "go.micro.srv.greeter",
            version: "1.0.0",
            metadata: {},
            endpoints: [],
            nodes: [
              {
                id: "go.micro.srv.greeter-1",
                address: "10.0.0.5:9090",
                metadata: { protocol: "mucp", transport: "http" },
              },
            ],
          },
        ]);
        expect(await cache.get("go.micro.srv.greeter")).toEqual(versions);
      });
    });

    it("registers so that Go Micro's rules read it", async () => {
      const service = rich("readable", "1.0.0");
      await registry.register(service, { ttlMs: 60_000 });
      const stored = (await agent.http("GET", "/v1/agent/services")) as Record<string, Record<string, unknown>>;
      const { ID, Service, Address, Port, Tags } = stored[service.nodes[0]!.id]!;
      expect({ ID, Service, Address, Port }).toEqual({
        ID: service.nodes[0]!.id,
        Service: "readable",
        Address: "127.0.0.1",
        Port: 7100,
      });
      const byGo = decodeAsGo(Tags as string[]);
      expect(byGo.version).toBe("1.0.0");
      expect(byGo.metadata).toEqual(service.nodes[0]!.metadata);
      expect(byGo.endpoints).toEqual(["Greeter.Hello", "Greeter.Stream", "Func"]);
      const [check] = (await agent.http("GET", "/v1/health/checks/readable")) as { CheckID: string; Status: string }[];
      expect(check).toMatchObject({ CheckID: `service:${service.nodes[0]!.id}`, Status: "passing" });
      await registry.deregister(service);
    });

    it("sees a service appear and disappear through the watch, with and without a check, with foreign tags", async () => {
      const plain = { ID: "plain-1", Name: "plain", Address: "10.0.0.5", Port: 1, Tags: ["env:prod", "v=1"] };
      await put("/v1/agent/service/register", plain);
      await within(2000, async () => expect((await cache.get("plain"))[0]?.version).toBe("1"));
      await put("/v1/agent/service/deregister/plain-1");
      await within(2000, () => expect(cache.get("plain")).rejects.toMatchObject({ code: "not_found" }));
      expect(await cache.list()).not.toContain("plain");
    });

    it("notices an instance without a check whose tags another one has", async () => {
      const twin = (n: number, port = n) => ({
        ID: `twin-${n}`,
        Name: "twin",
        Address: "10.0.0.5",
        Port: port,
        Tags: ["v=1"],
      });
      await put("/v1/agent/service/register", twin(1));
      await within(2000, async () => expect(await nodesOf(cache, "twin")).toEqual(["twin-1 10.0.0.5:1"]));
      await put("/v1/agent/service/register", twin(2));
      await within(2000, async () =>
        expect(await nodesOf(cache, "twin")).toEqual(["twin-1 10.0.0.5:1", "twin-2 10.0.0.5:2"]),
      );
      await put("/v1/agent/service/register", twin(2, 22));
      await within(2000, async () =>
        expect(await nodesOf(cache, "twin")).toEqual(["twin-1 10.0.0.5:1", "twin-2 10.0.0.5:22"]),
      );
      await put("/v1/agent/service/deregister/twin-1");
      await within(2000, async () => expect(await nodesOf(cache, "twin")).toEqual(["twin-2 10.0.0.5:22"]));
      await put("/v1/agent/service/deregister/twin-2");
    });

    it("drops a killed service from get and list when its ttl check fails", async () => {
      await registry.register(record("killed", "1", 1), { ttlMs: 1500 }); // and no heartbeat ever
      await within(1000, async () => expect(await cache.list()).toContain("killed"));
      await within(5000, async () => {
        await expect(cache.get("killed")).rejects.toMatchObject({ code: "not_found" });
        expect(await cache.list()).not.toContain("killed");
      });
      await registry.register(record("killed", "1", 1), { ttlMs: 60_000 });
      await within(2000, async () => expect(await cache.list()).toContain("killed"));
      await registry.deregister(record("killed", "1", 1));
    });

    it("drops all nodes of a machine in maintenance, and takes them back", async () => {
      await registry.register(record("maintained", "1", 1), { ttlMs: 60_000 });
      await within(2000, async () => expect(await cache.list()).toContain("maintained"));
      await put("/v1/agent/maintenance?enable=true");
      await within(2000, async () => expect(await cache.list()).not.toContain("maintained"));
      await put("/v1/agent/maintenance?enable=false");
      await within(2000, async () => expect(await cache.list()).toContain("maintained"));
      await registry.deregister(record("maintained", "1", 1));
    });
  },
);

describe.skipIf(!hasConsul)(
  `a Consul agent that fails${hasConsul ? "" : " (skipped: consul is not installed)"}`,
  () => {
    it("survives kill -9 and a restart of the agent: answers from memory, registers again, is true again", async () => {
      const agent = await startConsul();
      const registry = consulRegistry({ addresses: [agent.address] })();
      const cache = cached(consulRegistry({ addresses: [agent.address] })());
      await registry.register(record("mine", "1", 1), { ttlMs: 30_000 });
      await registry.register(record("other", "1", 2), { ttlMs: 30_000 });
      await cache.start();
      expect(await cache.list()).toEqual(["consul", "mine", "other"]);
      await agent.kill();
      await within(3000, async () => expect(cache.lostAt).toBeDefined());
      expect(await cache.list()).toEqual(["consul", "mine", "other"]);
      expect(await nodesOf(cache, "mine")).toEqual(["mine-1 127.0.0.1:9001"]);
      await expect(registry.register(record("mine", "1", 1), { ttlMs: 30_000 })).rejects.toMatchObject({
        code: "unavailable",
      });
      await agent.restart();
      // The heartbeat finds its check gone and registers again; the other service never comes back.
      await registry.register(record("mine", "1", 1), { ttlMs: 30_000 });
      await within(10_000, async () => {
        expect(cache.lostAt).toBeUndefined();
        expect(await cache.list()).toEqual(["consul", "mine"]);
      });
      await cache.stop();
      await registry.stop();
      await agent.stop();
    }, 60_000);

    it("starts without an agent, says so, and finds it when it comes", async () => {
      const agent = await startConsul();
      await agent.kill();
      const cache = cached(consulRegistry({ addresses: [agent.address] })());
      await cache.start();
      expect(cache.lostAt).toBeDefined();
      await expect(cache.list()).rejects.toThrow(agent.address);
      await agent.restart();
      await within(10_000, async () => expect(await cache.list()).toEqual(["consul"]));
      await cache.stop();
      await agent.stop();
    }, 60_000);

    it("gives up in time when the agent is frozen", async () => {
      const agent = await startConsul();
      const registry = consulRegistry({ addresses: [agent.address], timeoutMs: 300 })();
      agent.freeze();
      await expect(registry.list()).rejects.toMatchObject({ code: "timeout" });
      await expect(registry.get("foo", { timeoutMs: 100 })).rejects.toMatchObject({ code: "timeout" });
      agent.thaw();
      await within(5000, async () => expect(await registry.list()).toEqual(["consul"]));
      await registry.stop();
      await agent.stop();
    }, 30_000);

    it("reads 1,000 services of 3 nodes in one pass on at most 10 connections, and then lists from memory", async () => {
      const agent = await startConsul();
      const names = Array.from({ length: 1000 }, (_, n) => `service-${String(n).padStart(4, "0")}`);
      await registerThreeEach(agent, names);
      const proxy = await countingProxy(agent.address);
      const cache = cached(consulRegistry({ addresses: [proxy.address] })());
      const began = performance.now();
      await cache.start({ timeoutMs: 30_000 });
      const startMs = performance.now() - began;
      expect(cache.lostAt).toBeUndefined();
      expect(await cache.list()).toEqual(["consul", ...names]);
      expect(await nodesOf(cache, "service-0500")).toHaveLength(3);

      const from = performance.now();
      for (let i = 0; i < 1000; i += 1) await cache.list();
      expect(performance.now() - from).toBeLessThan(5000);

      await agent.http("PUT", "/v1/catalog/deregister", { Node: "far", ServiceID: "service-0500-2" });
      await within(4000, async () => expect(await nodesOf(cache, "service-0500")).toHaveLength(2));
      expect(proxy.most).toBeLessThanOrEqual(10);
      expect(startMs).toBeLessThan(20_000);
      await cache.stop();
      await proxy.close();
      await agent.stop();
    }, 120_000);
  },
);

describe("a Consul agent that misbehaves", () => {
  const greeter = [
    {
      Node: { Node: "dev", Address: "10.0.0.5" },
      Service: { ID: "foo-1", Service: "foo", Tags: ["v=1"], Address: "", Port: 90 },
      Checks: [],
    },
  ];

  it("says where and what to look at when nobody is there", async () => {
    const registry = consulRegistry({ addresses: ["127.0.0.1:1"] })();
    await expect(registry.list()).rejects.toMatchObject({ code: "unavailable" });
    await expect(registry.list()).rejects.toThrow("consul at 127.0.0.1:1 cannot be reached (ECONNREFUSED)");
  });

  it("refuses an address that is none", () => {
    expect(() => consulRegistry({ addresses: ["http://host/path"] })()).toThrow(/host:port/);
    expect(() => consulRegistry({ addresses: ["a b"] })()).toThrow(/host:port/);
  });

  it("takes port 8500 for granted", () => {
    expect(consulRegistry()().where).toBe("consul at 127.0.0.1:8500");
    const addresses = ["10.0.0.1", "http://consul.example:80", "https://c.example"];
    expect(consulRegistry({ addresses })().where).toBe("consul at 10.0.0.1:8500, consul.example:80, c.example:8500");
  });

  it("goes to the next address when the first cannot be reached", async () => {
    const fake = await fakeConsul(() => ({ index: 1, body: { foo: [] } }));
    const registry = consulRegistry({ addresses: ["127.0.0.1:1", fake.address] })();
    expect(await registry.list()).toEqual(["foo"]);
    await registry.stop();
    await fake.close();
  });

  it("sends the token, and does not show it", async () => {
    const fake = await fakeConsul(() => ({ status: 403, body: "Permission denied", type: "text/plain" }));
    const registry = consulRegistry({ addresses: [fake.address], token: "s3cret-token" })();
    const error = await registry.list().catch((e: unknown) => e as Error);
    expect(fake.headers["x-consul-token"]).toBe("s3cret-token");
    expect(error).toMatchObject({ code: "permission_denied" });
    expect(`${String(error)} ${registry.where}`).not.toContain("s3cret-token");
    await registry.stop();
    await fake.close();
  });

  it.each([
    ["an answer that is cut off", "cut", "unavailable"],
    ["a connection that is dropped", "drop", "unavailable"],
    ["silence", "hang", "timeout"],
    ["no leader", { status: 500, body: "No cluster leader", type: "text/plain" }, "unavailable"],
    ["another kind of server", { body: "<html>", type: "text/html" }, "unavailable"],
    ["JSON of another shape", { body: [1, 2], index: 1 }, "unavailable"],
    ["an empty body", { index: 1 }, "unavailable"],
  ] as const)("ends in time for %s", async (_, answer, code) => {
    const fake = await fakeConsul(() => answer);
    const registry = consulRegistry({ addresses: [fake.address], timeoutMs: 500 })();
    await expect(registry.list()).rejects.toMatchObject({ code });
    await expect(registry.watch({ timeoutMs: 700 })).rejects.toMatchObject({
      code: expect.stringMatching(/unavailable|timeout/),
    });
    await registry.stop();
    await fake.close();
  });

  it("tries again when an idle connection was closed by the agent", async () => {
    let calls = 0;
    const fake = await fakeConsul(() => {
      calls += 1;
      return calls === 1 ? "drop" : { index: 1, body: {} };
    });
    const registry = consulRegistry({ addresses: [fake.address] })();
    expect(await registry.list()).toEqual([]);
    await registry.stop();
    await fake.close();
  });

  it("reads all again when the index goes down, and ends the watch when the agent is lost", async () => {
    let index = 100;
    let address = "10.0.0.5";
    const fake = await fakeConsul(async (_, url) => {
      // A blocking query at 100 is answered at once, with a lower index: Consul began anew.
      if (url.searchParams.get("index") === "100") {
        index = 7;
        address = "10.0.0.6";
      } else if (url.searchParams.has("index")) return "hang";
      if (url.pathname === "/v1/catalog/services") return { index, body: { foo: [] } };
      if (url.pathname === "/v1/health/state/critical") return { index, body: [] };
      return { index, body: greeter.map((entry) => ({ ...entry, Service: { ...entry.Service, Address: address } })) };
    });
    const registry = consulRegistry({ addresses: [fake.address] })();
    const watcher = await registry.watch();
    expect([...(watcher.initial?.keys() ?? [])]).toEqual(["foo"]);
    const seen: string[] = [];
    const done = (async () => {
      for await (const { action, service } of watcher) {
        seen.push(`${action} ${service.nodes[0]?.address}`);
        await fake.close();
      }
    })();
    await expect(done).rejects.toMatchObject({ code: "unavailable" });
    expect(seen).toEqual(["update 10.0.0.6:90"]);
    await registry.stop();
  });

  it("does not storm an agent that answers every blocking query at once, or tells no index", async () => {
    for (const body of [{ index: 5 }, {}]) {
      const fake = await fakeConsul((_, url) => {
        if (url.pathname === "/v1/catalog/services") return { ...body, body: {} };
        return { ...body, body: [] };
      });
      const registry = consulRegistry({ addresses: [fake.address] })();
      const watcher = await registry.watch();
      await sleep(500);
      expect(fake.requests.length).toBeLessThan(120);
      await watcher.close();
      await registry.stop();
      await fake.close();
    }
  });

  it("passes the check of what it knows, registers what is new, changed or forgotten", async () => {
    let forgotten = false;
    const fake = await fakeConsul((_, url) => {
      if (!url.pathname.startsWith("/v1/agent/check/pass") || !forgotten) return {};
      forgotten = false;
      return { status: 500, body: "unknown check", type: "text/plain" };
    });
    const registry = consulRegistry({ addresses: [fake.address] })();
    const kinds = () => fake.requests.splice(0).map((line) => line.split("/")[4]);
    const foo = record("foo", "1", 1);
    await registry.register(foo, { ttlMs: 30_000 });
    expect(kinds()).toEqual(["register", "pass"]);
    await registry.register(foo, { ttlMs: 30_000 });
    expect(kinds()).toEqual(["pass"]);
    forgotten = true;
    await registry.register(foo, { ttlMs: 30_000 });
    expect(kinds()).toEqual(["pass", "register", "pass"]);
    await registry.register({ ...foo, version: "2" }, { ttlMs: 30_000 });
    expect(kinds()).toEqual(["register", "pass"]);
    await registry.register(record("bar", "1", 2)); // no ttl: no check
    expect(kinds()).toEqual(["register"]);
    await registry.stop();
    await fake.close();
  });
});

/** What Go's decoder makes of tags: it goes by the second character of the first tag that begins with `e` or `t`. */
function decodeAsGo(tags: readonly string[]) {
  const form = (kind: string) => tags.find((tag) => tag.startsWith(kind))?.[1];
  const plain = (kind: string) =>
    tags
      .filter((tag) => tag.startsWith(kind) && tag[1] === form(kind))
      .map((tag) => (tag[1] === "=" ? tag.slice(2) : inflateSync(Buffer.from(tag.slice(2), "hex")).toString()));
  return {
    version: plain("v")[0],
    metadata: Object.assign({}, ...plain("t").map((text) => JSON.parse(text))) as Record<string, string>,
    endpoints: plain("e").map((text) => (JSON.parse(text) as { name: string }).name),
  };
}

async function nodesOf(registry: Registry, name: string): Promise<readonly string[]> {
  return (await registry.get(name)).flatMap(({ nodes }) => nodes.map(({ id, address }) => `${id} ${address}`)).sort();
}

/** Three instances of each, on a machine of their own, written to the catalogue by transactions of Consul's 64 steps. */
async function registerThreeEach(agent: ConsulAgent, names: readonly string[]): Promise<void> {
  await agent.http("PUT", "/v1/catalog/register", { Node: "far", Address: "10.0.0.5" });
  const steps = names.flatMap((name) =>
    [0, 1, 2].map((n) => ({
      Service: {
        Verb: "set",
        Node: "far",
        Service: {
          ID: `${name}-${n}`,
          Service: name,
          Address: "10.0.0.5",
          Port: 9000 + n,
          Tags: data.registration.Tags,
        },
      },
    })),
  );
  for (let at = 0; at < steps.length; at += 64) await agent.http("PUT", "/v1/txn", steps.slice(at, at + 64));
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
