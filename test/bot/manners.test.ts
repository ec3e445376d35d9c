import { describe, expect, it } from "vitest";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin } from "../../src/commands/builtin.ts";
import { MicroError } from "../../src/core/errors.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import { manualClock } from "../fakes/clock.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

/* How things are said beside their words: to whom, and what can be picked next. */

const buttons = () => memoryInput({ limits: { buttons: true } });
const fail = (error: Error) => ({ gate: () => Promise.reject(error) });
const away = new MicroError("unavailable", "greeter is away", {
  details: { choices: [{ label: "x", line: "yes 1" }] },
});

async function answerTo(input: MemoryInput, text: string) {
  input.say(text);
  return input.next();
}

describe("whispered is", () => {
  it("a refusal", async () => {
    const input = memoryInput();
    const { command } = telling("work");
    await botOn([input], { commands: [command], policy: readPolicy("{}", "test") }).start();
    input.say("work", { from: { id: "eve", guest: true } });
    expect(await input.next()).toMatchObject({
      whisper: true,
      parts: [{ text: expect.stringMatching(/guests need/) }],
    });
  });

  it("that somebody is too fast", async () => {
    const input = memoryInput();
    await botOn([input], { limit: { person: { count: 1, ms: 60_000, burst: 1 } } }).start();
    expect((await answerTo(input, "ping")).whisper).toBeUndefined();
    expect(await answerTo(input, "ping")).toMatchObject({ whisper: true });
  });

  it("that there is no such command, with the nearest as buttons", async () => {
    const input = buttons();
    await botOn([input]).start();
    const hint = await answerTo(input, "pinng");
    expect(hint.whisper).toBe(true);
    expect(hint.choices?.[0]).toEqual({ label: "ping", line: "ping" });
    expect(hint.choices).toHaveLength(3);
  });

  it("help of more than 12 lines, and no other answer", async () => {
    const input = memoryInput();
    await botOn([input], { commands: builtin }).start();
    const whole = await answerTo(input, "help");
    expect(textOf(whole).split("\n").length).toBeGreaterThan(13);
    expect(whole.whisper).toBe(true);
    expect((await answerTo(input, "help ping")).whisper).toBeUndefined();
    expect((await answerTo(input, `echo ${"line\n".repeat(30)}`)).whisper).toBeUndefined();
  });

  it("not what a command found out", async () => {
    const input = memoryInput();
    const { command } = telling("work", fail(away));
    await botOn([input], { commands: [command] }).start();
    expect((await answerTo(input, "work")).whisper).toBeUndefined();
  });
});

describe("saying it again is offered", () => {
  it("after an error that may pass, with the same line", async () => {
    const input = buttons();
    const { command, runs } = telling("work", fail(away));
    await botOn([input], { commands: [command] }).start();
    // What a service writes into its errors makes no buttons.
    expect((await answerTo(input, "micro work it")).choices).toEqual([{ label: "Again", line: "work it" }]);
    input.press("Again");
    await input.next();
    expect(runs).toEqual(["it", "it"]);
  });

  it("after an answer that took a tenth of the time there is", async () => {
    const clock = manualClock();
    const input = memoryInput({ clock, limits: { buttons: true } });
    let end = () => {};
    const { command, runs } = telling("work", { gate: () => new Promise<void>((resolve) => (end = resolve)) });
    await botOn([input], { commands: [command], clock, drainMs: 0 }).start();
    for (const [ms, choices] of [
      [2999, undefined],
      [3000, [{ label: "Again", line: "work it" }]],
    ] as const) {
      const before = runs.length;
      input.say("work it");
      await expect.poll(() => runs.length).toBe(before + 1);
      await clock.advance(ms);
      end();
      expect((await input.next()).choices).toEqual(choices);
    }
  });

  it.each([
    ["for a write", { effect: "write", confirm: false } as const, away],
    ["when it would only fail again", {}, new MicroError("not_found", "there is none")],
  ])("not %s", async (_when, extra, error) => {
    const input = buttons();
    const { command } = telling("work", { ...extra, ...fail(error) });
    await botOn([input], { commands: [command] }).start();
    expect((await answerTo(input, "work")).choices).toBeUndefined();
  });

  it("not where there are no buttons", async () => {
    const input = memoryInput();
    const { command } = telling("work", fail(away));
    await botOn([input], { commands: [command] }).start();
    expect((await answerTo(input, "work")).choices).toBeUndefined();
  });

  it("to each their own line, when one error is thrown to several", async () => {
    const input = buttons();
    const { command } = telling("work", fail(away));
    await botOn([input], { commands: [command] }).start();
    for (const room of ["one", "two"]) input.say(`work ${room}`, { room });
    const answers = [await input.next(), await input.next()];
    expect(answers.map(({ place, choices }) => [place.room, choices?.[0]?.line])).toEqual([
      ["one", "work one"],
      ["two", "work two"],
    ]);
  });
});
