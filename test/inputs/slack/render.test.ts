import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Part } from "../../../src/inputs/input.ts";
import { render } from "../../../src/inputs/slack/render.ts";
import { HOSTILE } from "../../contract/input.contract.ts";
import { shown } from "../../fakes/slack-markup.ts";

const visible = (text: string) => text.replaceAll("\u200b", "");

/** Splits a message at its fences, as Slack's client does. */
const blocks = (text: string) => text.split("```");

describe("what the bot says in Slack", () => {
  it("encodes the three characters of Slack's grammar and nothing else", () => {
    expect(render([{ kind: "text", text: "a <b> & \"c\" 'd' *e* é" }])).toBe("a &lt;b&gt; &amp; \"c\" 'd' *e* é");
  });

  it("puts code into a block of its own, line by line as it is", () => {
    const parts: Part[] = [
      { kind: "text", text: "2 services" },
      { kind: "code", text: "greeter\n  users" },
      { kind: "text", text: "" },
      { kind: "text", text: "that is all" },
    ];
    expect(render(parts)).toBe("2 services\n```\ngreeter\n  users\n```\nthat is all");
  });

  it("Mention / markup injection in output (chat.md §6): the whole token grammar is inert (property, seeded)", () => {
    const kind = fc.constantFrom("text" as const, "code" as const);
    const bit = fc.oneof(
      fc.constantFrom(...HOSTILE, "<", ">", "&", "|", "!", "@", "#", "^", "`", "``", "```", "\n", "http://", "\u200b"),
      fc.constantFrom(
        "<!channel>",
        "<!here|here>",
        "<@U1>",
        "<#C1>",
        "<http://x.y|z>",
        "&lt;",
        "&amp;lt;!here&amp;gt;",
      ),
      fc.string({ unit: "grapheme" }),
    );
    const part = fc.record({ kind, text: fc.array(bit, { maxLength: 8 }).map((bits) => bits.join("")) });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), fc.boolean(), (parts, links) => {
        const markup = render(parts, { links });
        const { text, live } = shown(markup);
        expect(live).toEqual([]);
        const said = parts.filter((part) => part.text !== "");
        // Fences are ours only, so each code part is one block and each text part is outside.
        expect(blocks(markup)).toHaveLength(1 + 2 * said.filter((part) => part.kind === "code").length);
        const expected = said.map((part) => (part.kind === "code" ? `\`\`\`\n${part.text}\n\`\`\`` : part.text));
        expect(visible(text)).toBe(visible(expected.join("\n")));
      }),
      { seed: 20160501, numRuns: 1000 },
    );
  });

  it("Unfurl exfiltration (chat.md §6): beside a file, where previews cannot be switched off, addresses are no links", () => {
    const text = "see https://evil.example/?q=secret and HTTP://x.y";
    const markup = render([{ kind: "text", text }], { links: false });
    expect(markup).not.toMatch(/https?:\/\//i);
    expect(visible(markup)).toBe(text);
  });
});
