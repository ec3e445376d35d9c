import { describe, expect, it } from "vitest";
import type { BotInit } from "../../src/bot/bot.ts";
import { createPause } from "../../src/bot/pause.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin } from "../../src/commands/builtin.ts";
import { tokenCommands } from "../../src/commands/tokens.ts";
import { systemClock } from "../../src/core/clock.ts";
import { MicroError } from "../../src/core/errors.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import { manualClock } from "../fakes/clock.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

const policy = readPolicy(
  "members: ['test:*', 'bot:talk']\nroles: { admins: { members: ['memory:eve'], grants: ['bot:admin'] }, root: { members: ['memory:root'], grants: ['*:*'] } }",
  "test",
);

async function botWith(init: Partial<BotInit> = {}) {
  // A journal in a store waits now and then.
  const clock = init.store ? systemClock : manualClock(Date.UTC(2026, 10, 21, 16, 30, 12));
  const input = memoryInput({ clock });
  const read = telling("look");
  const write = telling("dig", { effect: "write" });
  const call = telling("push", { effect: "write", confirm: false });
  const commands = [read.command, write.command, call.command];
  await botOn([input], { clock, policy, commands, ...init }).start();
  return { input, clock, read, write, call, ask: (line: string, from?: string) => ask(input, line, from) };
}

let said = 0;
async function ask(input: MemoryInput, line: string, from = "ann"): Promise<string> {
  // Replicas on one network would hear the same under the same id.
  said += 1;
  input.say(line, { from, id: `said-${said}` });
  return textOf(await input.next());
}

describe("pause writes (item 7)", () => {
  it("refuses every write, tells who paused when and why, and lets reads go on, until it is over", async () => {
    const { ask, write, call, read } = await botWith();
    expect(await ask("pause writes the database moves", "eve")).toBe(
      "memory:eve paused all writes at 2026-11-21 16:30:12 UTC: the database moves. Reads go on; `resume writes` ends it.",
    );
    for (const line of ["dig here", "push here"]) {
      expect(await ask(line)).toBe(
        "nothing was done: memory:eve paused all writes at 2026-11-21 16:30:12 UTC: the database moves; `resume writes` ends it, for who may",
      );
    }
    expect(await ask("look there")).toBe("look there done");
    expect([write.runs, call.runs, read.runs]).toEqual([[], [], ["there"]]);
    expect(await ask("resume writes", "eve")).toMatch(
      /^memory:eve resumed writes\. What was refused meanwhile was not/,
    );
    expect(await ask("push here")).toBe("push here done");
  });

  it("stops what was asked about and not begun: a yes comes too late", async () => {
    const { input, write } = await botWith();
    const says = (words: RegExp) =>
      expect.poll(() => input.sent.map(textOf).filter((text) => words.test(text))).toHaveLength(1);
    input.say("dig here");
    await says(/this changes things|yes/);
    input.say("pause writes", { from: "eve" });
    await says(/^memory:eve paused/);
    input.say("yes");
    await says(/^nothing was done: memory:eve paused all writes/);
    expect(write.runs).toEqual([]);
  });

  it("stops what waits for its turn", async () => {
    let end = () => {};
    const first = telling("hold", {
      gate: () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    });
    const push = telling("push", { effect: "write", confirm: false });
    const { input, ask } = await botWith({ commands: [first.command, push.command], order: { patienceMs: 1_000_000 } });
    input.say("hold on");
    await expect.poll(() => first.runs).toEqual(["on"]);
    input.say("push here");
    await ask("pause writes", "eve");
    end();
    await expect
      .poll(() => input.sent.map(textOf).filter((text) => text.startsWith("nothing was done")))
      .toHaveLength(1);
    expect(push.runs).toEqual([]);
  });

  it("is for those who may: it takes the grant bot:admin, to begin and to end", async () => {
    const { ask, call } = await botWith();
    expect(await ask("pause writes")).toContain("bot:admin");
    expect(await ask("push here")).toBe("push here done");
    await ask("pause writes", "eve");
    expect(await ask("resume writes")).toContain("bot:admin");
    expect(await ask("push here")).toMatch(/^nothing was done/);
    expect(call.runs).toEqual(["here"]);
  });

  it("holds on all replicas and after a restart: it is in the store", async () => {
    const kv = memoryKv();
    await kv.start();
    const one = await botWith({ store: kv });
    const two = await botWith({ store: kv });
    await one.ask("pause writes", "eve");
    expect(await two.ask("push here")).toMatch(/^nothing was done: memory:eve paused/);
    expect(await (await botWith({ store: kv })).ask("push here")).toMatch(/^nothing was done: memory:eve paused/);
    await two.ask("resume writes", "eve");
    expect(await one.ask("push here")).toBe("push here done");
  });

  it("stops of the built-in writes those that reach services, and the new tokens", async () => {
    const tokens = tokenCommands({
      issue: () => Promise.reject(new Error("not asked")),
      list: async () => [],
      revoke: async () => undefined,
    });
    const { ask } = await botWith({ commands: [...builtin, ...tokens] });
    await ask("pause writes", "eve");
    for (const line of [
      "call a A.B {}",
      "publish a {}",
      "stream a A.B {}",
      'register service {"name":"a","version":"1","nodes":[{"id":"a-1","address":"127.0.0.1:1"}]}',
      "token issue ann",
    ])
      expect(await ask(line, "root"), line).toMatch(/^nothing was done: memory:eve paused/);
    for (const line of ["policy", "policy test x", "policy diff x", "token list", "token revoke 03f9a1c2d4e5", "link"])
      expect(await ask(line, "root"), line).not.toMatch(/paused/);
  });

  it("once is enough: who pauses again is told by whom it is", async () => {
    const { ask } = await botWith();
    await ask("pause writes one", "eve");
    expect(await ask("pause writes two", "eve")).toMatch(/^they are paused already: memory:eve paused .*: one$/);
    await ask("resume writes", "eve");
    expect(await ask("resume writes", "eve")).toBe("writes were not paused");
  });

  it("is told by `jobs`", async () => {
    const { ask } = await botWith();
    expect(await ask("jobs")).toBe("nothing is running");
    await ask("pause writes the database moves", "eve");
    expect(await ask("jobs")).toMatch(/^memory:eve paused all writes at .*: the database moves\nnothing is running$/);
  });

  it("nobody can tell while the store is away: no write is done, reads go on", async () => {
    const away = async () => {
      throw new MicroError("unavailable", "the store is away");
    };
    const kv = memoryKv();
    await kv.start();
    // Only what is asked here: the rest of the bot has its own tests for that.
    const get: typeof kv.get = (key, options) => (key === "pause.writes" ? away() : kv.get(key, options));
    const { ask, call } = await botWith({ store: { ...kv, get } });
    expect(await ask("push here")).toBe(
      "nothing was done, because I cannot see whether writes are paused: the store is away",
    );
    expect(await ask("look there")).toBe("look there done");
    expect(await ask("jobs")).toContain("whether writes are paused is unknown: the store is away");
    expect(call.runs).toEqual([]);
  });

  it("what stands there and cannot be read pauses, too", async () => {
    const kv = memoryKv();
    await kv.start();
    await kv.put("pause.writes", "stop!");
    expect(await createPause(kv).paused()).toEqual({ by: "somebody", reason: "", at: 0 });
  });
});
