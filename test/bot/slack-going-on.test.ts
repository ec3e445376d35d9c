import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Bot, createBot } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import type { Broker } from "../../src/core/broker/broker.ts";
import { memoryBroker } from "../../src/core/broker/memory.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { ServiceRecord } from "../../src/core/registry/registry.ts";
import { slackInput } from "../../src/inputs/slack/slack.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { type FakeSlack, fakeSlack } from "../fakes/slack.ts";

/* Commands that go on, on Slack: chat.postMessage once, then chat.update (`chat.md §3`). */

const GREETER: ServiceRecord = {
  name: "greeter",
  version: "1",
  metadata: {},
  endpoints: [{ name: "Say.Watch", metadata: { stream: "true" } }],
  nodes: [{ id: "greeter-1", address: "10.0.0.1:1", metadata: {} }],
};

let slack: FakeSlack;
let broker: Broker;
let bot: Bot;

beforeEach(async () => {
  slack = await fakeSlack();
  const registry = memoryRegistry({ services: [GREETER] })();
  broker = memoryBroker()();
  await Promise.all([registry.start(), broker.start()]);
  bot = createBot({
    inputs: [slackInput({ ...slack, clientPingTimeoutMs: 300 })()],
    commands: [...builtin, ...smallTalk],
    registry,
    broker,
    client: cannedClient({ "Say.Watch": ['{"n":"<!channel>"}', undefined] }),
    policy: readPolicy("members: ['*:*']", "test"),
    drainMs: 300,
  });
  await bot.start();
});
afterEach(async () => {
  await bot.stop();
  await slack.close();
});

const text = (at: number) => slack.posts[at]?.text.replaceAll("\u200b", "").trim();
const within = { timeout: 8000 };
const tell = (body: string) => broker.publish("t", { header: {}, body: Buffer.from(body) });
const updates = () => slack.calls.filter(({ method }) => method === "chat.update");
/** Tells something every few milliseconds. */
async function tellFor(ms: number): Promise<number> {
  const until = Date.now() + ms;
  let told = 0;
  for (; Date.now() < until; told++) {
    await tell(`{"n":${told}}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return told;
}

describe("a command that goes on", () => {
  it("grows one message, at most once a second, and nothing in it comes alive", async () => {
    slack.say("micro stream greeter Say.Watch");
    await expect.poll(() => text(0), within).toContain("it goes on; `cancel ");
    const id = /cancel (\w+)/.exec(text(0) ?? "")?.[1];
    slack.say(`micro cancel ${id}`);
    await expect.poll(() => text(0), within).toMatch(/\{"n":"<!channel>"\}[\s\S]*`stream`: cancelled$/);
    expect(slack.posts.map(({ channel, thread, live }) => ({ channel, thread, live }))).toEqual(
      Array(2).fill({ channel: "C1", thread: undefined, live: [] }),
    );
    expect(slack.posts[0]?.edits).toBe(1);
  });

  it("subscribes in a thread of the message that asked, and edits at most once a second", async () => {
    const said = slack.say("micro subscribe t --for 3s");
    await expect.poll(() => text(0), within).toContain("listening to t");
    const told = await tellFor(2000);
    slack.say("micro ping");
    await expect.poll(() => text(1), within).toBe("pong");
    await expect.poll(() => text(0), within).toMatch(new RegExp(`${told} events in 3(\\.\\d)?s`));
    expect(slack.posts[0]).toMatchObject({ channel: "C1", thread: said.ts });
    expect(slack.posts[1]?.thread).toBeUndefined();
    expect(updates().length).toBeGreaterThanOrEqual(2);
    expect(updates().length).toBeLessThanOrEqual(5);
  });

  it("stays in the thread that it was asked in", async () => {
    slack.say("micro subscribe t --limit 1", { thread: "111.222" });
    await expect.poll(() => text(0), within).toContain("listening to t");
    await tell("{}");
    await expect.poll(() => text(0), within).toContain("1 event");
    expect(slack.posts.map(({ thread }) => thread)).toEqual(["111.222"]);
  });

  it("waits as long as Slack asks, while the room is answered", async () => {
    slack.fault("chat.update", { retryAfter: 2 });
    slack.say("micro subscribe t --limit 2");
    await expect.poll(() => text(0), within).toContain("listening to t");
    await tell("1");
    await expect.poll(() => updates().length, within).toBe(1);
    const refusedAt = Date.now();
    await tell("2");
    slack.say("micro ping");
    await expect.poll(() => text(1), within).toBe("pong");
    await expect.poll(() => text(0), within).toContain("2 events");
    expect(Date.now() - refusedAt).toBeGreaterThanOrEqual(1900);
    expect(updates()).toHaveLength(2);
    expect(slack.posts).toHaveLength(2);
  });

  it("goes on in a new message when somebody has deleted the one that grew", async () => {
    slack.say("micro subscribe t --limit 2");
    await expect.poll(() => text(0), within).toContain("listening to t");
    slack.remove({ channel: "C1", ts: slack.posts[0]?.ts ?? "" });
    await tell("1");
    await expect.poll(() => text(1), within).toContain("listening to t");
    await tell("2");
    await expect.poll(() => text(1), within).toContain("2 events");
    expect(slack.posts).toHaveLength(2);
  });

  it("goes on with the same message after the link was lost", async () => {
    slack.say("micro subscribe t --limit 1");
    await expect.poll(() => text(0), within).toContain("listening to t");
    slack.sockets.cut();
    await tell("1");
    await expect.poll(() => text(0), within).toContain("1 event");
    expect(slack.posts).toHaveLength(1);
  });
});
