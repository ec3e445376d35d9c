import { describe, expect, it } from "vitest";
import { MicroError } from "../../../src/core/errors.ts";
import { examine, examineAll } from "../../../src/core/health/examine.ts";
import { memoryLast } from "../../../src/core/health/last.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { errorRecord } from "../../../src/core/wire/error.ts";
import { manualClock } from "../../fakes/clock.ts";
import { clientError, nodesThat, refused, serviceOf } from "./fake-nodes.ts";

const OK = { status: "ok" };

describe("an examination", () => {
  const own = new MicroError("internal", "no disk", { details: { record: errorRecord("payments", 500, "no disk") } });

  it("groups failing nodes by cause, counts versions, and knows who has been up for longest", async () => {
    const clock = manualClock();
    const nodes = nodesThat(
      {
        "10.0.0.1:1": OK,
        "10.0.0.2:1": refused("10.0.0.2:1"),
        "10.0.0.3:1": refused("10.0.0.3:1"),
        "10.0.0.4:1": clientError("timeout", 408, "call timeout: context deadline exceeded"),
        "10.0.0.5:1": own,
        "10.0.0.6:1": { status: "degraded" },
        "10.0.0.7:1": {},
      },
      { "10.0.0.1:1": { started: 1, uptime: 60 }, "10.0.0.7:1": { started: 1, uptime: 3600 } },
    );
    const services = serviceOf("payments", {
      "1.3.0": ["10.0.0.1:1", "10.0.0.7:1"],
      "1.4.0": ["10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1", "10.0.0.5:1", "10.0.0.6:1"],
    });
    const found = await examine({ ...nodes, clock, registry: memoryRegistry({ services })() }, "payments");
    expect(found).toMatchObject({ service: "payments", at: clock.now(), bad: 5, gone: [], depends: [] });
    expect(found.versions).toEqual([
      { version: "1.3.0", nodes: 2, bad: 0 },
      { version: "1.4.0", nodes: 5, bad: 5 },
    ]);
    expect(found.causes.map(({ cause, said, nodes: ids }) => [cause, said, ids.length])).toEqual([
      ["refused", "", 2],
      ["timeout", "", 1],
      ["failed", "no disk", 1],
      ["unwell", "degraded", 1],
    ]);
    expect(found.oldest).toEqual({ id: "a2", startedAt: clock.now() - 3_600_000 });
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  it.each([
    ["refused", refused("10.0.0.1:1")],
    ["unreachable", clientError("unavailable", 500, "connection error: dial tcp: getaddrinfo ENOTFOUND db")],
    ["unreachable", clientError("internal", 500, "read ECONNRESET")],
    [
      "unknown",
      new MicroError("internal", "x", { details: { record: errorRecord("p", 500, "rpc: can't find service Debug") } }),
    ],
    ["unknown", new MicroError("not_found", "no such endpoint")],
    [
      "failed",
      new MicroError("internal", "x", { details: { record: errorRecord("p", 500, "dial tcp db: ECONNREFUSED") } }),
    ],
    ["timeout", clientError("timeout", 408, "call timeout")],
    ["unasked", clientError("exhausted", 429, "too many")],
  ])("calls it %s", async (cause, error) => {
    const { client } = nodesThat({ "10.0.0.1:1": error });
    const registry = memoryRegistry({ services: serviceOf("p", { "1": ["10.0.0.1:1"] }) })();
    const found = await examine({ client, registry, clock: manualClock() }, "p");
    expect(found.nodes[0]).toMatchObject({ ok: false, cause });
  });

  it("has one deadline, however many nodes hang, and the others are not hurt by them", async () => {
    const hanging = Array.from({ length: 300 }, (_, at) => `10.1.0.0:${at + 1}`);
    const well = Array.from({ length: 200 }, (_, at) => `10.2.0.0:${at + 1}`);
    const { client } = nodesThat(Object.fromEntries(hanging.map((address) => [address, "hangs"])));
    // Those that hang stand first.
    const registry = memoryRegistry({ services: serviceOf("p", { "1": [...hanging, ...well] }) })();
    const began = performance.now();
    const found = await examine({ client, registry, clock: manualClock() }, "p", { timeoutMs: 400 });
    expect(performance.now() - began).toBeLessThan(2500);
    expect(found.bad).toBe(300);
    expect(found.causes).toMatchObject([{ cause: "timeout" }]);
  });

  it("ends when who asked goes", async () => {
    const { client } = nodesThat({ "10.0.0.1:1": "hangs" });
    const registry = memoryRegistry({ services: serviceOf("p", { "1": ["10.0.0.1:1"] }) })();
    const gone = new AbortController();
    const examining = examine({ client, registry, clock: manualClock() }, "p", { signal: gone.signal });
    setTimeout(() => gone.abort(), 20);
    await expect(examining).rejects.toMatchObject({ code: "cancelled" });
  });

  it("says not_found of what is not registered", async () => {
    const parts = { ...nodesThat({}), registry: memoryRegistry()(), clock: manualClock() };
    await expect(examine(parts, "p")).rejects.toMatchObject({ code: "not_found" });
  });

  it("tells since when a node has been bad, and of nodes that left", async () => {
    const clock = manualClock();
    const nodes = nodesThat({ "10.0.0.1:1": OK, "10.0.0.2:1": OK });
    const registry = memoryRegistry({ services: serviceOf("p", { "1": ["10.0.0.1:1", "10.0.0.2:1"] }) })();
    const parts = { client: nodes.client, registry, clock, last: memoryLast() };
    const first = await examine(parts, "p");
    expect(first.nodes.map(({ since, before }) => [since, before])).toEqual([
      [first.at, false],
      [first.at, false],
    ]);
    await clock.advance(60_000);
    nodes.behaviours["10.0.0.2:1"] = refused("10.0.0.2:1");
    const second = await examine(parts, "p");
    expect(second.causes[0]?.since).toBe(second.at);
    await clock.advance(60_000);
    // Another cause is no new trouble.
    nodes.behaviours["10.0.0.2:1"] = clientError("timeout", 408, "late");
    const third = await examine(parts, "p");
    expect(third.nodes).toMatchObject([
      { id: "a1", ok: true, since: first.at },
      { id: "a2", ok: false, cause: "timeout", since: second.at, before: true },
    ]);
    await clock.advance(60_000);
    const [record] = serviceOf("p", { "1": ["10.0.0.1:1", "10.0.0.2:1"] });
    if (record) await registry.deregister({ ...record, nodes: record.nodes.slice(1) });
    const fourth = await examine(parts, "p");
    expect(fourth).toMatchObject({ bad: 0, gone: [{ id: "a2", ok: false, goneAt: fourth.at }] });
    await clock.advance(3_600_000);
    expect((await examine(parts, "p")).gone).toEqual([]);
  });

  it("forgets nothing when what was known cannot be read", async () => {
    const kept: string[] = [];
    const last = { of: async () => undefined, keep: async (service: string) => void kept.push(service) };
    const registry = memoryRegistry({ services: serviceOf("p", { "1": ["10.0.0.1:1"] }) })();
    const found = await examine({ ...nodesThat({}), registry, clock: manualClock(), last }, "p");
    expect([found.bad, kept]).toEqual([0, []]);
  });

  it("reads when a node began from its metadata, without asking", async () => {
    const clock = manualClock();
    const nodes = nodesThat({ "10.0.0.1:1": OK });
    const [record] = serviceOf("p", { "1": ["10.0.0.1:1"] });
    const started = { ...record, nodes: [{ id: "a1", address: "10.0.0.1:1", metadata: { started: "1577750400" } }] };
    const registry = memoryRegistry({ services: [started as never] })();
    const found = await examine({ client: nodes.client, registry, clock }, "p");
    expect(found.oldest).toEqual({ id: "a1", startedAt: 1_577_750_400_000 });
    expect(nodes.asked).toEqual(["Debug.Health 10.0.0.1:1"]);
  });
});

it("examines all services under one deadline, without those that only subscribe to topics", async () => {
  const { client } = nodesThat({ "10.0.0.1:1": "hangs", "10.0.0.3:1": refused("10.0.0.3:1") });
  const services = [
    ...serviceOf("a", { "1": ["10.0.0.1:1"] }),
    ...serviceOf("b", { "1": ["10.0.0.2:1"] }),
    ...serviceOf("c", { "1": ["10.0.0.3:1"] }),
    ...serviceOf("topic:x", { "1": ["10.0.0.4:1"] }),
  ];
  const registry = memoryRegistry({ services })();
  const began = performance.now();
  const all = await examineAll({ client, registry, clock: manualClock() }, ["a", "b", "c", "gone", "topic:x"], {
    timeoutMs: 300,
  });
  expect(performance.now() - began).toBeLessThan(2000);
  expect([...all].map(([name, { bad }]) => [name, bad])).toEqual([
    ["a", 1],
    ["b", 0],
    ["c", 1],
  ]);
});
