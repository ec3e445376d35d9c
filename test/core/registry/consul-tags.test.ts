import { deflateSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeTags, encodeTags } from "../../../src/core/registry/consul-tags.ts";
import { record, rich } from "../../contract/registry.contract.ts";
import data from "../../data/consul-tags.json" with { type: "json" };

const hex = (text: string) => deflateSync(text).toString("hex");

describe("consul tags", () => {
  it.each(data.vectors)("reads Go's bytes: $plain", ({ plain, go, byNode = go }) => {
    for (const tag of [go, byNode]) {
      const { version, metadata, endpoints } = decodeTags([tag]);
      if (go.startsWith("v-")) expect(version).toBe(plain);
      if (go.startsWith("t-")) expect(metadata).toEqual(JSON.parse(plain));
      if (go.startsWith("e-")) expect(endpoints[0]).toMatchObject({ name: "Greeter.Hello", metadata: {} });
    }
    expect(inflateSync(Buffer.from(byNode.slice(2), "hex")).toString()).toBe(plain);
  });

  it("writes metadata, endpoints, version, in this order, each as Go reads it", () => {
    const service = rich("foo", "1.0.0");
    const [node] = service.nodes;
    const tags = encodeTags(service, node!);
    expect(tags.map((tag) => tag.slice(0, 2)).join(" ")).toBe("t- t- t- t- t- e- e- e- v-");
    const plain = tags.map((tag) => inflateSync(Buffer.from(tag.slice(2), "hex")).toString());
    expect(plain[1]).toBe('{"protocol":"mucp"}');
    expect(plain.at(-1)).toBe("1.0.0");
    expect(JSON.parse(plain[5]!)).toEqual({
      name: "Greeter.Hello",
      request: {
        name: "HelloRequest",
        type: "HelloRequest",
        values: [
          { name: "name", type: "string", values: null },
          { name: "user_id", type: "int64", values: null },
        ],
      },
      response: {
        name: "HelloResponse",
        type: "HelloResponse",
        values: [{ name: "msg", type: "string", values: null }],
      },
      metadata: {},
    });
    // No tag of ours can mislead Go's reader, which goes by the second character of the first `e` or `t` tag.
    expect(tags.every((tag) => /^[tev]-[0-9a-f]+$/.test(tag))).toBe(true);
  });

  it("reads back what it writes", () => {
    const service = rich("foo", "1.0.0");
    const { version, metadata, endpoints } = decodeTags(encodeTags(service, service.nodes[0]!));
    expect({ version, metadata, endpoints }).toEqual({
      version: service.version,
      metadata: service.nodes[0]!.metadata,
      endpoints: service.endpoints,
    });
  });

  it("reads plain tags of before May 2016", () => {
    const tags = ['t={"protocol":"mucp"}', 'e={"name":"Say.Hello"}', "v=1.0.0"];
    expect(decodeTags(tags)).toMatchObject({
      version: "1.0.0",
      metadata: { protocol: "mucp" },
      endpoints: [{ name: "Say.Hello" }],
    });
  });

  it("lets the form met first win, within each kind", () => {
    const tags = ['t={"a":"1"}', `t-${hex('{"b":"2"}')}`, `v-${hex("2")}`, "v=1", `e-${hex('{"name":"A.B"}')}`];
    expect(decodeTags(tags)).toMatchObject({ version: "2", metadata: { a: "1" }, endpoints: [{ name: "A.B" }] });
  });

  it("passes over foreign tags, wherever they stand", () => {
    const foreign = [
      "env:prod",
      "traefik.enable=true",
      "e",
      "t",
      "v",
      "",
      "version",
      "t-zz",
      "e=",
      "v-1234",
      "urlprefix-/x",
    ];
    const ours = encodeTags(rich("foo", "1"), record("foo", "1", 1).nodes[0]!);
    expect(decodeTags([...foreign, ...ours])).toEqual(decodeTags(ours));
    expect(decodeTags([...ours, ...foreign])).toEqual(decodeTags(ours));
    expect(decodeTags(foreign)).toEqual({ version: "", metadata: {}, endpoints: [] });
  });

  it("does not let a tag fill the memory", () => {
    const bomb = `v-${deflateSync(Buffer.alloc(64 << 20)).toString("hex")}`;
    expect(decodeTags([bomb]).version).toBe("");
  });

  it("never throws, whatever the tags", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.string().map((s) => `t-${hex(s)}`),
            fc.string().map((s) => `e=${s}`),
          ),
        ),
        (tags) => {
          decodeTags(tags);
        },
      ),
    );
  });
});
