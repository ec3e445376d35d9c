import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineOwnCommand } from "../../src/commands/needs.ts";
import { kit } from "../../src/testing/kit.ts";

const text = { view: ({ text }: { text: string }) => ({ kind: "text" as const, text }) };
const slow = defineOwnCommand({
  name: "slow",
  summary: "Take an hour of the bot's time",
  input: z.object({}),
  permission: "test:slow",
  effect: "read",
  ...text,
  run: async (_input, { clock, emit }) => {
    const since = clock.now();
    await emit({ kind: "text", text: "begun" });
    for (let i = 0; i < 60; i++) await clock.sleep(60_000);
    return { text: `${(clock.now() - since) / 60_000} minutes` };
  },
});
const region = defineOwnCommand({
  name: "region",
  summary: "Ask where",
  input: z.object({}),
  permission: "test:region",
  effect: "read",
  needs: ["kv"],
  ...text,
  run: async (_input, { ask, kv }) => {
    const picked = await ask("which region?", { choices: ["eu", "us"] });
    await kv.put("region", picked);
    return { text: `off to ${picked}` };
  },
  file: ({ text }) => ({ name: "region.txt", text }),
});

describe("the kit for tests", () => {
  it("lets an hour pass in no time while an answer is expected", async () => {
    await using bot = kit({ commands: [slow] });
    const since = performance.now();
    await (await bot.says("slow").expect("begun")).expect("60 minutes");
    expect(performance.now() - since).toBeLessThan(5000);
  });

  it("answers questions, keeps keys and shows files", async () => {
    await using bot = kit({ commands: [region], now: new Date("2026-01-01") });
    await bot.says("region").expect("which region? (eu, us)");
    await bot.says("us", { by: "bob" }).expect("there is no command");
    await bot.says("us").expect(/off to us\n\[region\.txt\]/);
    expect((await bot.kv.get("region"))?.value).toBe("us");
  });

  it("tells what was said where nothing fits, and what is wrong with a definition", async () => {
    await using bot = kit({ commands: [region] });
    const failed = await bot
      .says("regio")
      .expect(/which/)
      .catch((error: Error) => error);
    expect(failed).toMatchObject({
      name: "AssertionError",
      message: expect.stringMatching(
        /^to "regio" the bot said nothing that fits \/which\/; it said:\nthere is no command "regio"/,
      ),
    });
    expect(await bot.says("ping").answers()).toEqual(["pong"]);
    await using writing = kit({ commands: [{ ...slow, effect: "write" as const }] });
    await expect(writing.says("slow").expect("60 minutes")).rejects.toThrow(
      'expect the question, and then `await bot.says("yes").expect(…)`',
    );
    expect(() => kit({ commands: [{ ...region, summary: "" }] })).toThrow("`region`: `summary` must be one line");
  });

  it("moves time when it is told to", async () => {
    await using bot = kit({ commands: [], now: new Date("2026-03-01T00:00:00Z") });
    await bot.passes("90m");
    await bot.says("time").expect("Sun, 01 Mar 2026 01:30:00 GMT");
  });
});
