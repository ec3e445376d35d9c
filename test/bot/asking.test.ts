import { describe, expect, it } from "vitest";
import type { AnyCommand, AskOptions, CommandContext } from "../../src/commands/command.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

/** A command that asks where, and says what it was told. */
function asking(options: AskOptions = { choices: ["eu", "us"] }, maxMs = 10_000) {
  return {
    ...telling("deploy").command,
    maxMs,
    run: async (_input: unknown, { ask }: CommandContext) => ({ what: await ask?.("which region?", options) }),
  };
}

async function asked(options?: AskOptions, maxMs?: number, buttons = false, more: readonly AnyCommand[] = []) {
  const input = memoryInput({ limits: { edits: false, buttons } });
  await botOn([input], { commands: [asking(options, maxMs), telling("look").command, ...more] }).start();
  const say = async (text: string, from = "ann", room = "room") => {
    input.say(text, { from, room });
    return textOf(await input.next());
  };
  /** What the so-manieth button of the last message that has some says. */
  const button = (at: number) =>
    input.sent.findLast(({ choices = [] }) => choices.length > 0)?.choices?.[at]?.line ?? "";
  return { input, say, button, next: async () => textOf(await input.next()) };
}

describe("a command that asks back", () => {
  it("is told what who said it says next, as the choice is spelled", async () => {
    const { say, next } = await asked();
    expect(await say("deploy orders")).toBe("which region? (eu, us)");
    expect([await say("EU"), await next()].sort()).toEqual(["deploy eu done", "eu it is"]);
  });

  it("hears nobody else, and nothing from elsewhere", async () => {
    const { say, next } = await asked();
    await say("deploy orders");
    expect(await say("us", "bob")).toMatch(/^there is no command "us"/);
    expect(await say("us", "ann", "another room")).toMatch(/^there is no command "us"/);
    expect([await say("eu"), await next()].sort()).toEqual(["deploy eu done", "eu it is"]);
    expect(await say("eu")).toMatch(/^there is no command "eu"/);
  });

  it("asks again for what is no choice, and lets other commands through", async () => {
    const { say } = await asked();
    await say("deploy orders");
    expect(await say("asia")).toBe("I asked for one of eu, us; `no` ends it");
    expect(await say("look here")).toBe("look here done");
    expect(await say("deploy x")).toBe("I wait for an answer of yours here already: give it, or say `no`");
  });

  it("takes any text where there are no choices", async () => {
    const { say, next } = await asked({});
    expect(await say("deploy orders")).toBe("which region?");
    expect([await say("look at that"), await next()].sort()).toEqual([
      "deploy look at that done",
      "look at that it is",
    ]);
  });

  it("lets through what decides a request or is urgent", async () => {
    const urgent = { ...telling("halt").command, urgent: true as const };
    const { say } = await asked({}, undefined, false, [urgent]);
    await say("deploy orders");
    expect(await say("halt all")).toBe("halt all done");
    expect(await say("approve 03f9a1")).toMatch(/^there is nothing of yours/);
  });

  it.each(["no", "Cancel"])("ends with %s", async (word) => {
    const { say, next } = await asked();
    await say("deploy orders");
    expect([await say(word), await next()].sort()).toEqual(["it is let be", "nothing more was done: you said no"]);
  });

  it("does not wait for ever", async () => {
    const { say, next } = await asked(undefined, 50);
    await say("deploy orders");
    expect(await next()).toBe("`deploy` did not answer within 50 ms");
    expect(await say("eu")).toMatch(/^there is no command/);
  });

  it("shows choices to be pressed, which only who was asked can", async () => {
    const { input, say, button, next } = await asked(undefined, undefined, true);
    await say("deploy orders");
    const line = button(1);
    input.press("us", { from: "bob" });
    expect(await next()).toBe("nothing was done: that question is over, or was asked of somebody else");
    input.say(line, { from: "ann" });
    expect([await next(), await next()].sort()).toEqual(["deploy us done", "us it is"]);
  });

  it("says by a button of it nothing to what comes after it", async () => {
    const change = telling("change", { effect: "write" });
    const { say, button, next } = await asked({ choices: ["yes", "no"] }, 50, true, [change.command]);
    await say("deploy orders");
    const yes = button(0);
    expect(await next()).toBe("`deploy` did not answer within 50 ms");
    expect(await say("change prod")).toMatch(/^this changes things: change prod/);
    expect(await say(yes)).toBe("nothing was done: that question is over, or was asked of somebody else");
    expect(change.runs).toEqual([]);
  });

  it.each([
    ["yes", "change prod done"],
    ["no", "not done: change prod"],
  ])("leaves a bare %s to a request of theirs", async (word, told) => {
    const change = telling("change", { effect: "write" });
    const { say, next } = await asked({}, undefined, false, [change.command]);
    await say("change prod");
    await say("deploy orders");
    expect(await say(word)).toBe(told);
    expect(await say(word, "bob")).toMatch(/^there is nothing of yours/);
    // There is none any more, so it is the answer.
    const answers = [await say("yes"), await next()].sort();
    expect(answers).toEqual(["deploy yes done", "yes it is"]);
  });

  it("is told nothing by a button of a question before", async () => {
    const { say, button, next } = await asked(undefined, undefined, true);
    await say("deploy orders");
    const old = button(1);
    expect(await say("no")).not.toBe("");
    await next();
    await say("deploy orders");
    expect(button(1)).not.toBe(old);
    expect(await say(old)).toBe("nothing was done: that question is over, or was asked of somebody else");
    expect([await say(button(0)), await next()].sort()).toEqual(["deploy eu done", "eu it is"]);
  });

  it("takes a bare yes for neither where it may mean a choice or a request", async () => {
    const change = telling("change", { effect: "write" });
    const { say, next } = await asked({ choices: ["yes", "no"] }, undefined, false, [change.command]);
    await say("change prod");
    await say("deploy orders");
    const words = await say("yes");
    expect(words).toMatch(/^nothing was done: a question and a request of yours wait here/);
    expect(change.runs).toEqual([]);
    const line = /answer [0-9a-f]{6} 1/.exec(words)?.[0] ?? "";
    expect([await say(line), await next()].sort()).toEqual(["deploy yes done", "yes it is"]);
  });

  it("takes no for an answer where that is a choice", async () => {
    const { say, next } = await asked({ choices: ["yes", "no"] });
    await say("deploy orders");
    expect([await say("no"), await next()].sort()).toEqual(["deploy no done", "no it is"]);
  });

  it("asks nobody whom no one vouches for", async () => {
    const input = memoryInput();
    const init = { commands: [asking()], policy: undefined };
    await botOn([input], {
      ...init,
      policy: (await import("../../src/bot/policy.ts")).readPolicy("guests: ['test:*']", "x"),
    }).start();
    input.say("deploy orders", { from: { id: undefined } });
    expect(textOf(await input.next())).toMatch(/nobody vouches here for who answers/);
  });
});

describe("a command with a file", () => {
  const table = { ...telling("look").command, file: () => ({ name: "orders.csv", text: "a,b\n1,2" }) };

  it.each([
    [true, "look x done", "orders.csv"],
    [false, "look x done\norders.csv:\na,b\n1,2", undefined],
  ])("attaches it where the network takes files (%s), else says it", async (files, text, name) => {
    const input = memoryInput({ limits: { files } });
    await botOn([input], { commands: [table] }).start();
    input.say("look x");
    const message = await input.next();
    expect(textOf(message)).toBe(text);
    expect(message.file?.name).toBe(name);
  });
});
