import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterPrefix, checkKey, checkPrefix, keyOf } from "../../../src/platform/kv/keys.ts";

const anyText = fc.string({ unit: "binary", maxLength: 80 });
/** Lone surrogates among them. */
const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 })
  .map((all) => String.fromCharCode(...all));
const parts = fc.array(fc.oneof(anyText, anyUnits, fc.constantFrom("", "=", "=h", "=3D", "a", "a.b")), {
  minLength: 1,
  maxLength: 4,
});

describe("keyOf", () => {
  it.each([
    [["jobs", "a-1_B"], "jobs.a-1_B"],
    [["a.b", "c"], "a=2Eb.c"],
    [["slack:T01/U02"], "slack=3AT01=2FU02"],
    [["", "="], "=.=3D"],
    [["é"], "=C3=A9"],
  ])("writes %j as %s", (given, key) => {
    expect(keyOf(...given)).toBe(key);
  });

  it("makes a key of up to four texts, whatever they are", () => {
    fc.assert(fc.property(parts, (given) => checkKey(keyOf(...given))));
  });

  it("makes different keys of different texts", () => {
    fc.assert(
      fc.property(parts, parts, (one, two) => {
        expect(keyOf(...one) === keyOf(...two)).toBe(JSON.stringify(one) === JSON.stringify(two));
      }),
      { numRuns: 1000 },
    );
    expect(keyOf("\uD800")).not.toBe(keyOf("\uD801"));
    expect(keyOf("\uD800")).not.toBe(keyOf("\uFFFD"));
    expect(keyOf("x".repeat(49))).not.toBe(keyOf("x".repeat(50)));
    expect(keyOf("a", "b")).not.toBe(keyOf("a.b"));
  });

  it("writes a part the same whatever stands beside it, so that prefixes hold", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (room, id) => {
        const prefix = `${keyOf("jobs", room)}.`;
        checkPrefix(prefix);
        expect(keyOf("jobs", room, id).startsWith(prefix)).toBe(true);
      }),
    );
  });

  it("refuses no parts, and more than fit", () => {
    expect(() => keyOf()).toThrow(/cannot be a key/);
    expect(() => keyOf(...Array.from({ length: 5 }, () => "x".repeat(48)))).toThrow(/200 characters/);
  });
});

describe("afterPrefix", () => {
  it("is behind all that begin so, and before all else that is behind", () => {
    expect(afterPrefix("jobs.")).toBe("jobs/");
    expect(afterPrefix("/micro/")).toBe("/micro0");
  });
});
