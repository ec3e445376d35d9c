import { describe, expect, it } from "vitest";
import { createLostAnswers } from "../../src/bot/lost.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { MicroError } from "../../src/core/errors.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import { manualClock } from "../fakes/clock.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

/* What is running, and what came to nothing: `jobs` and `cancel`. */

const policy = readPolicy(
  "members: ['test:*']\nroles: {ops: {members: ['memory:olga'], grants: ['bot:admin']}}",
  "test",
);
const ask = async (input: MemoryInput, text: string, from = "ann") => {
  input.say(text, { from });
  return textOf(await input.next());
};

describe("what others run", () => {
  async function setUp(rules = policy) {
    const input = memoryInput();
    const { command, runs } = telling("work", { gate: () => new Promise<void>(() => {}) });
    await botOn([input], { commands: [command], policy: rules, drainMs: 0 }).start();
    input.say("work secret", { from: "ann" });
    await expect.poll(() => runs).toEqual(["secret"]);
    return input;
  }

  it("is named, and shown whole only to who runs it or may see all", async () => {
    const input = await setUp();
    const rows = [await ask(input, "jobs", "bob"), await ask(input, "jobs", "ann"), await ask(input, "jobs", "olga")];
    expect(
      rows.map((row) =>
        row
          .split("\n")[1]
          ?.replace(/^\w{6} +/, "")
          .replace(/ +\d+ +/, " "),
      ),
    ).toEqual(["memory:ann work …", "memory:ann work secret", "memory:ann work secret"]);
    expect(await ask(input, "jobs --output json", "bob")).not.toContain("secret");
  });

  it("is not shown to who may do all to one service only", async () => {
    const rules = readPolicy("members: ['test:*']\nrules: ['allow memory:bob * payments/*']", "test");
    const input = await setUp(rules);
    const id = /^([0-9a-f]{6})/m.exec(await ask(input, "jobs", "bob"))?.[1];
    expect(await ask(input, "jobs", "bob")).not.toContain("secret");
    expect(await ask(input, `cancel ${id}`, "bob")).toContain("they can cancel it, or who has the grant `bot:admin`");
  });

  it("is not the question about it", async () => {
    const input = memoryInput();
    await botOn([input], { policy }).start();
    expect(await ask(input, "jobs")).toBe("nothing is running");
  });

  it("is cancelled by who runs it or may do all", async () => {
    const input = await setUp();
    const id = /^([0-9a-f]{6})/m.exec(await ask(input, "jobs"))?.[1];
    expect(await ask(input, `cancel ${id}`, "bob")).toContain("they can cancel it, or who has the grant `bot:admin`");
    input.say(`cancel ${id}`, { from: "olga" });
    const answers = [textOf(await input.next()), textOf(await input.next())];
    expect(answers.join("\n")).toContain(`cancelled ${id}: work secret`);
  });
});

describe("answers that could not be delivered", () => {
  const refused = new MicroError("invalid_argument", "is_archived");

  it("are told of, with why, for an hour, and whole only to who asked", async () => {
    const clock = manualClock();
    const input = memoryInput({ clock });
    await botOn([input], { policy, clock, drainMs: 0 }).start();
    input.failSends(refused, 2);
    input.say("echo secret");
    await expect.poll(() => ask(input, "jobs")).toContain("is_archived");
    expect(await ask(input, "jobs")).toMatch(
      /\n\nanswers that could not be delivered:\nId .*\n\w{6} +memory:ann +0 s ago +echo secret +is_archived$/,
    );
    const others = await ask(input, "jobs", "bob");
    expect(others).toMatch(/memory:ann +0 s ago +echo … +is_archived/);
    expect(others).not.toContain("secret");
    await clock.advance(3_600_000);
    expect(await ask(input, "jobs")).not.toContain("delivered");
  });

  it("are told of when the network was away too long", async () => {
    const clock = manualClock();
    const input = memoryInput({ clock });
    const other = memoryInput({ name: "other", clock });
    let end = () => {};
    const { command, runs } = telling("work", { gate: () => new Promise<void>((resolve) => (end = resolve)) });
    await botOn([input, other], { commands: [command], policy, clock, drainMs: 0 }).start();
    input.say("work it");
    await expect.poll(() => runs).toEqual(["it"]);
    input.failConnects(new MicroError("unavailable", "away"), 1000);
    input.lose();
    await clock.advance(1000);
    end();
    await clock.advance(400_000);
    expect(await ask(other, "jobs", "olga")).toMatch(/work … +there was no link to its network/);
  });

  it("are a hundred at most, the last that were", () => {
    const lost = createLostAnswers(manualClock());
    for (let n = 0; n < 130; n++) lost.add({ id: `${n}`, caller: "a", command: "echo", text: "echo", why: "away" });
    expect(lost.list().map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, at) => `${at + 30}`));
  });
});
