import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asNotification, asTyped, MAX_LENGTH } from "../../../src/inputs/hipchat/render.ts";
import type { Part } from "../../../src/inputs/input.ts";
import { HOSTILE } from "../../contract/input.contract.ts";
import { readHtml, readTyped } from "../../fakes/hipchat-reader.ts";

/** Whatever HipChat may take for a sign of its own, and what stands between. */
const SIGNS = [
  ...[
    "@",
    "@all",
    "@here",
    "@Ann",
    '@"Ann Smith"',
    "(",
    ")",
    "(boom)",
    "(yes",
    "/",
    "/me ",
    "/code ",
    "/quote ",
    "s/",
    "s/a/b/",
  ],
  ...[
    "<",
    ">",
    "&",
    '"',
    "'",
    "&lt;",
    "&#60;",
    "<b>",
    "</pre>",
    "<pre>",
    "<img src=x onerror=y>",
    "<a href='javascript:x'>",
  ],
  ...["<!--", "]]>", "\n", "\r\n", " ", "\u200b", "\u0000", "\ud800", "🦀", "a", "Z9", ...HOSTILE],
];
const words = fc.array(fc.oneof(fc.constantFrom(...SIGNS), fc.string())).map((all) => all.join(""));
const part: fc.Arbitrary<Part> = fc.record({ kind: fc.constantFrom("text", "code"), text: words });
const visible = (text: string) => text.replaceAll("\u200b", "");

describe("what the bot says in HipChat", () => {
  it("Mention / markup injection in output (chat.md §6): nothing in typed text acts, and it fits", () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
        const body = asTyped(parts);
        expect(body.length).toBeLessThanOrEqual(MAX_LENGTH);
        expect(readTyped(body).live).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it("Mention / markup injection in output (chat.md §6): HTML has tags of ours only, and it fits", () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
        const { message, message_format: format } = asNotification(parts);
        expect(message.length).toBeLessThanOrEqual(MAX_LENGTH);
        expect((format === "html" ? readHtml(message) : readTyped(message)).live).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it("whatever of 6000 characters is whole, in both", () => {
    const long = fc.record({ kind: fc.constantFrom<Part["kind"]>("text", "code"), sign: fc.constantFrom(...SIGNS) });
    fc.assert(
      fc.property(long, ({ kind, sign }) => {
        const legal = sign.replace(/\r\n?/g, "\n").replace(/[\0\ud800](?![\udc00-\udfff])/g, "");
        const text = (legal || "x").repeat(Math.floor(6000 / (legal.length || 1)));
        const { message, message_format: format } = asNotification([{ kind, text }]);
        const shown = format === "html" ? readHtml(message) : readTyped(message);
        expect(visible(shown.text)).toBe(visible(text));
        expect(visible(readTyped(asTyped([{ kind, text }])).text)).toBe(visible(text));
      }),
      { numRuns: 300 },
    );
  });

  it("code is HTML where that fits, and else begins with /code", () => {
    expect(
      asNotification([
        { kind: "text", text: "2 <services>" },
        { kind: "code", text: "a\tb\n(yes) @x" },
      ]),
    ).toEqual({
      message: "2 &lt;services&gt;<pre>a\tb\n(yes) @x</pre>",
      message_format: "html",
    });
    const { message, message_format: format } = asNotification([{ kind: "code", text: "&".repeat(6000) }]);
    expect({ format, start: message.slice(0, 8) }).toEqual({ format: "text", start: "/code &&" });
    expect(
      asTyped([
        { kind: "text", text: "one" },
        { kind: "code", text: "f(x)" },
      ]),
    ).toBe("/code one\nf(x)");
  });

  it("sentences are text", () => {
    expect(asNotification([{ kind: "text", text: "ask @all (boom)" }])).toEqual({
      message: "ask @\u200ball (\u200bboom)",
      message_format: "text",
    });
    for (const text of ["/me waves", "s/yes/no/", "  /clear"]) {
      expect(asTyped([{ kind: "text", text }])).toBe(`\u200b${text}`);
    }
  });
});
