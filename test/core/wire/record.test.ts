import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MicroError } from "../../../src/core/errors.ts";
import {
  joinAddress,
  readResult,
  readService,
  splitAddress,
  writeResult,
  writeService,
} from "../../../src/core/wire/record.ts";
import { rich } from "../../contract/registry.contract.ts";

/** What a v1.18.0 server registers (`wire.md §1.5`). */
const GREETER = `{"name":"go.micro.srv.greeter","version":"1.0.0","metadata":{},"endpoints":[
 {"name":"Greeter.Hello","request":{"name":"HelloRequest","type":"HelloRequest","values":[
    {"name":"name","type":"string","values":null},{"name":"user_id","type":"int64","values":null},{"name":"tags","type":"[]string","values":null}]},
  "response":{"name":"HelloResponse","type":"HelloResponse","values":[{"name":"msg","type":"string","values":null},{"name":"count","type":"int64","values":null}]},"metadata":{}},
 {"name":"Greeter.Stream","request":{"name":"Context","type":"Context","values":null},"response":{"name":"Stream","type":"Stream","values":null},"metadata":{"stream":"true"}},
 {"name":"Func","request":{"name":"HelloRequest","type":"HelloRequest","values":[{"name":"name","type":"string","values":null}]},"response":null,
  "metadata":{"subscriber":"true","topic":"events"}}],
 "nodes":[{"id":"go.micro.srv.greeter-11111111-2222-3333-4444-555555555555","address":"127.0.0.1:7100",
  "metadata":{"broker":"http","protocol":"mucp","registry":"memory","server":"mucp","transport":"http"}}]}`;

describe("service records", () => {
  it("reads and writes the record of a v1.18 server, value for value", () => {
    expect(writeService(readService(JSON.parse(GREETER)))).toEqual(JSON.parse(GREETER));
  });

  it("writes keys in Go's order and no port", () => {
    const text = JSON.stringify(writeService(rich("foo", "1")));
    expect(
      text.startsWith('{"name":"foo","version":"1","metadata":{},"endpoints":[{"name":"Greeter.Hello","request":'),
    ).toBe(true);
    expect(text).not.toContain('"port"');
  });

  it("takes missing, null, {} and [] for the same", () => {
    const empty = { name: "foo", version: "", metadata: {}, endpoints: [], nodes: [] };
    for (const nothing of [undefined, null, {}, []]) {
      const json = { name: "foo", version: undefined, metadata: nothing, endpoints: nothing, nodes: nothing };
      expect(readService(json)).toEqual(empty);
    }
    const value = { name: "", type: "", values: null };
    const [endpoint] = readService({
      name: "foo",
      endpoints: [{ name: "Func", request: value, response: null }],
    }).endpoints;
    expect(endpoint).toEqual({ name: "Func", request: undefined, response: undefined, metadata: {} });
  });

  it.each([
    [{ address: "10.0.0.5", port: 9090 }, "10.0.0.5:9090"],
    [{ address: "fd00::2", port: 9090 }, "[fd00::2]:9090"],
    [{ address: "[fd00::2]", port: 9090 }, "[fd00::2]:9090"],
    [{ address: "10.0.0.5:9090" }, "10.0.0.5:9090"],
    [{ address: "10.0.0.5:9090", port: 0 }, "10.0.0.5:9090"],
    [{ address: "10.0.0.5:9090", port: 7 }, "10.0.0.5:9090"],
    [{ address: "[fd00::2]:9090" }, "[fd00::2]:9090"],
    [{ address: "queue-of-foo", port: 0 }, "queue-of-foo"],
    [{ address: "queue-of-foo", port: null }, "queue-of-foo"],
  ])("joins host and port: %j", (node, address) => {
    expect(readService({ name: "foo", nodes: [{ id: "foo-1", ...node }] }).nodes[0]?.address).toBe(address);
  });

  it("finds keys whatever their case, as in the curl examples of old", () => {
    const json = { Name: "foo.bar", Nodes: [{ Id: "foo.bar-uuid", Address: "localhost", Port: 1234 }] };
    const node = { id: "foo.bar-uuid", address: "localhost:1234", metadata: {} };
    expect(readService(json)).toEqual({ name: "foo.bar", version: "", metadata: {}, endpoints: [], nodes: [node] });
  });

  it("keeps the case of metadata keys, odd ones included", () => {
    const metadata = JSON.parse('{"Key":"a","key":"b","__proto__":"c"}') as object;
    expect(Object.entries(readService({ name: "foo", metadata }).metadata)).toEqual(Object.entries(metadata));
  });

  it.each([
    [null, /a service must be a JSON object/],
    [[], /a service must be a JSON object/],
    ["foo", /a service must be a JSON object/],
    [{}, /a service needs a name/],
    [{ name: 7 }, /name must be a string/],
    [{ name: "foo", nodes: "x" }, /nodes must be an array/],
    [{ name: "foo", nodes: [{ address: "h:1" }] }, /a node of foo needs an id/],
    [{ name: "foo", nodes: [{ id: "foo-1" }] }, /foo-1 needs an address/],
    [{ name: "foo", nodes: [{ id: "foo-1", address: "h", port: "x" }] }, /port of node foo-1/],
    [{ name: "foo", nodes: [{ id: "foo-1", address: "h", port: 70000 }] }, /port of node foo-1/],
    [{ name: "foo", metadata: { a: 1 } }, /metadata of foo: "a" must be a string/],
    [{ name: "foo", endpoints: [nested(40)] }, /16 levels/],
  ])("refuses %j and says why", (json, message) => {
    expect(() => readService(json)).toThrow(message);
    expect(() => readService(json)).toThrow(MicroError);
  });

  it("reads what a watch delivers, capitalised or not", () => {
    const service = rich("foo", "1");
    const event = { action: "create", service } as const;
    expect(readResult(JSON.parse(JSON.stringify(writeResult(event))))).toEqual(event);
    expect(Object.keys(writeResult(event))).toEqual(["Action", "Service"]);
    expect(readResult({ action: "delete", service: { name: "foo" } }).service.nodes).toEqual([]);
    expect(() => readResult({ Action: "explode", Service: { name: "foo" } })).toThrow(/explode/);
  });

  it("splits what it joins", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), fc.integer({ min: 1, max: 65535 }), (host, port) => {
        expect(splitAddress(joinAddress(host, port))).toEqual({ host, port });
      }),
    );
    expect(splitAddress("queue-of-foo")).toEqual({ host: "queue-of-foo", port: 0 });
  });

  it("never throws anything but invalid_argument, whatever it is given", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        try {
          readService(json);
        } catch (error) {
          expect(error).toMatchObject({ code: "invalid_argument" });
        }
      }),
    );
  });
});

function nested(depth: number): object {
  let value: object = { name: "x", type: "x" };
  for (let i = 0; i < depth; i += 1) value = { name: "x", type: "x", values: [value] };
  return { name: "Deep.Call", request: value };
}
