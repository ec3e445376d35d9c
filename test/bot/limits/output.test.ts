import { describe, expect, it } from "vitest";
import { createAllowance, cutOutput } from "../../../src/bot/limits/output.ts";
import type { Part } from "../../../src/inputs/input.ts";

const code = (text: string): Part => ({ kind: "code", text });
const bytes = (parts: readonly Part[]) => parts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);

describe("what a command may say", () => {
  it("is left alone up to the last byte", () => {
    const parts = [code("ü".repeat(50)), code("x")];
    expect(cutOutput(parts, 101)).toBe(parts);
  });

  it("is cut beyond that, in the middle of no character, with a word about it", () => {
    const cut = cutOutput([code("ab"), code("😀".repeat(10)), code("never")], 12);
    expect(cut.slice(0, -1)).toEqual([code("ab"), code("😀😀")]);
    expect(cut.at(-1)?.text).toBe("cut here: one command may say 12 bytes here; it is 47");
    expect(bytes(cut.slice(0, -1))).toBeLessThanOrEqual(12);
  });

  it("is counted over all that it shows", () => {
    const allowance = createAllowance(5);
    expect([allowance.take("ab"), allowance.take("üx"), allowance.spent]).toEqual([true, true, false]);
    expect([allowance.take("y"), allowance.spent]).toEqual([false, true]);
  });
});
