import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { say } from "../../src/bot/context.ts";
import { renderAnswer, renderError } from "../../src/bot/render.ts";
import { align } from "../../src/commands/columns.ts";
import type { View } from "../../src/commands/command.ts";
import { MicroError } from "../../src/core/errors.ts";

const place = { room: "r" };
const limits = { textLength: 300, files: true, edits: true, buttons: false, pictures: true };
const parts = (view: View) => renderAnswer({ view, output: "text" }, place, limits).parts;

describe("align", () => {
  it("makes columns of neighbouring lines, and blanks of leading tabs", () => {
    expect(align("a\tbb\tc\nlong\tb\tc\n\nsingle\n\t\tx y\t\tz")).toBe(
      "a     bb  c\nlong  b   c\n\nsingle\n    x y  z",
    );
  });
});

describe("an answer", () => {
  it("is words, or lines of a fixed width", () => {
    expect(parts({ kind: "text", text: "pong" })).toEqual([{ kind: "text", text: "pong" }]);
    expect(parts({ kind: "list", items: ["a", "b"] })).toEqual([{ kind: "code", text: "a\nb" }]);
    expect(parts({ kind: "json", text: '{"a":1.0}' })).toEqual([{ kind: "code", text: '{\n  "a": 1.0\n}' }]);
    expect(parts({ kind: "list", items: [], note: "old" })).toEqual([
      { kind: "text", text: "there is none" },
      { kind: "text", text: "old" },
    ]);
  });

  it("says something even if there is nothing to say", () => {
    expect(parts({ kind: "text", text: "" })[0]?.text).not.toBe("");
  });

  it("never exceeds the limit, whatever it is, and then the whole of it is in the file", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 400 }), { maxLength: 60 }), (lines) => {
        const text = lines.join("\n");
        const message = renderAnswer(say(text), place, limits);
        const length = message.parts.reduce((sum, part) => sum + part.text.length, 0);
        expect(length).toBeLessThanOrEqual(limits.textLength);
        if (text.length > limits.textLength) expect(message.file?.text).toBe(text);
        else expect(message.file).toBeUndefined();
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it("is cut with a note where there are no files", () => {
    const message = renderAnswer(say("x\n".repeat(500)), place, {
      textLength: 300,
      files: false,
      edits: false,
      buttons: false,
      pictures: false,
    });
    expect(message.file).toBeUndefined();
    expect(message.parts.at(-1)?.text).toContain("does not fit");
  });
});

describe("an error", () => {
  it("shows where in a long line the trouble is", () => {
    const line = `call ${"x".repeat(300)} --bad 1`;
    const error = new MicroError("invalid_argument", "no option --bad", {
      details: { usage: "call <service>", line, mark: { start: 306, end: 311 } },
    });
    const code =
      renderError(error, "abc", place, {
        textLength: 1000,
        files: false,
        edits: false,
        buttons: false,
        pictures: false,
      }).parts[1]?.text ?? "";
    const [shown = "", carets = ""] = code.split("\n");
    expect(shown.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1)).toBe("--bad");
    expect(shown.length).toBeLessThanOrEqual(100);
    expect(code).toContain("usage: call <service>");
  });
});
