import { describe, expect, it } from "vitest";
import { createGossipServices } from "../../../src/core/registry/gossip-services.ts";
import { writeService } from "../../../src/core/wire/record.ts";
import { record } from "../../contract/registry.contract.ts";

const foo = record("foo", "1", 1);
const told = (...services: readonly (typeof foo)[]) =>
  Buffer.from(JSON.stringify(Object.fromEntries(services.map((each) => [each.name, [writeService(each)]]))));

describe("gossip's services", () => {
  it("a repetition of what was removed is no news, another registration is", () => {
    const services = createGossipServices(() => {});
    services.add(foo, 30_000);
    services.remove(foo, 1000);
    services.add(foo, 30_000);
    services.replace("peer", told(foo), 90_000, 1001);
    expect(services.names()).toEqual([]);
    services.add(foo, 31_000);
    expect(services.names()).toEqual(["foo"]);
  });

  it("what a peer told lives until the peer tells it no more, or tells nothing at all", () => {
    const services = createGossipServices(() => {});
    services.replace("peer", told(foo, record("bar", "1", 2)), 90_000, 0);
    expect(services.names()).toEqual(["bar", "foo"]);
    services.replace("peer", told(foo), 120_000, 30_000);
    expect(services.names()).toEqual(["foo"]);
    services.prune(120_000);
    expect(services.names()).toEqual([]);
  });

  it("a peer's memory does not make a ttl longer", () => {
    const services = createGossipServices(() => {});
    services.add(foo, 2000);
    services.replace("peer", told(foo), 90_000, 1000);
    services.prune(2000);
    expect(services.names()).toEqual([]);
  });

  it("tells on what was registered, not what a peer remembers", () => {
    const services = createGossipServices(() => {});
    services.add(foo, 30_000);
    services.replace("peer", told(record("bar", "1", 2)), 90_000, 0);
    expect(JSON.parse(services.state(10_000).toString())).toEqual({ foo: [writeService(foo)] });
    expect(services.state(10).toString()).toBe("{}");
  });

  it("keeps a bounded number, and reads what it can of a damaged state", () => {
    const services = createGossipServices(() => {});
    for (let n = 0; n < 21_000; n++) services.add(record(`s${n}`, "1", 1), 30_000);
    expect(services.names()).toHaveLength(20_000);
    const other = createGossipServices(() => {});
    other.replace("peer", Buffer.from('{"a":[{"name":""},null,7],"b":9}'), 90_000, 0);
    expect(other.names()).toEqual([]);
    expect(() => other.replace("peer", Buffer.from("{"), 90_000, 0)).toThrow(/JSON/);
  });
});
