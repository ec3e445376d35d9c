import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { alerts } from "../../../src/alerts/alerts.ts";
import { ALERT_TABLES } from "../../../src/alerts/incidents/closed.ts";
import { createContacts } from "../../../src/alerts/oncall/contacts.ts";
import { escalation } from "../../../src/alerts/oncall/escalate.ts";
import { createOverrides } from "../../../src/alerts/oncall/overrides.ts";
import type { Step } from "../../../src/alerts/oncall/routing.ts";
import { createSchedules } from "../../../src/alerts/oncall/schedules.ts";
import { type Bot, createBot } from "../../../src/bot/bot.ts";
import { readPolicy } from "../../../src/bot/policy.ts";
import { smallTalk } from "../../../src/commands/builtin.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { memoryDb } from "../../../src/platform/db/memory.ts";
import { memoryKv } from "../../../src/platform/kv/memory.ts";
import { cannedClient } from "../../fakes/canned-client.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { buttons, labelOf } from "../../fakes/slack-blocks.ts";
import { alert, notification } from "../incidents/notifications.ts";
import { box } from "../incidents/room.ts";

/* One person is woken on Slack, by themselves: their direct conversation, its buttons, and what Slack may refuse. */

const STEPS: readonly Step[] = [{ after: 500, to: { kind: "person", person: "bob" } }];

let slack: FakeSlack;
let bot: Bot | undefined;

beforeEach(async () => {
  slack = await fakeSlack();
});
afterEach(async () => {
  await bot?.stop();
  await slack.close();
});

/** A bot that tells bob (U2) of an alert in C1 that nobody acknowledges for half a second. */
async function woken(): Promise<void> {
  const [registry, kv, db, inbox] = [memoryRegistry()(), memoryKv(), memoryDb(ALERT_TABLES), box()];
  await Promise.all([registry.start(), kv.start(), db.start()]);
  const rooms = [{ input: "slack", room: "C1" }];
  const beside = escalation({
    schedules: createSchedules([], createOverrides(kv, systemClock)),
    contacts: createContacts({ bob: ["slack:T1/U2"] }, { idsOf: () => [], names: () => [] }),
    routed: async () => ({ rooms, steps: STEPS, quiet: [] }),
    putMs: 2000,
  });
  bot = createBot({
    inputs: [slackInput({ ...slack, clientPingTimeoutMs: 300 })()],
    commands: smallTalk,
    registry,
    client: cannedClient({}),
    store: kv,
    policy: readPolicy("members: ['*:*']", "test"),
    drainMs: 300,
    extensions: [alerts({ waiting: inbox, registry, db, leaseMs: 2000, roomsFor: () => rooms, beside: [beside] })],
  });
  await bot.start();
  inbox.put(notification([alert({ startsAt: Date.now() })], { receivedAt: Date.now() }));
}

const inDirect = () => slack.posts.filter(({ channel }) => channel === "DU2");
const direct = () => inDirect().map(({ text }) => text);
const inRoom = () => slack.posts.filter(({ channel, thread }) => channel === "C1" && thread === undefined);
const pleas = () => inRoom().flatMap(({ text }) => (text.includes("please pass it on") ? [text] : []));
const card = () => inRoom().find(({ text }) => text.includes("FIRING") && !text.includes("please pass"))?.text ?? "";
const soon = <T>(what: () => T) => expect.poll(what, { timeout: 20_000 });
const asked = () => slack.calls.filter(({ method, args }) => method === "chat.postMessage" && args["channel"] === "U2");
const toBob = (args: Readonly<Record<string, string>>) => args["channel"] === "U2";
const LONG = { timeout: 60_000 };

describe("who is woken on Slack", LONG, () => {
  it("is told in the direct conversation with the bot, once, and acknowledges it there", async () => {
    await woken();
    await soon(direct).toEqual([expect.stringContaining("You are told as bob: nobody has acknowledged it for")]);
    expect(direct()[0]).toContain("Its card is in slack:C1.");
    expect(buttons(inDirect()[0]?.blocks).map(labelOf)).toEqual(["Acknowledge", "Show"]);
    await soon(card).toContain("escalation told bob directly in slack");
    slack.people.press("Acknowledge", { user: "U2" });
    await expect
      .poll(
        () => {
          slack.people.again();
          return card();
        },
        { interval: 1500, timeout: 20_000 },
      )
      .toContain("acknowledged it");
    expect(direct().filter((text) => text.includes("You are told"))).toHaveLength(1);
    expect(pleas()).toEqual([]);
  });

  it("is told by name in the room where Slack refuses that, and once", async () => {
    slack.fault("chat.postMessage", { error: "user_not_found", when: toBob, times: 10 });
    await woken();
    await soon(pleas).toEqual([expect.stringContaining("Bob: nobody has acknowledged it for")]);
    await soon(card).toContain("escalation told bob in slack:C1");
    expect(asked()).toHaveLength(1);
    expect(direct()).toEqual([]);
  });

  it("is told when Slack has asked to wait for a while, as if for the first time", async () => {
    slack.fault("chat.postMessage", { retryAfter: 1, when: toBob });
    await woken();
    await soon(direct).toEqual([expect.not.stringContaining("twice")]);
    await soon(card).toContain("escalation told bob directly in slack");
    expect(asked()).toHaveLength(2);
    expect(pleas()).toEqual([]);
  });

  it("is told in the room where Slack asks to wait for longer, and no longer there", async () => {
    slack.fault("chat.postMessage", { retryAfter: 30, when: toBob });
    await woken();
    await soon(pleas).toEqual([expect.not.stringContaining("twice")]);
    await soon(card).toContain("escalation told bob in slack:C1");
    expect(direct()).toEqual([]);
    expect(asked()).toHaveLength(1);
  });

  it("is told once more, and that it may be, where Slack's answer was lost", async () => {
    slack.fault("chat.postMessage", { lost: true, when: toBob });
    await woken();
    await soon(direct).toEqual([
      expect.not.stringContaining("you may have it twice"),
      expect.stringContaining("you may have it twice"),
    ]);
    await soon(card).toContain("escalation told bob directly in slack");
    expect(pleas()).toEqual([]);
  });
});
