import { expect, it } from "vitest";
import type { BotInit } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { audit } from "../../src/commands/audit.ts";
import { explain } from "../../src/commands/audit-story.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import { type MemoryShelf, memoryShelf } from "../../src/platform/kv/memory.ts";
import { brittleKv } from "../fakes/brittle-kv.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

/* `jobs`, `cancel` and `explain` where a network says a word to any of several replicas. */

const policy = readPolicy(
  "members: ['test:*', 'bot:talk']\nroles: {ops: {members: ['chat:olga'], grants: ['bot:admin']}}",
  "test",
);

async function one(shelf: MemoryShelf, name: string, init: Partial<BotInit> = {}) {
  const store = await brittleKv(shelf);
  const input = memoryInput({ name: "chat" });
  const bot = botOn([input], {
    store,
    policy,
    replica: { name, leaseMs: 6000 },
    drainMs: 0,
    ...init,
    commands: [audit, explain, ...(init.commands ?? [])],
  });
  await bot.start();
  return { input, bot, store };
}

/** Ids are the network's, so the two never have the same one. */
let said = 0;
async function ask({ input }: { readonly input: MemoryInput }, text: string, from = "ann") {
  input.say(text, { from, id: `said${++said}` });
  return textOf(await input.next({ timeoutMs: 10_000 }));
}

/** Two of them; Ann's command runs at the first. */
async function setUp() {
  const shelf = memoryShelf();
  const { command, runs } = telling("work", { gate: () => new Promise<void>(() => {}) });
  const [first, second] = [await one(shelf, "first", { commands: [command] }), await one(shelf, "second")];
  await expect.poll(() => ask(second, "replicas"), { timeout: 10_000 }).toMatch(/first[\s\S]*second/);
  first.input.say("work secret", { from: "ann", id: `said${++said}` });
  await expect.poll(() => runs).toEqual(["secret"]);
  return { first, second, shelf };
}

it("shows what another replica runs, whole to who runs it", async () => {
  const { second, shelf } = await setUp();
  expect(await ask(second, "jobs", "ann")).toMatch(/^\w{6} +chat:ann +\d+ +work secret +on first$/m);
  const bob = await ask(second, "jobs", "bob");
  expect(bob).toMatch(/^\w{6} +chat:ann +\d+ +work … +on first$/m);
  expect(bob).not.toContain("secret");
  await expect.poll(() => [...shelf.entries.keys()].filter((key) => /^(asked|told)\./.test(key))).toEqual([]);
});

it("cancels what another replica runs, for who may", async () => {
  const { first, second } = await setUp();
  const id = /^(\w{6}) .*on first$/m.exec(await ask(second, "jobs"))?.[1];
  expect(await ask(second, `cancel ${id}`, "bob")).toContain("they can cancel it, or who has the grant `bot:admin`");
  expect(await ask(second, `cancel ${id}`, "olga")).toBe(`cancelled ${id}: work secret`);
  expect(textOf(await first.input.next())).toContain("cancelled");
  expect(await ask(second, "jobs")).toBe("nothing is running");
});

it("explains what another replica has written down, to whose it was and who may read all", async () => {
  const { first, second } = await setUp();
  expect(await ask(first, "echo hello", "ann")).toBe("hello");
  const id = /^(\w{6}) .*echo hello/m.exec(await ask(first, "audit", "ann"))?.[1];
  expect(await ask(second, `explain ${id}`, "ann")).toMatch(/typed\s+echo hello/);
  expect(await ask(second, `explain ${id}`, "bob")).toContain(`there is no record ${id}`);
  expect(await ask(second, "explain ffffff", "ann")).toContain("there is no record ffffff");
});

it("answers many questions at once without a word on stderr", async () => {
  const { second } = await setUp();
  const warned: string[] = [];
  const note = ({ name }: Error) => void warned.push(name);
  process.on("warning", note);
  try {
    for (let n = 0; n < 12; n++) expect(await ask(second, "jobs")).toContain("on first");
    await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    process.off("warning", note);
  }
  expect(warned).toEqual([]);
});

it("says whose commands it does not know", async () => {
  const { first, second } = await setUp();
  first.store.fail("unreached");
  expect(await ask(second, "jobs")).toBe("what first runs is unknown: there was no answer\nnothing is running");
  first.store.fail(undefined);
});
