import { describe, expect, it } from "vitest";
import { examine } from "../../../src/core/health/examine.ts";
import { type ExplainWith, explain, explainIn } from "../../../src/core/health/explain.ts";
import { memoryLast } from "../../../src/core/health/last.ts";
import { examineAround } from "../../../src/core/health/suspect.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { ServiceChange } from "../../../src/core/registry/service-change.ts";
import { manualClock } from "../../fakes/clock.ts";
import { type Behaviour, nodesThat, refused, serviceOf } from "./fake-nodes.ts";

const NOW = Date.UTC(2020, 0, 1);
const REFUSED = refused("x");
const change = (minutes: number, init: Partial<ServiceChange>): ServiceChange => ({
  ...{ at: NOW - minutes * 60_000, service: "p", kind: "version", words: "version 1.4.0 came" },
  ...init,
});

async function examined(versions: Record<string, readonly string[]>, behaviours: Record<string, Behaviour>) {
  const registry = memoryRegistry({ services: serviceOf("p", versions) })();
  return examine({ ...nodesThat(behaviours), registry, clock: manualClock(NOW) }, "p");
}

describe("an explanation", () => {
  it.each<[string, Record<string, readonly string[]>, readonly string[], ExplainWith, string, readonly string[]]>([
    ["nothing", { "1": ["10.0.0.1:1", "10.0.0.1:2"] }, [], {}, "p is well: all 2 nodes answer", []],
    [
      "a version",
      { "1.3.0": ["10.0.0.1:1"], "1.4.0": ["10.0.0.1:2", "10.0.0.2:1"] },
      ["10.0.0.1:2", "10.0.0.2:1"],
      { changes: [change(6, { version: "1.4.0" })] },
      "p: 2 of 3 nodes are not well",
      [
        "2 nodes refuse connections: a2 at 10.0.0.1:2, a3 at 10.0.0.2:1",
        "likely: all 2 failing nodes run 1.4.0, which came 6 min ago, and no node that is well does",
        "2 versions run: 1.3.0 (1 node), 1.4.0 (2 nodes)",
        "6 min ago: version 1.4.0 came",
      ],
    ],
    [
      "a machine",
      { "1": ["10.0.0.1:1", "10.0.0.7:1", "10.0.0.7:2"] },
      ["10.0.0.7:1", "10.0.0.7:2"],
      {},
      "p: 2 of 3 nodes are not well",
      [
        "2 nodes refuse connections: a2 at 10.0.0.7:1, a3 at 10.0.0.7:2",
        "likely: all 2 failing nodes are on 10.0.0.7, and none that is well is",
      ],
    ],
    [
      "no version, where all run it and it did not come lately",
      { "1": ["10.0.0.1:1"] },
      ["10.0.0.1:1"],
      {},
      "p is not well: its only node fails",
      ["1 node refuses connections: a1 at 10.0.0.1:1"],
    ],
    [
      "no version of which a node was begun anew",
      { "1": ["10.0.0.1:1"] },
      ["10.0.0.1:1"],
      { changes: [change(40, { kind: "came", version: "1", words: "node a1 came in the stead of a0" })] },
      "p is not well: its only node fails",
      ["1 node refuses connections: a1 at 10.0.0.1:1", "40 min ago: node a1 came in the stead of a0"],
    ],
    [
      "another service",
      { "1": ["10.0.0.1:1", "10.0.0.2:1"] },
      ["10.0.0.1:1", "10.0.0.2:1"],
      { suspect: { service: "db", path: ["orders", "db"], headline: "db: all 2 nodes fail" } },
      "p: all 2 nodes fail",
      [
        "2 nodes refuse connections: a1 at 10.0.0.1:1, a2 at 10.0.0.2:1",
        "likely first failing service: db, which p needs, by orders (db: all 2 nodes fail)",
      ],
    ],
  ])("blames %s", async (_what, versions, bad, init, headline, lines) => {
    const found = await examined(versions, Object.fromEntries(bad.map((address) => [address, REFUSED])));
    expect(explain(found, init)).toEqual({ well: bad.length === 0, headline, lines });
  });

  it("tells since when, what came right before, what left, and who has just begun", async () => {
    const clock = manualClock(NOW - 120_000);
    const last = memoryLast();
    const stats: Record<string, object> = { "10.0.0.1:1": { uptime: 90_000 }, "10.0.0.3:1": { uptime: 40 } };
    const nodes = nodesThat({}, stats);
    const [record] = serviceOf("p", { "1": ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"] });
    const registry = memoryRegistry({ services: record ? [record] : [] })();
    const parts = { client: nodes.client, registry, clock, last };
    await examine(parts, "p", { uptime: false });
    if (record) await registry.deregister({ ...record, nodes: record.nodes.slice(1, 2) });
    nodes.behaviours["10.0.0.3:1"] = REFUSED;
    await clock.advance(30_000);
    await examine(parts, "p", { uptime: false });
    nodes.behaviours["10.0.0.3:1"] = { status: "ok" };
    nodes.behaviours["10.0.0.1:1"] = { status: "stuck\nhere" };
    await clock.advance(90_000);
    const found = await examine(parts, "p");
    const moved = change(0, { at: NOW - 20_000, kind: "metadata", words: "metadata of node a1 changed: zone" });
    expect(explain(found, { changes: [moved] }).lines).toEqual([
      '1 node says "stuck here" of itself since now: a1 at 10.0.0.1:1',
      "it began 20 s after this: metadata of node a1 changed: zone",
      "1 node that was there before left: a2 90 s ago",
      "1 node began lately: a3 40 s ago",
      "the oldest node is a3, up for 40 s",
      "20 s ago: metadata of node a1 changed: zone",
    ]);
  });

  it("fits into as many lines as there are", async () => {
    const found = await examined({ "1": ["10.0.0.1:1"], "2": ["10.0.0.2:1"] }, { "10.0.0.2:1": REFUSED });
    const all = explainIn(9, found);
    expect(all[0]).toBe("p: 1 of 2 nodes is not well");
    expect(all).toHaveLength(4);
    expect(explainIn(3, found)).toEqual([...all.slice(0, 2), "and 2 more lines: `why is p unhealthy`"]);
  });
});

describe("the first failing service", () => {
  const services = [
    ...serviceOf("web", { "1": ["w:1"] }, { depends: "orders, cache" }),
    ...serviceOf("go.micro.srv.orders", { "1": ["o:1"] }, { dependencies: "db" }),
    ...serviceOf("db", { "1": ["d:1", "d:2"] }, { depends: "web" }),
    ...serviceOf("cache", { "1": ["c:1"] }),
  ];
  const around = (bad: readonly string[], may?: (name: string) => boolean) =>
    examineAround(
      {
        ...nodesThat(Object.fromEntries(bad.map((address) => [address, REFUSED]))),
        registry: memoryRegistry({ services })(),
        clock: manualClock(NOW),
      },
      "web",
      may ? { may } : {},
    );

  it.each<[readonly string[], readonly string[] | undefined]>([
    [
      ["w:1", "o:1", "d:1", "d:2"],
      ["go.micro.srv.orders", "db"],
    ],
    [["w:1", "o:1"], ["go.micro.srv.orders"]],
    // One that is well is not the way to one that fails.
    [["w:1", "d:1"], undefined],
    [["w:1", "c:1"], ["cache"]],
    [["w:1"], undefined],
    [["o:1", "d:1"], undefined],
  ])("of %j is found by %j", async (bad, path) => {
    expect((await around(bad)).suspect?.path).toEqual(path);
  });

  it("is not mentioned to whom it is not to be mentioned", async () => {
    expect((await around(["w:1", "o:1"], (name) => name !== "go.micro.srv.orders")).suspect).toBeUndefined();
  });
});
