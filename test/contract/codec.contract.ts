import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Codec } from "../../src/core/codec/codec.ts";

export interface CodecSubject {
  readonly codec: Codec;
  /** Values that it must carry unchanged. */
  readonly values: fc.Arbitrary<unknown>;
  /** Bytes that mean nothing to it; empty when there are none. */
  readonly bad: readonly Uint8Array[];
  /** A value that it cannot write. */
  readonly unwritable: unknown;
}

/** The definition of a codec. */
export function codecContract(name: string, { codec, values, bad, unwritable }: CodecSubject): void {
  describe(`${name} is a codec:`, () => {
    it("gives back what it was given", () => {
      fc.assert(
        fc.property(values, (value) => {
          expect(codec.decode(codec.encode(value))).toEqual(value);
        }),
        { seed: 17, numRuns: 300 },
      );
    });
    it("refuses what it cannot read or write with a word of its own", () => {
      for (const bytes of bad)
        expect(() => codec.decode(bytes), `bad: ${Buffer.from(bytes).toString("hex")}`).toThrow(
          expect.objectContaining({ code: "invalid_argument" }),
        );
      expect(() => codec.encode(unwritable), "unwritable").toThrow(
        expect.objectContaining({ code: "invalid_argument" }),
      );
    });
    it("throws nothing but its own error, whatever the bytes", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
          try {
            codec.decode(bytes);
          } catch (error) {
            expect(error).toMatchObject({ code: "invalid_argument" });
          }
        }),
        { seed: 19, numRuns: 500 },
      );
    });
    it("has a content type without parameters", () => {
      expect(codec.contentType).toMatch(/^application\/[a-z0-9.+-]+$/);
    });
  });
}
