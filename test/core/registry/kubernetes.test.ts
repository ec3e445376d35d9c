import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { silent } from "../../../src/core/log.ts";
import { cached } from "../../../src/core/registry/cache.ts";
import { type KubernetesRegistryInit, kubernetesRegistry } from "../../../src/core/registry/kubernetes.ts";
import type { Registry, RegistryEvent, ServiceRecord, Watcher } from "../../../src/core/registry/registry.ts";
import { record, registryContract, rich } from "../../contract/registry.contract.ts";
import { manualClock } from "../../fakes/clock.ts";
import { hasKubeApiserver, type KubeApiserver, startKubeApiserver } from "../../fakes/kube-apiserver.ts";
import { type KubernetesApi, startKubernetesApi } from "../../fakes/kubernetes-api.ts";

const without = {
  ttl: "it plays no part, wire.md §2.5",
  versions: "a pod has room for one version of a service, wire.md §2.5",
};
const GREETER = "go.micro.srv.greeter";
const registries: Registry[] = [];
const apis: KubernetesApi[] = [];

async function api(...pods: readonly string[]): Promise<KubernetesApi> {
  const one = await startKubernetesApi();
  apis.push(one);
  for (const pod of pods) one.addPod(pod);
  return one;
}
function on(one: { readonly address: string }, init: KubernetesRegistryInit = {}, parts = {}): Registry {
  const registry = kubernetesRegistry({ addresses: [one.address], account: "/nowhere", pod: "pod-1", ...init })(parts);
  registries.push(registry);
  return registry;
}
afterEach(async () => {
  await Promise.all(registries.splice(0).map((each) => each.stop()));
});
afterAll(async () => {
  await Promise.all(apis.splice(0).map((each) => each.close()));
});

const shared = api("pod-1");
registryContract("kubernetes, a fake API", {
  create: async () => kubernetesRegistry({ addresses: [(await shared).address], account: "/nowhere", pod: "pod-1" })(),
  advance: (ms) => sleep(ms),
  settleMs: 3000,
  without,
});

describe("services on pods", () => {
  it("patches its pod as Go does", async () => {
    const one = await api("pod-1");
    const registry = on(one);
    const service = { ...record(GREETER, "1.0.0", 1) };
    await registry.register(service, { ttlMs: 1000 });
    expect(one.requests).toEqual(["PATCH /api/v1/namespaces/default/pods/pod-1"]);
    expect(one.pod("pod-1")?.metadata.labels).toEqual({
      "micro.mu/type": "service",
      [`micro.mu/selector-${GREETER}`]: "service",
    });
    const annotation = one.pod("pod-1")?.metadata.annotations[`micro.mu/service-${GREETER}`];
    expect(JSON.parse(annotation ?? "")).toEqual({ ...service, endpoints: [] });
    await registry.get(GREETER);
    expect(one.requests.at(-1)).toContain(`?labelSelector=micro.mu/selector-${GREETER}=service`);
    await registry.deregister(service);
    expect(one.pod("pod-1")?.metadata).toMatchObject({ labels: { "micro.mu/type": "service" }, annotations: {} });
  });

  it("reads what Go wrote", async () => {
    const one = await api("go");
    const text = `{"name":"${GREETER}","version":"1.0.0","metadata":null,"endpoints":[],"nodes":[{"id":"g-1","address":"10.0.0.5:9090","metadata":{"protocol":"mucp"}}]}`;
    const labels = { "micro.mu/type": "service", [`micro.mu/selector-${GREETER}`]: "service" };
    one.annotate("go", { [`micro.mu/service-${GREETER}`]: text }, labels);
    const nodes = [{ id: "g-1", address: "10.0.0.5:9090", metadata: { protocol: "mucp" } }];
    expect(await on(one).get(GREETER)).toEqual([
      { name: GREETER, version: "1.0.0", metadata: {}, endpoints: [], nodes },
    ]);
    expect(await on(one).list()).toEqual([GREETER]);
  });

  it("joins the nodes of one pod in one annotation, and versions of several pods", async () => {
    const one = await api("pod-1", "pod-2");
    const [first, second] = [on(one), on(one, { pod: "pod-2" })];
    await Promise.all([first.register(record("foo", "1", 1)), first.register(record("foo", "1", 2))]);
    await second.register(record("foo", "2", 3));
    await second.register(record("foo bar/éx", "2", 4));
    const show = (versions: readonly ServiceRecord[]) =>
      versions.map(({ version, nodes }) => [version, ...nodes.map(({ id }) => id)].join(" ")).sort();
    expect(show(await first.get("foo"))).toEqual(["1 foo-1 foo-2", "2 foo-3"]);
    expect(await first.list()).toEqual(["foo", "foo bar/éx"]);
    expect(Object.keys(one.pod("pod-2")?.metadata.annotations ?? {})).toContain("micro.mu/service-foo_bar___x");
    await first.register(record("foo", "3", 1));
    expect(show(await first.get("foo"))).toEqual(["2 foo-3", "3 foo-1"]);
    // Another process in the pod takes it out; it knows nothing but what the pod says.
    await on(one, { pod: "pod-2" }).deregister(record("foo", "2", 3));
    expect(show(await first.get("foo"))).toEqual(["3 foo-1"]);
  });

  it("sees only pods that run, and tells when one stops running or goes", async () => {
    const one = await api("pod-1", "pod-2");
    one.addPod("pod-3", "Pending");
    await on(one, { pod: "pod-3" }).register(record("foo", "1", 3));
    const registry = on(one);
    await expect(registry.get("foo")).rejects.toMatchObject({ code: "not_found" });
    const seen = read(await registry.watch());
    await registry.register(record("foo", "1", 1));
    await on(one, { pod: "pod-2" }).register(record("foo", "1", 2));
    await within(2000, async () => expect(seen).toEqual(["create foo-1", "update foo-1 foo-2"]));
    one.setPhase("pod-3", "Running");
    await within(2000, async () => expect(seen.at(-1)).toBe("update foo-1 foo-2 foo-3"));
    one.setPhase("pod-1", "Failed");
    await within(2000, async () => expect(seen.at(-1)).toBe("delete foo-1"));
    one.removePod("pod-2");
    await within(2000, async () => expect(seen.at(-1)).toBe("delete foo-2"));
  });

  it("passes over garbage, with one warning for each place", async () => {
    const one = await api("pod-1", "pod-2");
    const annotations = { "micro.mu/service-foo": "<html>", "micro.mu/service-bar": "{}", other: "1" };
    one.annotate("pod-2", annotations, { "micro.mu/type": "service", "micro.mu/selector-foo": "service" });
    const warned: object[] = [];
    const registry = on(one, {}, { log: { ...silent, warn: (fields: object) => void warned.push(fields) } });
    await registry.register(record("foo", "1", 1));
    const watcher = await registry.watch();
    expect([...(watcher.initial?.keys() ?? [])]).toEqual(["foo"]);
    const seen = read(watcher);
    await within(2000, async () => expect(one.watching).toBe(1));
    one.frame('{"type":"STRANGE","object":{}}\n{"type":"ADDED","object":7}\n{}\n');
    for (let i = 0; i < 3; i += 1) expect(await registry.list()).toEqual(["foo"]);
    expect(await registry.get("foo")).toHaveLength(1);
    await registry.register(record("foo", "1", 2));
    await within(2000, async () => expect(seen).toEqual(["update foo-1 foo-2"]));
    expect(warned).toHaveLength(2);
  });

  it.each(["stream", "status"] as const)("lists again when a watch is told 410 Gone (%s)", async (how) => {
    const one = await api("pod-1", "pod-2");
    const registry = on(one);
    await registry.register(record("foo", "1", 1));
    const seen = read(await registry.watch());
    await within(2000, async () => expect(one.watching).toBe(1));
    one.misbehave("drop");
    one.cut();
    one.misbehave(undefined);
    one.compact(how);
    one.removePod("pod-1");
    await on(one, { pod: "pod-2" }).register(record("bar", "1", 1));
    await within(5000, async () => expect([...seen].sort()).toEqual(["create bar-1", "delete foo-1"]));
    await on(one, { pod: "pod-2" }).register(record("bar", "1", 2));
    await within(5000, async () => expect(seen).toContain("update bar-2"));
  });

  it("goes on where it was when a watch is cut, without listing again", async () => {
    const one = await api("pod-1");
    const registry = on(one);
    const seen = read(await registry.watch());
    for (let n = 1; n <= 3; n += 1) {
      await within(2000, async () => expect(one.watching).toBe(1));
      one.cut();
      await within(2000, () => registry.register(record("foo", "1", n)));
      await within(3000, async () => expect(seen).toHaveLength(n));
    }
    expect(one.requests.filter((line) => line.startsWith("GET") && !line.includes("watch=true"))).toHaveLength(1);
  });

  it("answers from memory while the API is gone, and is true again when it is back", async () => {
    const one = await api("pod-1");
    const registry = on(one);
    const cache = cached(on(one));
    await registry.register(record("foo", "1", 1));
    await cache.start();
    one.misbehave({ status: 503, body: "no etcd" });
    one.cut();
    await within(5000, async () => expect(cache.lostAt).toBeDefined());
    expect(await cache.list()).toEqual(["foo"]);
    await expect(registry.register(record("foo", "1", 1))).rejects.toMatchObject({ code: "unavailable" });
    one.misbehave(undefined);
    await registry.register(record("bar", "1", 1));
    await within(10_000, async () => expect(await cache.list()).toEqual(["bar", "foo"]));
    expect(cache.lostAt).toBeUndefined();
    await cache.stop();
  });

  it("notices a watch that went silent", async () => {
    const clock = manualClock();
    const one = await api("pod-1");
    const watcher = await on(one, {}, { clock }).watch();
    await within(2000, async () => expect(one.watching).toBe(1));
    const ended = expect(
      (async () => {
        for await (const _ of watcher);
      })(),
    ).rejects.toMatchObject({ code: "unavailable", message: expect.stringMatching(/silent/) });
    await clock.advance(70_001);
    await ended;
  });

  it("does not storm an API that ends every watch at once", async () => {
    const one = await api("pod-1");
    const registry = on(one);
    await registry.watch();
    const until = performance.now() + 1000;
    while (performance.now() < until) {
      one.cut();
      await sleep(5);
    }
    expect(one.requests.length).toBeLessThan(15);
  });

  it("reads 10,000 pods in pages", async () => {
    const one = await api("pod-1");
    for (let n = 0; n < 10_000; n += 1) {
      one.addPod(`p${n}`);
      const annotations = { [`micro.mu/service-s${n}`]: JSON.stringify(record(`s${n}`, "1", 1)) };
      one.annotate(`p${n}`, annotations, { "micro.mu/type": "service", [`micro.mu/selector-s${n}`]: "service" });
    }
    const registry = on(one);
    const began = performance.now();
    const watcher = await registry.watch();
    expect(watcher.initial?.size).toBe(10_000);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(one.requests.filter((line) => line.startsWith("GET"))).toHaveLength(20);
  }, 60_000);
});

describe("who may ask", () => {
  it("takes the token and the namespace of the service account, and the new token when it rotates", async () => {
    const account = await mkdtemp(join(tmpdir(), "micro-account-"));
    const clock = manualClock();
    const one = await api("pod-1");
    await writeFile(join(account, "token"), "first\n");
    await writeFile(join(account, "namespace"), "default\n");
    one.demand("first");
    const registry = on(one, { account }, { clock });
    await registry.start();
    expect(await registry.list()).toEqual([]);
    // The old token is refused before the file was due to be read again.
    await writeFile(join(account, "token"), "second");
    one.demand("second");
    expect(await registry.list()).toEqual([]);
    // The old one is still good, and not used any more after a minute.
    await writeFile(join(account, "token"), "third");
    await clock.advance(61_000);
    expect(await registry.list().catch((error: { code: string }) => error.code)).toBe("unauthenticated");
    one.demand("third");
    expect(await registry.list()).toEqual([]);
    await rm(account, { recursive: true });
  });

  it("says what is wrong, and never shows the token", async () => {
    const one = await api("pod-1");
    one.demand("right");
    const registry = on(one, { token: "s3cret-token" });
    const error = await registry.list().catch((e: unknown) => e as Error);
    expect(error).toMatchObject({ code: "unauthenticated" });
    expect(`${String(error)} ${registry.where}`).not.toContain("s3cret");
    const fileless = on(one, { tokenFile: "/nowhere/token" });
    await expect(fileless.start()).rejects.toThrow(/\/nowhere\/token/);
    const elsewhere = on(one, { token: "right", pod: "pod-9" });
    await expect(elsewhere.register(record("foo", "1", 1))).rejects.toThrow(/no pod "pod-9"/);
    const endless = record("x".repeat(60), "1", 1);
    await expect(on(one, { token: "right" }).register(endless)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(on(one, { token: "right" }).get(endless.name)).rejects.toMatchObject({ code: "not_found" });
  });

  it.each([
    ["silence", "hang", "timeout"],
    ["a connection that is dropped", "drop", "unavailable"],
    ["an answer that is cut off", "cut", "unavailable"],
    ["a store that is down", { status: 500, body: "etcdserver: no leader" }, "unavailable"],
    ["another kind of server", { status: 200, body: "<html>" }, "unavailable"],
    ["JSON of another shape", { status: 200, body: "[]" }, "unavailable"],
    ["too many questions", { status: 429, body: "" }, "exhausted"],
    ["a forbidden pod", { status: 403, body: '{"message":"pods is forbidden"}' }, "permission_denied"],
  ] as const)("ends in time for %s", async (_, mischief, code) => {
    const one = await api("pod-1");
    const registry = on(one, { timeoutMs: 300 });
    one.misbehave(mischief);
    await expect(registry.list()).rejects.toMatchObject({ code });
    await expect(registry.register(record("foo", "1", 1))).rejects.toMatchObject({ code: expect.stringMatching(/./) });
    await expect(registry.watch({ timeoutMs: 700 })).rejects.toMatchObject({ code: expect.stringMatching(/./) });
    one.misbehave(undefined);
    expect(await registry.list()).toEqual([]);
  });

  it("goes to the next address, and says where when nobody is there", async () => {
    const one = await api("pod-1");
    const addresses = ["https://127.0.0.1:1", one.address];
    expect(await on(one, { addresses }).list()).toEqual([]);
    const nobody = on(one, { addresses: ["127.0.0.1:1"] });
    await expect(nobody.list()).rejects.toThrow("kubernetes at 127.0.0.1:1 cannot be reached (ECONNREFUSED)");
    await expect(nobody.watch()).rejects.toMatchObject({ code: "unavailable" });
    expect(() => on(one, { addresses: ["https://host/path"] })).toThrow(/https:\/\/host:port/);
  });
});

describe.skipIf(!hasKubeApiserver)(
  `kubernetes, a real API server${hasKubeApiserver ? "" : " (skipped: .ci/kube-apiserver was not run here)"}`,
  () => {
    let server: KubeApiserver;
    beforeAll(async () => {
      server = await startKubeApiserver();
      for (const pod of ["pod-1", "pod-2", "pod-3"]) await server.addPod(pod);
    }, 150_000);
    afterAll(() => server?.stop());
    const real = (init: KubernetesRegistryInit = {}): Registry => {
      const { address, token, ca } = server;
      return on({ address }, { token, ca, ...init });
    };

    registryContract("kubernetes", {
      create: async () => {
        const { address, token, ca } = server;
        return kubernetesRegistry({ addresses: [address], token, ca, pod: "pod-1", account: "/nowhere" })();
      },
      advance: (ms) => sleep(ms),
      settleMs: 10_000,
      without,
    });

    it("keeps versions of two pods apart, and tells what becomes of the pods", async () => {
      const [first, second] = [real(), real({ pod: "pod-2" })];
      const seen = read(await first.watch());
      await first.register(rich("both", "1"));
      await second.register(record("both", "2", 2));
      expect((await first.get("both")).map(({ version }) => version).sort()).toEqual(["1", "2"]);
      await within(10_000, async () => expect(seen).toHaveLength(2));
      await server.setPhase("pod-2", "Failed");
      await within(10_000, async () => expect(seen.at(-1)).toBe("delete both-2"));
      await server.setPhase("pod-2", "Running");
      await within(10_000, async () => expect(seen.at(-1)).toBe("create both-2"));
      await server.removePod("pod-2");
      await within(10_000, async () => expect(seen.at(-1)).toBe("delete both-2"));
      await first.deregister(rich("both", "1"));
      expect(await first.list()).toEqual([]);
    }, 60_000);

    it("refuses who has no rights, a wrong token, an unknown certificate and a name that is too long", async () => {
      const poor = real({ token: server.powerless });
      await expect(poor.list()).rejects.toMatchObject({ code: "permission_denied" });
      await expect(real({ token: "wrong" }).list()).rejects.toMatchObject({ code: "unauthenticated" });
      const stranger = on({ address: server.address }, { token: server.token });
      await expect(stranger.list()).rejects.toMatchObject({ code: "unavailable" });
      const endless = record("x".repeat(60), "1", 1);
      await expect(real().register(endless)).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(real().get(endless.name)).rejects.toMatchObject({ code: "not_found" });
      await expect(real({ pod: "nobody" }).register(record("foo", "1", 1))).rejects.toThrow(/no pod "nobody"/);
    });

    it("survives kill -9 and a restart, with what happened in between, also when its history is gone", async () => {
      const registry = real({ pod: "pod-3" });
      const cache = cached(real());
      await registry.register(record("stays", "1", 1));
      await cache.start();
      expect(await cache.list()).toEqual(["stays"]);
      await server.kill();
      await within(20_000, async () => expect(cache.lostAt).toBeDefined());
      expect(await cache.list()).toEqual(["stays"]);
      await server.restart();
      await registry.register(record("comes", "1", 1), { timeoutMs: 20_000 });
      await within(30_000, async () => expect(await cache.list()).toEqual(["comes", "stays"]));
      expect(cache.lostAt).toBeUndefined();

      await server.kill();
      await server.restart();
      await registry.deregister(record("stays", "1", 1), { timeoutMs: 20_000 });
      await server.compact();
      await within(30_000, async () => expect(await cache.list()).toEqual(["comes"]));
      await registry.deregister(record("comes", "1", 1));
      await within(10_000, async () => expect(await cache.list()).toEqual([]));
      await cache.stop();
    }, 180_000);

    it("gives up in time when the server is frozen", async () => {
      const registry = real({ timeoutMs: 500 });
      await registry.list({ timeoutMs: 5000 });
      server.freeze();
      await expect(registry.list()).rejects.toMatchObject({ code: "timeout" });
      await expect(registry.register(record("foo", "1", 1))).rejects.toMatchObject({ code: "timeout" });
      server.thaw();
      await within(20_000, async () => expect(Array.isArray(await registry.list())).toBe(true));
      await registry.deregister(record("foo", "1", 1), { timeoutMs: 10_000 });
    }, 60_000);
  },
);

function read(watcher: Watcher): string[] {
  const seen: string[] = [];
  const line = ({ action, service }: RegistryEvent) => `${action} ${service.nodes.map(({ id }) => id).join(" ")}`;
  void (async () => {
    for await (const event of watcher) seen.push(line(event));
  })().catch(() => {}); // stopping ends it
  return seen;
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
