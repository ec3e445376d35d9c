import { describe, expect, it } from "vitest";
import type { ServiceNode } from "../../../src/core/registry/registry.ts";
import { defaultSelector } from "../../../src/core/selector/default.ts";
import { random, roundRobin } from "../../../src/core/selector/strategies.ts";
import { selectorContract } from "../../contract/selector.contract.ts";

selectorContract("random", { create: (parts) => defaultSelector({ strategy: random })(parts) });
selectorContract("round robin", { create: (parts) => defaultSelector({ strategy: roundRobin })(parts) });

describe("round robin", () => {
  it("takes one after the other, and each service has a turn of its own", () => {
    const nodes = ["a", "b", "c"].map((id): ServiceNode => ({ id, address: "", metadata: {} }));
    const pick = roundRobin();
    const seen = Array.from({ length: 9 }, () => pick(nodes).id);
    for (let at = 0; at + 3 <= seen.length; at++) expect(new Set(seen.slice(at, at + 3)).size).toBe(3);
  });
});
