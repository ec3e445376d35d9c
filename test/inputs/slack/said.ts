import fc from "fast-check";
import type { Part } from "../../../src/inputs/input.ts";
import { HOSTILE } from "../../contract/input.contract.ts";

/** Text without the characters of no width that keep things apart. */
export const visible = (text: string): string => text.replaceAll("\u200b", "");

/** Splits a message at its fences, as Slack's client does. */
export const fencesOf = (text: string): readonly string[] => text.split("```");

/** Every fence that is opened is closed. */
export const balanced = (text: string): boolean => fencesOf(text).length % 2 === 1;

/** What is left of a text when fences, cuts of long lines and blanks are looked away from. */
export const seen = (text: string): string => text.replace(/[`…\s\u200b]/g, "");

/** A piece of Slack's grammar, or of anything. */
const bit = fc.oneof(
  fc.constantFrom(...HOSTILE, "<", ">", "&", "|", "!", "@", "#", "^", "`", "``", "```", "\n", "http://", "\u200b"),
  fc.constantFrom("<!channel>", "<!here|here>", "<@U1>", "<#C1>", "<http://x.y|z>", "&lt;", "&amp;lt;!here&amp;gt;"),
  fc.string({ unit: "grapheme" }),
);

const kind = fc.constantFrom("text" as const, "code" as const);

export const part: fc.Arbitrary<Part> = fc.record({
  kind,
  text: fc.array(bit, { maxLength: 8 }).map((bits) => bits.join("")),
});

/** Up to about a megabyte: something that is repeated, with line ends or without. */
const longPart: fc.Arbitrary<Part> = fc
  .record({
    kind,
    unit: fc.array(bit, { minLength: 1, maxLength: 5 }).map((bits) => bits.join("")),
    times: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 20_000 })),
    end: fc.constantFrom("", " ", "\n"),
  })
  .map((made) => ({
    kind: made.kind,
    text: (made.unit + made.end).repeat(made.times).slice(0, 1_000_000),
  }));

/** What the bot might say, short for the most part. */
export const parts: fc.Arbitrary<readonly Part[]> = fc.array(fc.oneof({ weight: 3, arbitrary: part }, longPart), {
  maxLength: 4,
});
