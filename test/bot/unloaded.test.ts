import { describe, expect, it } from "vitest";
import { readPolicy } from "../../src/bot/policy.ts";
import { unloadedFor } from "../../src/bot/unloaded.ts";
import { chatLine } from "../../src/commands/line.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import type { CommandSource } from "../../src/plugins/plugins.ts";
import { botOn, textOf } from "./run-bot.ts";

const broken = [
  { from: "commands/restart.ts", why: "restart.ts:3:5: Unexpected" },
  { from: "commands/scale-orders.mjs", why: "no" },
  { from: "go.micro.bot.deploy", why: "no" },
  { from: "@team/pager", why: "no" },
];

describe("what did not load", () => {
  it.each([
    ["restart orders", "commands/restart.ts"],
    ["RESTART", "commands/restart.ts"],
    ["scale orders 5", "commands/scale-orders.mjs"],
    ["scale-orders 5", "commands/scale-orders.mjs"],
    ["deploy", "go.micro.bot.deploy"],
    ["pager ann", "@team/pager"],
  ])("is meant by %j", (line, from) => {
    expect(unloadedFor(chatLine(line), broken, true)).toContain(`${from} did not load: `);
  });

  it.each(["restarts orders", "orders restart", "scale", "ts", ""])("is not meant by %j", (line) => {
    expect(unloadedFor(chatLine(line), broken, true)).toBeUndefined();
  });

  it("is told of where its command is said, with the reason to whom may see it", async () => {
    const source: CommandSource = {
      name: "files",
      start: async (offer) => offer({ commands: [], broken }),
      stop: async () => {},
    };
    const input = memoryInput();
    const policy = readPolicy("guests: ['bot:talk']", "test");
    await botOn([input], { sources: [source], policy }).start();
    const ask = async (text: string, from: string, guest = false) => {
      const before = input.sent.length;
      input.say(text, { from: { id: from, guest } });
      await expect.poll(() => input.sent.length).toBe(before + 1);
      return textOf(input.sent.at(-1));
    };
    expect(await ask("restart orders", "ann")).toBe(
      'there is no command "restart orders": commands/restart.ts did not load: restart.ts:3:5: Unexpected; `plugins` shows all that did not',
    );
    const told = await ask("restart orders", "bob", true);
    expect(told).toContain("commands/restart.ts did not load");
    expect(told).not.toContain("Unexpected");
    expect(await ask("rstart orders", "ann")).toContain("the nearest are");
  });
});
