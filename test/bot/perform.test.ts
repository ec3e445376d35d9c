import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { BotInit } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin } from "../../src/commands/builtin.ts";
import { defineCommand } from "../../src/commands/command.ts";
import type { House } from "../../src/commands/house.ts";
import type { Behalf } from "../../src/commands/perform.ts";
import { MicroError } from "../../src/core/errors.ts";
import type { Standing } from "../../src/inputs/input.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

/** A bot, its performer, and what `begin` was told of who said it. */
async function bench(
  policy: string,
  { standing, ...init }: Partial<BotInit> & { standing?: () => Promise<Standing> } = {},
) {
  const memory = memoryInput();
  const input: MemoryInput = {
    ...memory,
    connect: async (options) => ({ ...(await memory.connect(options)), ...(standing && { standing }) }),
  };
  let house: House | undefined;
  let behalf: Behalf | undefined;
  const read = telling("look");
  const write = telling("change", { effect: "write" });
  const begin = defineCommand({
    name: "begin",
    summary: "begin",
    input: z.object({}),
    permission: "test:begin",
    effect: "read",
    run: async (_input, context) => {
      behalf = context.behalf;
      return {};
    },
    view: () => ({ kind: "text", text: "begun" }),
  });
  const bot = botOn([input], {
    commands: [...builtin, read.command, write.command],
    policy: readPolicy(policy, "test"),
    extensions: [
      (given) => {
        house = given;
        return { commands: [begin] };
      },
    ],
    ...init,
  });
  await bot.start();
  input.say("begin");
  await input.next();
  const { performer } = house as House;
  return { input, read, write, performer, bot, behalf: JSON.parse(JSON.stringify(behalf)) as Behalf };
}

const ALL = "members: ['test:*', 'bot:*', 'audit:*']";

describe("a line that is carried out for somebody", () => {
  it("gives the facts, and is in the audit with its id and for whom", async () => {
    const { performer, behalf, read, input } = await bench(ALL);
    const done = await performer.perform("look web", behalf, { id: "r1.1" });
    expect(done).toMatchObject({ command: "look", input: { what: "web" }, result: { what: "web" }, effect: "read" });
    expect(read.runs).toEqual(["web"]);
    input.say("explain r1.1");
    expect(textOf(await input.next())).toMatch(/look web/);
  });

  it("is bound by the policy of who it is for", async () => {
    const { performer, behalf, read } = await bench("members: ['test:*', 'bot:*']\nrules: ['deny memory:ann look']");
    await expect(performer.perform("look web", behalf, { id: "r1.1" })).rejects.toMatchObject({
      code: "permission_denied",
    });
    expect(read.runs).toEqual([]);
  });

  it("writes only where a yes was given, and never where nothing is to be changed", async () => {
    const { performer, behalf, write } = await bench(ALL);
    const refused = { code: "permission_denied" };
    await expect(performer.perform("change web", behalf, { id: "r1.1" })).rejects.toMatchObject(refused);
    const dry = { id: "r1.2", confirmed: true, readOnly: true };
    await expect(performer.perform("change web", behalf, dry)).rejects.toMatchObject(refused);
    expect(write.runs).toEqual([]);
    await performer.perform("change web", behalf, { id: "r1.3", confirmed: true });
    expect(write.runs).toEqual(["web"]);
  });

  it("is not carried out where approvers are wanted", async () => {
    const policy =
      "roles: { ops: { members: ['memory:eve'] } }\nmembers: ['test:*', 'bot:*']\nrules: ['allow memory:ann change approve 1 of role:ops']";
    const { performer, behalf, write } = await bench(policy);
    await expect(performer.perform("change web", behalf, { id: "r1.1", confirmed: true })).rejects.toThrow("ops");
    expect(write.runs).toEqual([]);
  });

  it("stops where writes are paused", async () => {
    const { performer, behalf, write } = await bench(ALL);
    await performer.perform("pause writes because of the move", behalf, { id: "r1.1", confirmed: true });
    await expect(performer.perform("change web", behalf, { id: "r1.2", confirmed: true })).rejects.toThrow("paused");
    expect(write.runs).toEqual([]);
  });

  it("is cancelled by its signal", async () => {
    const { performer, behalf } = await bench(ALL, {
      commands: [telling("hang", { gate: () => new Promise(() => {}) }).command],
    });
    const cancel = new AbortController();
    const hanging = performer.perform("hang", behalf, { id: "r1.1", signal: cancel.signal });
    setTimeout(() => cancel.abort(), 50);
    await expect(hanging).rejects.toMatchObject({ code: "cancelled" });
    await expect(performer.perform("hang", behalf, { id: "r1.2", signal: cancel.signal })).rejects.toThrow(
      "before it began",
    );
  });

  it("that is no command, or for a network that is gone, is refused", async () => {
    const { performer, behalf } = await bench(ALL);
    await expect(performer.perform("lok web", behalf, { id: "r1.1" })).rejects.toThrow("there is no command");
    await expect(performer.perform("", behalf, { id: "r1.2" })).rejects.toMatchObject({ code: "invalid_argument" });
    const gone = { ...behalf, input: "slack" };
    await expect(performer.perform("look web", gone, { id: "r1.3" })).rejects.toThrow("not in slack");
  });

  it("is not for who has left the network, nor for who cannot be looked up", async () => {
    let standing: () => Promise<Standing> = async () => "member";
    const { performer, behalf, read } = await bench(ALL, { standing: () => standing() });
    await performer.perform("look web", behalf, { id: "r1.1" });
    standing = async () => "gone";
    await expect(performer.perform("look web", behalf, { id: "r1.2" })).rejects.toThrow("no account");
    standing = async () => {
      throw new MicroError("unavailable", "away");
    };
    await expect(performer.perform("look web", behalf, { id: "r1.3" })).rejects.toMatchObject({ code: "unavailable" });
    standing = async () => "guest";
    await expect(performer.perform("look web", behalf, { id: "r1.4" })).rejects.toMatchObject({
      code: "permission_denied",
    });
    expect(read.runs).toEqual(["web"]);
  });

  it("says something later in the room it came from", async () => {
    const { performer, behalf, input } = await bench(ALL);
    await performer.say(behalf, { kind: "text", text: "said later" });
    expect(input.sent.map(textOf)).toContain("said later");
  });
});
