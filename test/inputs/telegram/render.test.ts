import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitted } from "../../../src/inputs/telegram/fit.ts";
import { length, render } from "../../../src/inputs/telegram/render.ts";
import { HOSTILE } from "../../contract/input.contract.ts";
import { shown } from "../../fakes/telegram-markup.ts";

const visible = (text: string) => text.replaceAll("\u200b", "");
const text = (text: string) => ({ kind: "text" as const, text });

const bit = fc.oneof(
  fc.constantFrom(...HOSTILE, ..."<>&;\"'@#$/ \n", "\u200b", "a", "ü", "_", "1"),
  fc.constantFrom(
    "@ann",
    "/stop",
    "/stop@bot",
    "#tag",
    "$USD",
    "<b>",
    "</pre>",
    "<a href='x'>",
    "&lt;",
    "&#64;",
    "https://x.y/@a/b#c",
  ),
  fc.string({ unit: "grapheme" }),
);
const part = fc.record({
  kind: fc.constantFrom("text" as const, "code" as const),
  text: fc.array(bit, { maxLength: 10 }).map((bits) => bits.join("")),
});
const parts = fc.array(part, { minLength: 1, maxLength: 4 });
const said = (all: readonly { readonly text: string }[]) =>
  all.map((one) => one.text).filter((one) => one.trim() !== "");

describe("text in Telegram", () => {
  it("encodes three characters, keeps names and commands apart, and code as it is", () => {
    const markup = render([text("a <b> & @ann /stop #x $Y a@b.c 1/2 /"), { kind: "code", text: "@ann </pre>" }]);
    expect(visible(markup)).toBe("a &lt;b&gt; &amp; @ann /stop #x $Y a@b.c 1/2 /\n<pre>@ann &lt;/pre&gt;</pre>");
    expect(markup).toContain("@\u200bann /\u200bstop #\u200bx $\u200bY a@b.c 1/2 /\n<pre>@ann");
  });

  it("leaves addresses as they are", () => {
    expect(render([text("see https://x.y/@a/b?c=/d&e#f ok")])).toBe("see https://x.y/@a/b?c=/d&amp;e#f ok");
  });

  it("Mention / markup injection in output (chat.md §6): nothing comes alive (property, seeded)", () => {
    fc.assert(
      fc.property(parts, (all) => {
        const seen = shown(render(all));
        expect(seen.live).toEqual([]);
        expect(visible(seen.text).trim()).toBe(visible(said(all).join("\n")).trim());
      }),
      { seed: 20160501, numRuns: 1000 },
    );
  });

  it("fits into 4096 characters, or 1024 beside a file, and loses nothing (property, seeded)", () => {
    const long = fc
      .tuple(parts, fc.integer({ min: 1, max: 200 }))
      .map(([all, times]) => all.map((one) => ({ ...one, text: one.text.repeat(times) })));
    fc.assert(
      fc.property(long, (all) => {
        const { text, file } = fitted({ parts: all });
        const seen = shown(text);
        expect(seen.text.length).toBeLessThanOrEqual(file ? 1024 : 4096);
        expect(seen.live).toEqual([]);
        expect(text).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
        expect(file?.text ?? render(all)).toBe(file ? all.map((one) => one.text).join("\n") : text);
        const growing = fitted({ parts: all, progress: { key: "k", last: true } });
        expect(growing.file).toBe(undefined);
        expect(shown(growing.text).text.length).toBeLessThanOrEqual(4096);
      }),
      { seed: 20160501, numRuns: 300 },
    );
  });

  it("counts as Telegram does", () => {
    const all = [text("🦀@x"), { kind: "code" as const, text: "<&>" }, text(" ")];
    expect(length(all)).toBe(shown(render(all)).text.length);
  });
});
