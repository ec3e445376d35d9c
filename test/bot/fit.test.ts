import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cut, fitted } from "../../src/bot/fit.ts";
import type { OutgoingMessage, Part } from "../../src/inputs/input.ts";

const place = { room: "r" };
const lengthOf = ({ parts }: OutgoingMessage) => parts.map(({ text }) => text).join("\n").length;
const halved = (text: string) => /\p{Surrogate}/u.test(text);

/** Up to a megabyte, in lines short and long. */
const text = fc
  .record({
    lines: fc.array(fc.string({ unit: "grapheme", maxLength: 120 }), { minLength: 1, maxLength: 12 }),
    times: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 3000 })),
    glue: fc.constantFrom("\n", "\n", " "),
  })
  .map(({ lines, times, glue }) => `${lines.join("\n")}${glue}`.repeat(times).slice(0, 1_000_000))
  .map((made) => made.replace(/\p{Surrogate}/gu, ""));
const part: fc.Arbitrary<Part> = fc.record({ kind: fc.constantFrom("text" as const, "code" as const), text });

describe("what does not fit", () => {
  it("is said in part: within the limit, up to the end of a line, no character cut in two, and told (property, seeded)", () => {
    const made = fc.record({
      parts: fc.array(part, { minLength: 1, maxLength: 3 }),
      textLength: fc.oneof(fc.integer({ min: 100, max: 500 }), fc.integer({ min: 500, max: 8000 })),
      files: fc.boolean(),
      kept: fc.boolean(),
    });
    fc.assert(
      fc.property(made, ({ parts, textLength, files, kept }) => {
        const limits = { textLength, files, edits: true, buttons: true, pictures: true };
        let shown = -1;
        const message = fitted(parts, place, limits, (_lines, count) => {
          shown = count;
          return kept ? { line: "micro more 03f9a1", choices: [] } : undefined;
        });
        expect(lengthOf(message)).toBeLessThanOrEqual(textLength);
        expect(halved(message.parts.map((said) => said.text).join("\n"))).toBe(false);
        if (shown === -1) {
          expect(message).toEqual({ place, parts });
          return;
        }
        const long = parts.reduce((longest, one) => (one.text.length > longest.text.length ? one : longest));
        const said = message.parts[parts.indexOf(long)]?.text ?? "";
        const lines = long.text.split("\n");
        // Whole lines, or the beginning of one that alone is too long.
        if (shown > 0) expect(said).toBe(lines.slice(0, shown).join("\n"));
        else expect(lines[0]?.startsWith(said.replace(/…$/, ""))).toBe(true);
        const note = message.parts.at(-1)?.text ?? "";
        expect(note).toMatch(new RegExp(`^${Math.max(shown, 1)} of ${lines.length} `));
        if (textLength > 250) expect(note.includes("micro more 03f9a1")).toBe(kept);
        expect(message.file?.text).toBe(files ? long.text : undefined);
      }),
      { seed: 13, numRuns: 300 },
    );
  });

  it("is cut between characters", () => {
    expect(["👍👍", "a👍b", "👍"].map((whole) => cut(whole, 3))).toEqual(["👍…", "a…", "👍"]);
    expect(cut("👍👍", 2)).toBe("…");
    expect(cut("abc", 0)).toBe("");
  });
});
