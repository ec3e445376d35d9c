import { describe, expect, it } from "vitest";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

describe("what one command may say in all (item 7)", () => {
  it("is cut, with a word about it, file and all", async () => {
    const input = memoryInput({ limits: { textLength: 800 } });
    const { command } = telling("list", { view: () => ({ kind: "text", text: "line\n".repeat(1000) }) });
    await botOn([input], { commands: [command], outputBytes: 1000 }).start();
    input.say("list");
    const said = await input.next();
    expect(said.file?.text).toHaveLength(1000);
    expect(textOf(said)).toContain("cut here: one command may say 1000 bytes here; it is 5000");
  });

  it("ends what goes on showing things", async () => {
    const input = memoryInput({ limits: { edits: false } });
    let shown = 0;
    const { command } = telling("watch", {
      maxMs: 60_000,
      run: async (_input, { emit, signal }) => {
        for (; !signal.aborted && shown < 1000; shown++) await emit({ kind: "text", text: "x".repeat(100) });
        return { what: "" };
      },
    });
    await botOn([input], { commands: [command], outputBytes: 1000 }).start();
    input.say("watch");
    await expect
      .poll(() => textOf(input.sent.at(-1)))
      .toContain("it was ended: one command may say 1000 bytes here, and it had more to say");
    expect(input.sent.at(-1)).toMatchObject({ failed: true });
    expect(shown).toBeLessThan(20);
    const lines = input.sent
      .map(textOf)
      .join("\n")
      .match(/x{100}/g);
    expect(lines).toHaveLength(10);
  });
});
