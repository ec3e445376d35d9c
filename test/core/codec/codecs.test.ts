import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { bytesCodec } from "../../../src/core/codec/bytes.ts";
import { jsonCodec, RawJson } from "../../../src/core/codec/json.ts";
import { protobufCodec } from "../../../src/core/codec/protobuf.ts";
import { codecContract } from "../../contract/codec.contract.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const { root } = protobuf.parse(
  'syntax = "proto3"; message HelloRequest { string name = 1; int64 user_id = 2; repeated string tags = 3; }',
  { keepCase: true },
);
const helloRequest = protobufCodec(root.lookupType("HelloRequest"));

codecContract("json", {
  codec: jsonCodec,
  // Numbers that are no longer exact are read as BigInts, which is tested below; -0 is 0 in JSON, for everybody.
  values: fc
    .jsonValue()
    .map((value) => JSON.parse(JSON.stringify(value)))
    .filter((value) => !/\d{16}/.test(JSON.stringify(value))),
  bad: [utf8(""), utf8("{"), utf8("{'a':1}"), new Uint8Array([0xff, 0xfe])],
  unwritable: undefined,
});
codecContract("bytes", {
  codec: bytesCodec,
  values: fc.uint8Array(),
  bad: [],
  unwritable: "text",
});
codecContract("protobuf", {
  codec: helloRequest,
  values: fc.record({
    name: fc.string(),
    user_id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    tags: fc.array(fc.string()),
  }),
  bad: [new Uint8Array([0x0a, 0x7f, 0x01])],
  unwritable: { tags: 7 },
});

describe("json", () => {
  it("reads long strings, and many escapes, beside a long number", () => {
    const long = "a".repeat(20_000_000);
    const escaped = "\\n".repeat(5_000_000);
    const found = jsonCodec.decode(utf8(`{"n":12345678901234567890,"long":"${long}","escaped":"${escaped}"}`));
    const { n, long: readLong, escaped: readEscaped } = found as Record<string, unknown>;
    expect(n).toBe(12345678901234567890n);
    expect(readLong === long).toBe(true);
    expect((readEscaped as string).length).toBe(5_000_000);
  });

  it("keeps every string and key as it is beside a BigInt", () => {
    const text = fc.string({ unit: fc.constantFrom("\u0001", "0", "1", '"', "\\", ":", "a") });
    fc.assert(
      fc.property(fc.dictionary(text, text), (rest) => {
        const value = { ...rest, big: 2n ** 64n, list: [2n ** 65n, "\u00010\u0001", "\u00010"] };
        expect(jsonCodec.decode(jsonCodec.encode(value))).toEqual(value);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it.each([
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9007199254740993", 9007199254740993n],
    ["9007199254740991", 9007199254740991],
    ["1234567890123456", 1234567890123456],
    ["0.1234567890123456789", 0.12345678901234568],
    ["1e400", Number.POSITIVE_INFINITY],
    ['"9223372036854775807"', "9223372036854775807"],
    ['"\\u00019223372036854775807"', "\u00019223372036854775807"],
    ['"say \\"12345678901234567890\\""', 'say "12345678901234567890"'],
  ])("reads %s without loss", (json, value) => {
    expect(jsonCodec.decode(utf8(`{"a":[${json}],"pad":1234567890123456789}`))).toEqual({
      a: [value],
      pad: 1234567890123456789n,
    });
  });

  it("writes integers of any size as bare digits, a line feed at the end, and RawJson to the letter", () => {
    expect(text(jsonCodec.encode({ a: 2n ** 63n - 1n }))).toBe('{"a":9223372036854775807}\n');
    expect(text(jsonCodec.encode(new RawJson(' {"a":  1.0}')))).toBe('{"a":  1.0}\n');
    expect(text(jsonCodec.encode({ x: [new RawJson("1.0"), 1n, '{"text":'] }))).toBe('{"x":[1.0,1,"{\\"text\\":"]}\n');
  });

  it("is not misled by texts that look like its own marks", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("\u0001", "0", "1", '"', "\\", "{", "9".repeat(17))), (parts) => {
        const value = { s: parts.join(""), n: 12345678901234567890n };
        expect(jsonCodec.decode(jsonCodec.encode(value))).toEqual(value);
      }),
      { seed: 23, numRuns: 500 },
    );
  });

  it("does not let a payload reach the prototype", () => {
    const value = jsonCodec.decode(utf8('{"__proto__":{"admin":true},"n":12345678901234567890}')) as Record<
      string,
      unknown
    >;
    expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it("says what cannot be written", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    expect(() => jsonCodec.encode(cycle)).toThrow(/cannot be written as JSON/);
  });
});

describe("protobuf", () => {
  it("has the bytes of wire.md §5.2", () => {
    expect(Buffer.from(helloRequest.encode({ name: "John", user_id: 12 })).toString("hex")).toBe("0a044a6f686e100c");
    expect(helloRequest.decode(Buffer.from("0a044a6f686e100c", "hex"))).toEqual({
      name: "John",
      user_id: 12n,
      tags: [],
    });
  });
  it("writes an empty message as an empty body, and reads one", () => {
    expect(helloRequest.encode({})).toHaveLength(0);
    expect(helloRequest.decode(new Uint8Array(0))).toEqual({ name: "", user_id: 0n, tags: [] });
  });
});
