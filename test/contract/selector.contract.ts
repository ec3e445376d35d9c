import { describe, expect, it } from "vitest";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry, ServiceNode, ServiceRecord } from "../../src/core/registry/registry.ts";
import { byEndpoint, byLabel, byVersion } from "../../src/core/selector/filters.ts";
import type { Selector } from "../../src/core/selector/selector.ts";
import { type ManualClock, manualClock } from "../fakes/clock.ts";

export interface SelectorSubject {
  create(parts: { readonly registry: Registry; readonly clock: ManualClock }): Selector;
}

const node = (id: string, metadata: Record<string, string> = {}): ServiceNode => ({
  id,
  address: `127.0.0.1:${1000 + id.length}`,
  metadata: { protocol: "mucp", server: "mucp", ...metadata },
});
const version = (name: string, nodes: readonly ServiceNode[], endpoint = "A.B"): ServiceRecord => ({
  name: "svc",
  version: name,
  metadata: {},
  endpoints: [{ name: endpoint, metadata: {} }],
  nodes,
});

/** The definition of a selector. */
export function selectorContract(name: string, { create }: SelectorSubject): void {
  describe(`${name} is a selector:`, () => {
    async function selecting(services: readonly ServiceRecord[]) {
      const clock = manualClock();
      const registry = memoryRegistry({ services })();
      await registry.start();
      const selector = create({ registry, clock });
      const pick = async (options = {}) => (await selector.select("svc", options)).id;
      const picks = async (count: number, options = {}) => {
        const ids: string[] = [];
        for (let index = 0; index < count; index++) ids.push(await pick(options));
        return ids;
      };
      return { selector, clock, pick, picks };
    }
    const three = [version("1", [node("a"), node("b")]), version("2", [node("c")], "C.D")];

    it("chooses among all nodes of all versions", async () => {
      const { picks } = await selecting(three);
      const seen = await picks(300);
      for (const id of ["a", "b", "c"]) expect(seen.filter((found) => found === id).length).toBeGreaterThan(40);
    });

    it("narrows by version, label and endpoint", async () => {
      const { picks } = await selecting([
        version("1", [node("a", { zone: "x" }), node("b")]),
        version("2", [node("c")], "C.D"),
      ]);
      expect(new Set(await picks(40, { filters: [byVersion("2")] }))).toEqual(new Set(["c"]));
      expect(new Set(await picks(40, { filters: [byLabel("zone", "x")] }))).toEqual(new Set(["a"]));
      expect(new Set(await picks(40, { filters: [byEndpoint("A.B")] }))).toEqual(new Set(["a", "b"]));
      await expect(picks(1, { filters: [byVersion("3")] })).rejects.toMatchObject({ code: "unavailable" });
    });

    it("does not choose what was tried already", async () => {
      const { picks } = await selecting(three);
      expect(new Set(await picks(40, { exclude: new Set(["a", "c"]) }))).toEqual(new Set(["b"]));
      await expect(picks(1, { exclude: new Set(["a", "b", "c"]) })).rejects.toMatchObject({ code: "unavailable" });
    });

    it("avoids a node that failed for ten seconds, but not if it is the only one", async () => {
      const { selector, clock, picks } = await selecting(three);
      selector.mark("svc", node("a"), "failed");
      expect(await picks(60)).not.toContain("a");
      selector.mark("svc", node("b"), "failed");
      selector.mark("svc", node("c"), "failed");
      expect(new Set(await picks(100)).size).toBe(3);
      selector.mark("svc", node("b"), "ok");
      expect(new Set(await picks(60))).toEqual(new Set(["b"]));
      await clock.advance(10_001);
      expect(await picks(100)).toContain("a");
    });

    it("never chooses what is no RPC server (wire.md §11 trap 15)", async () => {
      const broker: ServiceNode = {
        id: "broker",
        address: "x:1",
        metadata: { broker: "http", topic: "t", secure: "false" },
      };
      const web: ServiceNode = { id: "web", address: "x:2", metadata: { server: "http" } };
      const old: ServiceNode = { id: "old", address: "x:3", metadata: {} };
      const { picks } = await selecting([version("1", [broker, web, old])]);
      expect(new Set(await picks(40))).toEqual(new Set(["old"]));
      const none = await selecting([version("1", [broker])]);
      await expect(none.pick()).rejects.toMatchObject({ code: "unavailable" });
    });

    it("says that there is no such service", async () => {
      const { pick } = await selecting([]);
      await expect((async () => pick())()).rejects.toMatchObject({ code: "not_found" });
    });
  });
}
