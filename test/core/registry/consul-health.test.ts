import { monitorEventLoopDelay } from "node:perf_hooks";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCatalogue } from "../../../src/core/registry/consul-catalogue.ts";
import { createHealthDecoder, decodeCatalogue, decodeHealth } from "../../../src/core/registry/consul-health.ts";
import { encodeTags } from "../../../src/core/registry/consul-tags.ts";
import { rich } from "../../contract/registry.contract.ts";

const bytes = (json: unknown) => Buffer.from(JSON.stringify(json));
const machine = { Node: "dev", Address: "10.9.9.9" };
const check = (id: string, status: string) => ({ Node: "dev", CheckID: id, Status: status });
const instance = (id: string, more: object = {}) => ({
  ID: id,
  Service: "foo",
  Tags: ["v=1"],
  Address: "10.0.0.5",
  Port: 90,
  ...more,
});

describe("what Consul says about a service", () => {
  it("groups nodes by version and drops those with a critical check", () => {
    const { versions, critical, machines } = decodeHealth(
      "foo",
      bytes([
        {
          Node: machine,
          Service: instance("a"),
          Checks: [check("serfHealth", "passing"), check("service:a", "passing")],
        },
        { Node: machine, Service: instance("b"), Checks: [check("service:b", "warning")] },
        { Node: machine, Service: instance("c"), Checks: [check("service:c", "critical")] },
        { Node: machine, Service: instance("d", { Tags: ["v=2"] }), Checks: [check("service:d", "critical")] },
        { Node: machine, Service: instance("e", { Tags: null }), Checks: null },
        { Node: machine, Service: instance("f", { Service: "other" }), Checks: [] },
      ]),
    );
    expect(versions.map(({ version, nodes }) => [version, ...nodes.map(({ id }) => id)])).toEqual([
      ["1", "a", "b"],
      ["", "e"],
    ]);
    expect(critical).toHaveLength(2);
    expect(machines).toEqual(["dev"]);
  });

  it("drops every node of a machine whose own check is critical", () => {
    const entry = { Node: machine, Service: instance("a"), Checks: [check("serfHealth", "critical")] };
    expect(decodeHealth("foo", bytes([entry])).versions).toEqual([]);
  });

  it("takes the machine's address when the service has none, and brackets IPv6", () => {
    const at = (more: object) =>
      decodeHealth("foo", bytes([{ Node: machine, Service: instance("a", more), Checks: [] }]));
    expect(at({ Address: "" }).versions[0]?.nodes[0]?.address).toBe("10.9.9.9:90");
    expect(at({ Address: "fd00::2" }).versions[0]?.nodes[0]?.address).toBe("[fd00::2]:90");
    expect(at({ Address: "queue", Port: 0 }).versions[0]?.nodes[0]?.address).toBe("queue");
  });

  it("takes the endpoints of the first entry of each version", () => {
    const tags = (endpoint: string) => ["v=1", `e={"name":"${endpoint}"}`];
    const { versions } = decodeHealth(
      "foo",
      bytes([
        { Node: machine, Service: instance("a", { Tags: tags("A.B") }), Checks: [check("service:a", "critical")] },
        { Node: machine, Service: instance("b", { Tags: tags("C.D") }), Checks: [] },
      ]),
    );
    expect(versions[0]?.endpoints.map(({ name }) => name)).toEqual(["A.B"]);
    expect(versions[0]?.nodes.map(({ id }) => id)).toEqual(["b"]);
  });

  it.each(["", "{}", "null", "[1]", '[{"Node":{}}]', "[{", "<html>"])("says unavailable for %j", (text) => {
    expect(() => decodeHealth("foo", Buffer.from(text))).toThrow(expect.objectContaining({ code: "unavailable" }));
  });

  it("decodes 10,000 services without holding the event loop, and much faster when they are the same again", async () => {
    const answers = catalogue(10_000);
    const decoder = createHealthDecoder();
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const first = await decodeCatalogue(answers, decoder);
    delay.disable();
    const again = await decodeCatalogue(answers, decoder);
    expect(first.size).toBe(10_000);
    expect(again.get("service-7")).toBe(first.get("service-7"));
    expect(Object.isFrozen(first.get("service-7")?.[0]?.nodes)).toBe(true);
    // 20 ms is the aim; garbage collection and a busy machine may add to a slice.
    expect(delay.percentile(99) / 1e6).toBeLessThan(100);
  }, 60_000);
});

describe("Consul's list of services", () => {
  it("is read name by name, with the length of the tags", async () => {
    const text = '{ "consul": [],\n "foo": [\n"a", "b\\"],\\\\" ], "b\\u00e4r":["],"]}';
    expect(JSON.parse(text)).toEqual({ consul: [], foo: ["a", 'b"],\\'], bär: ["],"] });
    expect([...(await readCatalogue(Buffer.from(text)))]).toEqual([
      ["consul", 0],
      ["foo", 12],
      ["bär", 4],
    ]);
    expect(await readCatalogue(Buffer.from("{}"))).toEqual(new Map());
  });

  it("has the names that JSON.parse finds, whatever the tags", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.array(fc.string())), fc.boolean(), async (services, pretty) => {
        const read = await readCatalogue(Buffer.from(JSON.stringify(services, undefined, pretty ? 4 : 0)));
        expect([...read.keys()].sort()).toEqual(Object.keys(services).sort());
        for (const [name, length] of read) {
          expect(length).toBe(services[name]!.reduce((sum, tag) => sum + Buffer.byteLength(JSON.stringify(tag)), 0));
        }
      }),
    );
  });

  it.each(["", "[]", "null", '{"a":["b"', '{"a":1}', '{"a":["b]}', "<html>"])(
    "says unavailable for %j",
    async (text) => {
      await expect(readCatalogue(Buffer.from(text))).rejects.toMatchObject({ code: "unavailable" });
    },
  );
});

/** Services of one instance with seven tags each, distinct from service to service, as `performance.md §4` has them. */
function catalogue(count: number): readonly (readonly [string, Buffer])[] {
  return Array.from({ length: count }, (_, n) => {
    const name = `service-${n}`;
    const base = rich(name, `1.0.${n}`);
    const node = { ...base.nodes[0]!, metadata: { ...base.nodes[0]!.metadata, host: `host-${n}` } };
    const tags = encodeTags(base, node);
    const service = { ID: node.id, Service: name, Tags: tags, Address: "10.0.0.5", Port: 9000 };
    return [
      name,
      bytes([
        { Node: machine, Service: service, Checks: [{ ...check(`service:${node.id}`, "passing"), ServiceTags: tags }] },
      ]),
    ];
  });
}
