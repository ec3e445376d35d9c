import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indentJson, readObject } from "../../src/commands/json.ts";

describe("readObject", () => {
  it.each(['{"a":  1.0, "b":9223372036854775807}', '{"quote":"\u201cleft as it is\u201d","dash":"\u2014"}'])(
    "returns what parses to the letter: %s",
    (text) => expect(readObject(` ${text}\n`)).toBe(text),
  );
  it("makes smart quotes and odd blanks plain when nothing else parses", () => {
    expect(readObject("{\u201cname\u201d:\u00a0\u201cJohn\u201d}")).toBe('{"name": "John"}');
  });
  it.each(["[]", "1", '"x"', "null"])("refuses %s, which is no object", (text) => {
    expect(() => readObject(text)).toThrow("must be a JSON object");
  });
  it("says where it stopped understanding", () => {
    expect(() => readObject('{"a":1,}')).toThrow(/not JSON.*character 8/);
  });
});

describe("indentJson", () => {
  it("indents by one tab a level and leaves digits and order alone", () => {
    expect(indentJson('{"b":[1.0,{"x":{}},[]],"a":"{,:}\\""}')).toBe(
      '{\n\t"b": [\n\t\t1.0,\n\t\t{\n\t\t\t"x": {}\n\t\t},\n\t\t[]\n\t],\n\t"a": "{,:}\\""\n}',
    );
  });
  it("says the same as JSON.stringify for whatever JSON there is", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(indentJson(text)).toBe(JSON.stringify(JSON.parse(text), null, "\t"));
      }),
      { seed: 3, numRuns: 500 },
    );
  });
  it("returns what is no JSON as it is", () => {
    expect(indentJson("plain {text")).toBe("plain {text");
  });
});
