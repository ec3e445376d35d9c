import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitted } from "../../../src/inputs/discord/fit.ts";
import { render } from "../../../src/inputs/discord/render.ts";
import { HOSTILE } from "../../contract/input.contract.ts";
import { shown } from "../../fakes/discord-markup.ts";

const visible = (text: string) => text.replaceAll("\u200b", "");
const text = (text: string) => ({ kind: "text" as const, text });

const bit = fc.oneof(
  fc.constantFrom(...HOSTILE, ..."\\*_~|`<>[]()#-+:@!&1.)/ \n", "``", "```", "\u200b", "> ", "# ", "1. ", "- "),
  fc.constantFrom("<@1234>", "<@!1234>", "<@&1234>", "<#1234>", "<:a:1234>", "<a:a:1234>", "<t:1:R>", "</run it:12>"),
  fc.constantFrom("@everyone", "@here", "@Everyone", "<id:home>", ":smile:", "[a](https://x.y)", "||s||", "**b**"),
  fc.constantFrom("https://x.y/a_b*c?d=`e`", "http://x.y.", "steam://run", "discord://x", "<https://x.y>", "https://"),
  fc.string({ unit: "grapheme" }),
);
const part = fc.record({
  kind: fc.constantFrom("text" as const, "code" as const),
  text: fc.array(bit, { maxLength: 10 }).map((bits) => bits.join("")),
});
const parts = fc.array(part, { minLength: 1, maxLength: 4 });

describe("text in Discord", () => {
  it.each([
    ["a *b* _c_ ~~d~~ `e` ||f||", "a \\*b\\* \\_c\\_ \\~\\~d\\~\\~ \\`e\\` \\|\\|f\\|\\|"],
    ["# a\n- b\n1. c\n> d", "\\# a\n\\- b\n1\\. c\n\\> d"],
    ["a-b #c 1.5", "a-b #c 1.5"],
    ["[a](https://x.y/z)", "\\[a\\](<https://x.y/z>)"],
    ["12:30:45 :x: a::b", "12\\:30:45 \\:x: a::b"],
    ["greeter.Say.Hello: ok", "greeter.Say.Hello: ok"],
  ])("%j", (said, markup) => {
    expect(render([text(said)])).toBe(markup);
    expect(shown(markup)).toEqual({ text: said, live: [] });
  });

  it("puts code into a block of its own, line by line as it is", () => {
    const said = [text("2 services"), { kind: "code" as const, text: "greeter\n  *users*" }, text(""), text("all")];
    expect(render(said)).toBe("2 services\n```\ngreeter\n  *users*\n```\nall");
  });

  it("Mention / markup injection in output (chat.md §6): the whole grammar is inert (property, seeded)", () => {
    fc.assert(
      fc.property(parts, (said) => {
        const markup = render(said);
        const seen = shown(markup);
        expect(seen.live).toEqual([]);
        const kept = said.filter((one) => one.text.trim() !== "");
        expect(markup.split("```")).toHaveLength(1 + 2 * kept.filter((one) => one.kind === "code").length);
        // Empty lines at the ends of a block are nobody's loss.
        const expected = kept.map((one) => (one.kind === "code" ? one.text.replace(/^\n+|\n+$/g, "") : one.text));
        expect(visible(seen.text)).toBe(visible(expected.join("\n")));
      }),
      { seed: 20160501, numRuns: 1000 },
    );
  });

  it("fits into 2000 characters whatever is said, and loses nothing (property, seeded)", () => {
    const long = fc
      .tuple(parts, fc.integer({ min: 1, max: 60 }))
      .map(([said, times]) => said.map((one) => ({ ...one, text: one.text.repeat(times) })));
    fc.assert(
      fc.property(long, (said) => {
        const { content, file } = fitted({ parts: said });
        expect(content.length).toBeLessThanOrEqual(2000);
        expect(shown(content).live).toEqual([]);
        const whole = render(said);
        expect(content === whole || file?.text === said.map((one) => one.text).join("\n")).toBe(true);
        expect(content).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
        const growing = fitted({ parts: said, progress: { key: "k", last: false } });
        expect(growing).toEqual({ content, file: undefined });
      }),
      { seed: 20160501, numRuns: 300 },
    );
  });
});
