import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Part } from "../../../src/inputs/input.ts";
import { render } from "../../../src/inputs/slack/render.ts";
import { shown } from "../../fakes/slack-markup.ts";
import { parts as anyParts, balanced, fencesOf, part, seen, visible } from "./said.ts";

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
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), fc.boolean(), (parts, links) => {
        const markup = render(parts, { links });
        const { text, live } = shown(markup);
        expect(live).toEqual([]);
        const said = parts.filter((part) => part.text !== "");
        // Fences are ours only, so each code part is one block and each text part is outside.
        expect(fencesOf(markup)).toHaveLength(1 + 2 * said.filter((part) => part.kind === "code").length);
        const expected = said.map((part) => (part.kind === "code" ? `\`\`\`\n${part.text}\n\`\`\`` : part.text));
        expect(visible(text)).toBe(visible(expected.join("\n")));
      }),
      { seed: 20160501, numRuns: 1000 },
    );
  });

  it("keeps every limit, cuts at line ends, closes its fences and tells what it cut (property, seeded)", () => {
    const limit = fc.constantFrom(500, 3000, 4000, 40_000);
    fc.assert(
      fc.property(anyParts, limit, (parts, limit) => {
        const markup = render(parts, { limit });
        expect(markup.length).toBeLessThanOrEqual(limit);
        expect(balanced(markup)).toBe(true);
        const { text, live } = shown(markup);
        expect(live).toEqual([]);
        const all = visible(parts.map((part) => part.text).join("\n"));
        const [said = "", left] = visible(text).split(/\n… cut here: /);
        if (left === undefined) {
          expect(seen(said)).toBe(seen(all));
          return;
        }
        expect(seen(all).startsWith(seen(said))).toBe(true);
        // At the end of a line of what was to be said, or marked where that line alone is too long.
        const end =
          said
            .replace(/\n```$/, "")
            .split("\n")
            .at(-1) ?? "";
        if (!end.endsWith("…")) expect(all.split("\n")).toContain(end);
        const [characters = 0, lines = 0] = [...left.matchAll(/\d+/g)].map(([number]) => Number(number));
        expect(characters).toBeGreaterThan(0);
        const length = parts.reduce((sum, { text }) => sum + text.length + 1, 0);
        expect(characters).toBeLessThanOrEqual(length);
        expect(lines).toBeLessThanOrEqual(all.split("\n").length);
      }),
      { seed: 20160501, numRuns: 200 },
    );
  });

  it("says to the character how much it cut", () => {
    const lines = Array.from({ length: 1000 }, (_, index) => `line ${String(index).padStart(3, "0")}`);
    const markup = render([{ kind: "code", text: lines.join("\n") }], { limit: 1000 });
    const said = markup.split("\n").filter((line) => line.startsWith("line "));
    expect(said).toEqual(lines.slice(0, said.length));
    const left = lines.length - said.length;
    expect(markup).toMatch(/\n```\n… cut here: /);
    expect(markup.endsWith(`… cut here: ${left * 9} characters in ${left} lines do not fit`)).toBe(true);
  });

  it("cuts one line that is too long within, by whole characters, and marks that", () => {
    const markup = render([{ kind: "text", text: `😀&${"😀&".repeat(5000)}` }], { limit: 1000 });
    expect(markup.length).toBeLessThanOrEqual(1000);
    expect(markup).toMatch(/^(?:😀&amp;)+😀?…\n… cut here: /u);
    expect(markup.length).toBeGreaterThan(850);
  });

  it("Unfurl exfiltration (chat.md §6): beside a file, where previews cannot be switched off, addresses are no links", () => {
    const text = "see https://evil.example/?q=secret and HTTP://x.y";
    const markup = render([{ kind: "text", text }], { links: false });
    expect(markup).not.toMatch(/https?:\/\//i);
    expect(visible(markup)).toBe(text);
  });
});
