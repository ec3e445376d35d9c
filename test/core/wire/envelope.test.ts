import { describe, expect, it } from "vitest";
import { decodeEnvelope, encodeEnvelope } from "../../../src/core/wire/envelope.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (found: Uint8Array) => new TextDecoder().decode(found);

describe("the JSON envelope (wire.md §3.3)", () => {
  it("is what Go writes: headers by name, the body in base64", () => {
    const header = { "X-Micro-Id": "0", "Content-Type": "application/json", "Micro-Id": "0" };
    expect(text(encodeEnvelope(header, bytes('{"msg":"Hello John"}\n')))).toBe(
      '{"Header":{"Content-Type":"application/json","Micro-Id":"0","X-Micro-Id":"0"},"Body":"eyJtc2ciOiJIZWxsbyBKb2huIn0K"}',
    );
  });

  it.each([
    ["nothing", {}, ""],
    ["names as they are", { "Micro-ID": "1", ":topic": "x", __proto__x: "y" }, "b"],
    ["every text", { a: 'quote " line \n \u2028 € \u{1f600}' }, "ü"],
  ])("keeps %s", (_what, header, body) => {
    const found = decodeEnvelope(encodeEnvelope(header, bytes(body)));
    expect({ header: { ...found.header }, body: text(found.body) }).toEqual({ header, body });
  });

  it.each([
    ["null for both", '{"Header":null,"Body":null}', {}, ""],
    ["neither", "{}", {}, ""],
    ["null for a value", '{"Header":{"a":null},"Body":"YQ=="}', { a: "" }, "a"],
    ["other case, other members", '{"header":{"a":"b"},"BODY":"YQ==","Id":7}', { a: "b" }, "a"],
    ["line ends in base64", '{"Body":"YWFh\\r\\nYQ=="}', {}, "aaaa"],
  ])("reads %s, as Go does", (_what, envelope, header, body) => {
    const found = decodeEnvelope(bytes(envelope));
    expect({ header: { ...found.header }, body: text(found.body) }).toEqual({ header, body });
  });

  it.each([
    "",
    "null",
    "[]",
    '"x"',
    "{",
    '{"Header":[]}',
    '{"Header":{"a":1}}',
    '{"Header":{"a":{}}}',
    '{"Body":7}',
    '{"Body":"YQ"}',
    '{"Body":"Y!=="}',
    '{"Body":"===="}',
    '{"Body":"YQ==YQ=="}',
    '{"Body":"YWFh\u0000"}',
  ])("refuses %j", (envelope) => {
    expect(() => decodeEnvelope(bytes(envelope))).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  it("spells names as asked, and no name reaches a prototype", () => {
    const found = decodeEnvelope(bytes('{"Header":{"Micro-ID":"1","__proto__":"x"}}'), (name) => name.toLowerCase());
    expect(found.header["micro-id"]).toBe("1");
    expect(Object.keys(found.header)).toEqual(["micro-id", "__proto__"]);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });
});
