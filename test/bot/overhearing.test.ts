import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { readPolicy } from "../../src/bot/policy.ts";
import { type AnyCommand, defineCommand } from "../../src/commands/command.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import type { Listening, Meant } from "../../src/plugins/listening.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

/** Listens to what holds a word, with commands that say what they were told. */
function ears(word: string, commands: readonly AnyCommand[]) {
  const heard: string[] = [];
  const ran: string[] = [];
  const meant: Meant = {
    commands,
    together: (those) => ({
      ...(those[0] as AnyCommand),
      run: async (input: { text: string }, context) => {
        ran.push(...those.map(({ name }) => name));
        return (those[0] as AnyCommand).run(input, context);
      },
    }),
  };
  const listening: Listening = {
    overhears: true,
    ask: async ({ text }) => (text.includes(word) ? meant : undefined),
    overhear: ({ text }, found) => {
      heard.push(text);
      if (text.includes(word)) found(meant);
    },
  };
  return { listening, heard, ran };
}

const listener = (name: string, more: Partial<AnyCommand> = {}): AnyCommand => ({
  ...defineCommand({
    name,
    summary: name,
    input: z.object({ text: z.string() }),
    permission: `ears:${name}`,
    effect: "read",
    run: async ({ text }) => text,
    view: (text) => ({ kind: "text", text: `${name} heard ${text}` }),
  }),
  ...more,
});

describe("what is not said to the bot", () => {
  it("reaches who listens, and what they act on is answered", async () => {
    const input = memoryInput();
    const { listening, heard } = ears("ship", [listener("one")]);
    await botOn([input], { listening: [listening] }).start();
    input.say("lunch?", { addressed: false });
    input.say("ship it", { addressed: false });
    expect(textOf(await input.next())).toBe("one heard ship it");
    expect(heard).toEqual(["lunch?", "ship it"]);
    expect(input.taken.length).toBeGreaterThan(0);
  });

  it("is never a yes, a command or a word for the bot", async () => {
    const input = memoryInput();
    const restart = telling("restart", { effect: "write" });
    const { listening, ran } = ears("", [listener("one")]);
    await botOn([input], {
      listening: [listening],
      commands: [restart.command],
      policy: readPolicy("members: ['test:*', 'bot:*', 'ears:*']", "test"),
    }).start();
    input.say("restart web");
    await vi.waitFor(() => expect(input.sent.map(textOf).join()).toContain("restart web"));
    for (const text of ["yes", "restart web", "no", "pause writes"]) input.say(text, { addressed: false });
    await vi.waitFor(() => expect(ran).toHaveLength(4));
    await vi.waitFor(() => expect(input.sent.map(textOf).join()).toContain("one heard pause writes"));
    expect(restart.runs).toEqual([]);
    input.say("yes");
    await vi.waitFor(() => expect(restart.runs).toEqual(["web"]));
  });

  it("comes to nothing without a word where it may not be done or fails", async () => {
    const input = memoryInput();
    const fails = listener("fails", {
      run: async () => {
        throw new MicroError("internal", "it broke");
      },
    });
    const denied = ears("denied", [listener("one")]);
    const broken = ears("broken", [fails]);
    const silent = ears("silent", [listener("quiet", { view: () => ({ kind: "text", text: "" }) })]);
    const policy = readPolicy(`members: ['bot:*']\nrules: ["deny members ears:one"]`, "test");
    await botOn([input], { listening: [denied.listening, broken.listening, silent.listening], policy }).start();
    for (const text of ["denied", "broken", "silent"]) input.say(text, { addressed: false });
    await vi.waitFor(() => expect(silent.ran).toEqual(["quiet"]));
    input.say("ping");
    expect(textOf(await input.next())).toBe("pong");
    expect(denied.ran).toEqual([]);
    expect(input.sent).toHaveLength(1);
  });

  it("takes effect once over all replicas", async () => {
    const store = memoryKv();
    await store.start();
    const inputs = [memoryInput(), memoryInput()];
    const all = inputs.map(() => ears("ship", [listener("one")]));
    for (const [at, input] of inputs.entries()) {
      const listening = [(all[at] as ReturnType<typeof ears>).listening];
      await botOn([input], { listening, store, replica: { name: `r${at}` } }).start();
    }
    for (const input of inputs) input.say("ship it", { addressed: false, id: "same" });
    await vi.waitFor(() => expect(inputs.flatMap(({ sent }) => sent)).toHaveLength(1));
    for (const [at, input] of inputs.entries()) input.say("ping", { id: `ping${at}` });
    await vi.waitFor(() => expect(inputs.flatMap(({ sent }) => sent)).toHaveLength(3));
    expect(all.flatMap(({ ran }) => ran)).toEqual(["one"]);
  });
});

describe("what is said to the bot and is no command", () => {
  it("is asked of who listens, and those act who may", async () => {
    const input = memoryInput();
    const { listening, ran } = ears("ship", [listener("one"), listener("two"), listener("three")]);
    const policy = readPolicy(`members: ['bot:*']\nrules: ["deny members ears:one"]`, "test");
    await botOn([input], { listening: [listening], policy }).start();
    input.say("ship it");
    expect(textOf(await input.next())).toBe("two heard ship it");
    expect(ran).toEqual(["two", "three"]);
    input.say("nonsense");
    expect(textOf(await input.next())).toContain('there is no command "nonsense"');
  });

  it("is refused with its reason where nobody may, or where they cannot tell", async () => {
    const input = memoryInput();
    const { listening } = ears("ship", [listener("one")]);
    const away: Listening = {
      overhears: false,
      ask: async ({ text }) => {
        if (text === "away")
          throw new MicroError("unavailable", "the scripts are being started; say it again in a moment");
        return undefined;
      },
      overhear: () => {},
    };
    const policy = readPolicy(`members: ['bot:*']\nrules: ["deny members ears:one"]`, "test");
    await botOn([input], { listening: [away, listening], policy }).start();
    input.say("ship it");
    expect(textOf(await input.next())).toMatch(/deny members ears:one/);
    input.say("away");
    expect(textOf(await input.next())).toMatch(/^the scripts are being started/);
  });
});
