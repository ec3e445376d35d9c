import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Choice, FormField, Part } from "../../../src/inputs/input.ts";
import { cutBlocks, messageBlocks, packed, plainText, unpacked } from "../../../src/inputs/slack/blocks.ts";
import { formView } from "../../../src/inputs/slack/form.ts";
import { HOSTILE } from "../../contract/input.contract.ts";
import { type Block, refusedBlocks, refusedView, shownBlocks } from "../../fakes/slack-blocks.ts";
import { parts as anyParts, balanced, seen, visible } from "./said.ts";

const SEED = { seed: 20160501 };

const word = fc.oneof(
  fc.constantFrom(...HOSTILE, "", " ", "\n", "😀".repeat(60), "x".repeat(300)),
  fc.string({ unit: "grapheme" }),
);
/** What looks as if it had been packed already. */
const escapes = fc
  .array(fc.constantFrom("%", "%25", "%26", "%3C", "%3c", "25", "&", "<", "%2526"), { maxLength: 6 })
  .map((all) => all.join(""));
const choice: fc.Arbitrary<Choice> = fc.record({
  label: word,
  line: fc.oneof(
    word,
    fc.integer({ min: 1990, max: 2010 }).map((length) => "&".repeat(length / 3) + "y".repeat(length / 2)),
  ),
  weight: fc.constantFrom("primary" as const, "danger" as const),
});
const choices = fc.array(choice, { maxLength: 40 });

const mrkdwn = (blocks: readonly Block[]) =>
  blocks.flatMap(({ type, text }) => (type === "section" && typeof text === "object" ? [String(text.text)] : []));

describe("blocks for Slack", () => {
  it("are sections of text above, buttons below", () => {
    expect(messageBlocks([{ kind: "text", text: "a <b>" }], [{ label: "Go", line: "go" }])).toEqual([
      { type: "section", expand: true, text: { type: "mrkdwn", text: "a &lt;b&gt;", verbatim: true } },
      {
        type: "actions",
        elements: [
          {
            type: "button",
            action_id: "choice-0",
            text: { type: "plain_text", text: "Go", emoji: false },
            value: "go",
          },
        ],
      },
    ]);
  });

  it("are none where there is nothing to press", () => {
    expect(messageBlocks([{ kind: "text", text: "a" }])).toBeUndefined();
    expect(messageBlocks([{ kind: "text", text: "a" }], [])).toBeUndefined();
  });

  it("hold a text over several sections, each with fences of its own", () => {
    const lines = Array.from({ length: 300 }, (_, index) => `service ${index} <up>`);
    const blocks = messageBlocks([{ kind: "code", text: lines.join("\n") }], [{ label: "Go", line: "go" }]) ?? [];
    const sections = mrkdwn(blocks as Block[]);
    expect(sections.length).toBeGreaterThan(1);
    const inside = sections.map((text) => text.replace(/^```\n/, "").replace(/\n```$/, ""));
    expect(inside.join("\n")).toBe(lines.join("\n").replaceAll("<", "&lt;").replaceAll(">", "&gt;"));
  });

  it("keep every limit, and all of the text, or are none at all (property, seeded)", () => {
    fc.assert(
      fc.property(anyParts, choices, (parts, offered) => {
        const blocks = messageBlocks(parts, offered) as Block[] | undefined;
        if (blocks === undefined) return;
        expect(refusedBlocks(blocks, "message")).toBeUndefined();
        const { text, live } = shownBlocks(blocks);
        expect(live).toEqual([]);
        for (const section of mrkdwn(blocks)) expect(balanced(section)).toBe(true);
        expect(seen(text)).toBe(seen(parts.map((part) => part.text).join("\n")));
      }),
      { ...SEED, numRuns: 200 },
    );
  });

  it("keep every limit, whatever is cut, and say so (property, seeded)", () => {
    fc.assert(
      fc.property(anyParts, choices, (parts, offered) => {
        const blocks = cutBlocks(parts, offered) as Block[];
        expect(refusedBlocks(blocks, "message")).toBeUndefined();
        expect(refusedView({ type: "home", blocks })).toBeUndefined();
        const { text, live } = shownBlocks(blocks);
        expect(live).toEqual([]);
        for (const section of mrkdwn(blocks)) expect(balanced(section)).toBe(true);
        const [shown = "", note] = text.split(/\n?… cut here: /);
        const all = seen(parts.map((part) => part.text).join("\n"));
        if (note === undefined) expect(seen(shown)).toBe(all);
        else expect(all.startsWith(seen(shown))).toBe(true);
      }),
      { ...SEED, numRuns: 200 },
    );
  });

  it("carry any line there and back (property, seeded)", () => {
    fc.assert(
      fc.property(fc.oneof(word, fc.string({ unit: "binary" }), escapes), (line) => {
        const value = packed(line);
        return !/[&<>]/.test(value) && unpacked(value) === line;
      }),
      { ...SEED, numRuns: 300 },
    );
  });

  it("shorten a label by whole characters", () => {
    expect(plainText("😀".repeat(50), 75).text).toBe(`${"😀".repeat(37)}…`);
    expect(plainText("x".repeat(75), 75).text).toBe("x".repeat(75));
  });
});

describe("forms for Slack", () => {
  const field: fc.Arbitrary<FormField> = fc.record(
    {
      name: fc.string({ minLength: 1, maxLength: 20 }),
      kind: fc.constantFrom("line", "lines", "number", "choice", "flag" as const),
      required: fc.boolean(),
      hint: word,
      options: fc.uniqueArray(word, { maxLength: 120 }),
      value: fc.oneof(word, fc.constantFrom("5", "true", "x".repeat(3001))),
    },
    { requiredKeys: ["name", "kind", "required"] },
  );

  it("keep every limit, or are not opened (property, seeded)", () => {
    const form = fc.record({ command: word, summary: word, fields: fc.array(field, { maxLength: 120 }) });
    fc.assert(
      fc.property(form, (given) => {
        const view = formView(given, { room: "C1", channel: "C1", team: "T1" });
        if (view !== undefined) expect(refusedView(view as never)).toBeUndefined();
      }),
      { ...SEED, numRuns: 150 },
    );
  });
});

/* Parts of up to a megabyte. */
describe("long texts in blocks", () => {
  it.each<[string, Part]>([
    ["a megabyte of lines", { kind: "code", text: "line & line\n".repeat(90_000) }],
    ["a megabyte in one line", { kind: "text", text: "<&>".repeat(350_000) }],
    ["a megabyte of line ends", { kind: "text", text: "\n".repeat(1_000_000) }],
    ["a megabyte of backticks", { kind: "code", text: "`".repeat(1_000_000) }],
  ])("%s", (_what, part) => {
    const blocks = cutBlocks([{ kind: "text", text: "head" }, part], [{ label: "Go", line: "go" }]) as Block[];
    expect(refusedBlocks(blocks, "message")).toBeUndefined();
    expect(messageBlocks([part], [{ label: "Go", line: "go" }])).toBeUndefined();
    expect(visible(shownBlocks(blocks).text)).toMatch(/… cut here: \d+ characters in \d+ lines do not fit$/);
  });
});
