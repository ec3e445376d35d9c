import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../src/bot/canonical.ts";
import { RawJson } from "../../src/core/codec/json.ts";
import { random } from "../faults/random.ts";

describe("canonical JSON (RFC 8785)", () => {
  it.each([
    [{ b: 1, a: [{ d: null, c: "x" }] }, '{"a":[{"c":"x","d":null}],"b":1}'],
    [{ b: undefined, a: () => 1, c: [undefined, Number.NaN, -0] }, '{"c":[null,null,0]}'],
    [{ b: 2n ** 70n, a: new RawJson(' {"z": 1.0,"y":2}\n') }, '{"a":{"z": 1.0,"y":2},"b":1180591620717411303424}'],
    [{ at: new Date(0), a: { toJSON: () => ({ z: 1, y: 2 }) } }, '{"a":{"y":2,"z":1},"at":"1970-01-01T00:00:00.000Z"}'],
    // By UTF-16 code units (§3.2.3): the euro sign before the pair of a clef.
    [{ "𝄞": 1, "€": 2, "\r": 3, "10": 4, "9": 5 }, '{"\\r":3,"10":4,"9":5,"€":2,"𝄞":1}'],
    ['a\u2028"\\\ud800', '"a\u2028\\"\\\\\\ud800"'],
    [undefined, "null"],
  ])("spells %o in one way", (value, said) => {
    expect(canonicalJson(value)).toBe(said);
  });

  it("spells what is long as it spells what is short", () => {
    const chance = random(7);
    const any = (depth: number): unknown => {
      const kind = chance.below(depth > 4 ? 3 : 5);
      if (kind === 0) return chance.below(1000) / 8;
      if (kind === 1) return chance.pick(["", "€", '"', "plain", "\u0001", null, true, undefined]);
      if (kind === 2) return `text ${chance.below(9)}`;
      const items = Array.from({ length: chance.below(6) }, () => any(depth + 1));
      return kind === 3
        ? items
        : Object.fromEntries(items.map((item) => [`${chance.pick(["b", "B", "a1", "9", "é"])}`, item]));
    };
    for (let times = 0; times < 500; times++) {
      const value = any(0);
      // One BigInt, and it goes the slow way.
      expect(canonicalJson([value, 1n])).toBe(`[${canonicalJson(value)},1]`);
    }
  });
});
