import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Bot, createBot } from "../../../src/bot/bot.ts";
import type { Client } from "../../../src/core/client/client.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { type MemoryShelf, memoryKv, memoryShelf } from "../../../src/platform/kv/memory.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { buttons, labelOf } from "../../fakes/slack-blocks.ts";
import { telling } from "../run-bot.ts";
import { policyOf, type Rights, rightsOf } from "./asking.ts";

/* The life of a button on Slack: over a restart of the bot, by its approvers, and when it is old. */

let slack: FakeSlack;
let bot: Bot;
let runs: string[];
let rights: Rights;
let shelf: MemoryShelf;

/** The next process of the bot: it knows what is in the store, and nothing else. */
async function start() {
  const { command, runs: own } = telling("drain", { effect: "write" });
  runs = own;
  const [registry, store] = [memoryRegistry()(), memoryKv({ shelf })];
  await Promise.all([registry.start(), store.start()]);
  const input = slackInput({ ...slack, clientPingTimeoutMs: 300 })();
  bot = createBot({
    inputs: [input],
    commands: [command],
    registry,
    client: {} as Client,
    policy: policyOf(rights),
    store,
    drainMs: 300,
  });
  await bot.start();
}

beforeEach(async () => {
  slack = await fakeSlack();
  shelf = memoryShelf();
  rights = rightsOf({ approvals: { count: 2, role: "lead" }, leads: new Set(["slack:T1/U2", "slack:T1/U3"]) });
  await start();
});

afterEach(async () => {
  await bot.stop();
  await slack.close();
});

const pressable = (at: number) => buttons(slack.posts[at]?.blocks).map(labelOf);
/** What was done last is told again and again: it counts once, but what waits too long is dropped on a slow machine. */
const insisted = <T>(what: () => T) => {
  const again = () => {
    slack.people.again();
    return what();
  };
  return expect.poll(again, { interval: 700, timeout: 12_000 });
};

describe("Approval buttons (chat.md §6) on Slack", () => {
  it("outlive the bot: the next one takes them away where they are, and an old press is told what became of it", async () => {
    slack.people.slash("drain payments");
    await insisted(() => pressable(0)).toEqual(["Approve", "No"]);
    slack.people.press("Approve", { user: "U2" });
    await insisted(() => slack.posts[0]?.text).toMatch(/yes so far: .*T1\/U2/);
    await bot.stop();
    await start();
    slack.people.press("Approve", { user: "U3" });
    await insisted(() => runs).toEqual(["payments"]);
    // Changed where it stands, and not said anew.
    await expect.poll(() => pressable(0), { timeout: 8000 }).toEqual([]);
    expect(slack.posts[0]?.text).toMatch(/T1\/U2\) and .*T1\/U3\) said yes to it at/);
    expect(slack.posts.filter(({ text }) => text.startsWith("this changes things"))).toHaveLength(1);
    await bot.stop();
    await start();
    slack.say(`@micro approve ${/approve ([0-9a-f]{6})/.exec(JSON.stringify(slack.calls))?.[1]}`, { user: "U3" });
    await expect
      .poll(() => slack.people.whispers.at(-1)?.text, { timeout: 8000 })
      .toMatch(/^that is over: drain payments\n.*said yes to it at .*; it was done/);
    expect(runs).toEqual([]);
  });

  it("do nothing for who asked but say so to them alone", async () => {
    slack.people.slash("drain payments");
    await insisted(() => pressable(0)).toEqual(["Approve", "No"]);
    slack.people.press("Approve", { user: "U1" });
    await insisted(() => slack.people.whispers.at(-1)?.text).toMatch(/^you asked for it, so 2 others of the role lead/);
    expect(pressable(0)).toEqual(["Approve", "No"]);
    expect(runs).toEqual([]);
  });

  it.each([
    ["become a guest", { is_restricted: true }],
    ["lost their account", { deleted: true }],
  ])("do nothing once who asked has %s, though no replica has heard of it", async (_what, now) => {
    Object.assign(rights, { approvals: { count: 1, role: "lead" }, noGuests: true });
    slack.people.slash("drain payments");
    await insisted(() => pressable(0)).toEqual(["Approve", "No"]);
    await bot.stop();
    await start();
    slack.user("U1", now);
    slack.people.press("Approve", { user: "U2" });
    await insisted(() => slack.posts[0]?.text).toContain("it cannot be done any more");
    expect(runs).toEqual([]);
  });
});
