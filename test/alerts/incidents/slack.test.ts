import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { alerts } from "../../../src/alerts/alerts.ts";
import { ALERT_TABLES } from "../../../src/alerts/incidents/closed.ts";
import { type Bot, createBot } from "../../../src/bot/bot.ts";
import { readPolicy } from "../../../src/bot/policy.ts";
import { smallTalk } from "../../../src/commands/builtin.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { memoryDb } from "../../../src/platform/db/memory.ts";
import { memoryKv } from "../../../src/platform/kv/memory.ts";
import { cannedClient } from "../../fakes/canned-client.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { buttons, labelOf } from "../../fakes/slack-blocks.ts";
import { alert, notification } from "./notifications.ts";
import { box } from "./room.ts";

/* One alert on Slack: its card, its thread, its buttons, over a restart of the bot. */

const POLICY = `
  members: ["alert:read", "bot:talk"]
  roles: { oncall: { members: ["slack:T1/U1", "slack:T1/U2"], grants: ["alert:*"] } }`;

let slack: FakeSlack;
let bot: Bot | undefined;
const inbox = box();
const kv = memoryKv();
const db = memoryDb(ALERT_TABLES);

async function start() {
  const registry = memoryRegistry()();
  await Promise.all([registry.start(), kv.start(), db.start()]);
  bot = createBot({
    inputs: [slackInput({ ...slack, clientPingTimeoutMs: 300 })()],
    commands: smallTalk,
    registry,
    client: cannedClient({}),
    store: kv,
    policy: readPolicy(POLICY, "policy"),
    drainMs: 300,
    extensions: [
      alerts({ waiting: inbox, registry, db, leaseMs: 2000, roomsFor: () => [{ input: "slack", room: "C1" }] }),
    ],
  });
  await bot.start();
}

beforeEach(async () => {
  slack = await fakeSlack();
  slack.user("U3", {});
  await start();
});
afterEach(async () => {
  await bot?.stop();
  await slack.close();
});

const cards = () => slack.posts.filter(({ channel, thread }) => channel === "C1" && thread === undefined);
const card = () => cards()[0];
const text = () => card()?.text ?? "";
const soon = <T>(what: () => T) => expect.poll(what, { timeout: 20_000 });
/** What was done last is told again and again: it counts once, but what waits too long is dropped on a slow machine. */
const insisted = <T>(what: () => T) => {
  const again = () => {
    slack.people.again();
    return what();
  };
  return expect.poll(again, { interval: 1500, timeout: 20_000 });
};
const startsAt = Date.now();
const hostile = alert({
  name: "Down <!channel>",
  summary: "@here <!everyone> <@U1> *bold* `code` <https://evil.example|click> & done",
  startsAt,
});

describe("an alert on Slack", () => {
  it("is one message that nobody is called by, worked on with buttons, and resolved over a restart", async () => {
    inbox.put(notification([hostile], { receivedAt: startsAt }));
    await soon(text).toContain("FIRING critical: Down");
    // As people see it: what looks like a mention is text.
    expect(text()).toContain("@here <!everyone> <@U1> *bold*");
    expect(card()?.live).toEqual([]);
    expect(buttons(card()?.blocks).map(labelOf)).toEqual(["Acknowledge", "Look again"]);

    slack.people.press("Acknowledge", { user: "U3" });
    await insisted(() => slack.people.whispers.at(-1)?.text ?? "").toContain("alert:act");
    expect(text()).not.toContain("acknowledged");
    slack.people.press("Acknowledge", { user: "U2" });
    await insisted(text).toContain("acknowledged it");
    expect(text()).toContain("T1/U2");
    expect(buttons(card()?.blocks).map(labelOf)).toEqual(["Look again"]);

    await bot?.stop();
    await start();
    inbox.put(notification([{ ...hostile, status: "resolved", endsAt: Date.now() }], { receivedAt: Date.now() }));
    await soon(text).toContain("RESOLVED after");
    expect(buttons(card()?.blocks)).toEqual([]);
    const below = () => slack.posts.filter(({ thread }) => thread === card()?.ts).map((post) => post.text);
    await soon(() => below().join("\n")).toContain("resolved after");
    expect(cards().filter(({ text: said }) => /FIRING|RESOLVED/.test(said))).toHaveLength(1);
  }, 90_000);
});
