import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Bot, type BotInit, createBot } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { smallTalk } from "../../src/commands/builtin.ts";
import { type AnyCommand, defineCommand } from "../../src/commands/command.ts";
import { listServices } from "../../src/commands/list-services.ts";
import type { Client } from "../../src/core/client/client.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { slackInput } from "../../src/inputs/slack/slack.ts";
import type { Kv } from "../../src/platform/kv/kv.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import { type FakeSlack, fakeSlack } from "../fakes/slack.ts";

/* The bot on Slack, through every fault that the network has (`chat.md §3`, `§6`). */

const client = {} as Client;
let slack: FakeSlack;
let store: Kv;
let runs: string[];
let gate: Promise<void> | undefined;
const bots: Bot[] = [];

const deploy: AnyCommand = defineCommand({
  name: "deploy",
  summary: "Count how often it takes effect",
  input: z.object({ what: z.string() }),
  words: ["what"],
  permission: "test:deploy",
  effect: "read",
  run: async ({ what }) => {
    runs.push(what);
    await gate;
    return { what };
  },
  view: ({ what }) => ({ kind: "text", text: `deployed ${what}` }),
});

async function startBot(init: Partial<BotInit> = {}): Promise<Bot> {
  const registry = memoryRegistry({
    services: [
      {
        name: "go.micro.srv.greeter",
        version: "1",
        metadata: {},
        endpoints: [],
        nodes: [{ id: "g-1", address: "127.0.0.1:9", metadata: {} }],
      },
    ],
  })();
  await registry.start();
  const bot = createBot({
    inputs: [
      slackInput({
        token: slack.token,
        appToken: slack.appToken,
        apiUrl: slack.apiUrl,
        clientPingTimeoutMs: 300,
      })(),
    ],
    commands: [deploy, listServices, ...smallTalk],
    registry,
    client,
    store,
    drainMs: 300,
    ...init,
  });
  bots.push(bot);
  await bot.start();
  return bot;
}

beforeEach(async () => {
  slack = await fakeSlack({ ackMs: 400 });
  store = memoryKv();
  await store.start();
  runs = [];
  gate = undefined;
});
afterEach(async () => {
  for (const bot of bots.splice(0)) await bot.stop();
  await slack.close();
  await store.stop();
});

const posts = (count: number) => expect.poll(() => slack.posts.length, { timeout: 8000 }).toBe(count);
const texts = () => slack.posts.map((post) => post.text.trim());
const quiet = (ms = 150) => new Promise((resolve) => setTimeout(resolve, ms));

describe("each is answered in place", () => {
  it("in the channel, by the bot's name or by a mention, once although a mention is two events", async () => {
    await startBot();
    slack.say("micro list services");
    await posts(1);
    slack.say(`<@${slack.botUser}> list services`, { raw: true });
    await posts(2);
    await quiet();
    expect(slack.posts).toHaveLength(2);
    for (const post of slack.posts) {
      expect(post).toMatchObject({ channel: "C1" });
      expect(post.thread).toBeUndefined();
      expect(post.markup).toContain("```");
      expect(post.text).toContain("go.micro.srv.greeter");
      expect(post.live).toEqual([]);
    }
  });

  it("in the thread, and in a direct message", async () => {
    await startBot();
    const head = slack.say("something happened");
    slack.say("micro ping", { thread: head.ts });
    slack.say("ping", { channel: "D1" });
    await posts(2);
    expect(slack.posts.find((post) => post.channel === "C1")?.thread).toBe(head.ts);
    expect(slack.posts.some((post) => post.channel === "D1")).toBe(true);
  });

  it("and what is said between people is left alone", async () => {
    await startBot();
    for (const text of ["microscope list services", "list services", "what does micro ping do?"]) slack.say(text);
    slack.say("micro ping");
    await posts(1);
    await quiet();
    expect(texts()).toEqual(["pong"]);
  });
});

describe("one event takes effect once", () => {
  it("duplicate: the same event on another envelope", async () => {
    await startBot();
    const said = slack.say("micro deploy a");
    await posts(1);
    slack.sockets.duplicate(said.eventIds[0] as string);
    slack.say("micro ping");
    await posts(2);
    expect(runs).toEqual(["a"]);
  });

  it("late redelivery: not acknowledged in time because the process stood still", async () => {
    await startBot();
    slack.say("micro deploy a");
    await posts(1);
    slack.sockets.redeliver();
    slack.say("micro ping");
    await posts(2);
    await quiet();
    expect(runs).toEqual(["a"]);
    expect(slack.posts).toHaveLength(2);
  });

  it("retries: a slow command is acknowledged long before it ends", async () => {
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    await startBot();
    const said = slack.say("micro deploy slow");
    await expect.poll(() => slack.acked(said)).toBe(true);
    await quiet(600);
    expect([...slack.sockets.attempts.values()].flat().every((attempt) => attempt === 0)).toBe(true);
    open();
    await posts(1);
    expect(runs).toEqual(["slow"]);
  });

  it("restart: delivered again to the process after the one that answered it", async () => {
    const first = await startBot();
    const said = slack.say("micro deploy a");
    await posts(1);
    await first.stop();
    await startBot();
    slack.sockets.duplicate(said.eventIds[0] as string);
    slack.say("micro ping");
    await posts(2);
    expect(runs).toEqual(["a"]);
    expect(texts()[1]).toBe("pong");
  });

  it("an hour later too, while the journal remembers", async () => {
    let now = Date.now();
    const clock = { now: () => now, sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) };
    const first = await startBot({ clock });
    const said = slack.say("micro deploy a");
    await posts(1);
    await first.stop();
    now += 59 * 60_000;
    await startBot({ clock });
    slack.sockets.duplicate(said.eventIds[0] as string);
    await quiet();
    expect(runs).toEqual(["a"]);
    expect(slack.posts).toHaveLength(1);
  });
});

describe("what must never execute", () => {
  it("a message older than a minute is answered with say it again", async () => {
    await startBot();
    slack.event({
      type: "message",
      channel: "C1",
      channel_type: "channel",
      user: "U1",
      text: "micro deploy old",
      ts: `${Math.floor(Date.now() / 1000) - 90}.000100`,
    });
    await posts(1);
    expect(texts()[0]).toContain("say it again");
    expect(runs).toEqual([]);
  });

  it("edits and deletions", async () => {
    await startBot();
    const said = slack.say("something else");
    slack.edit(said, "micro deploy edited");
    slack.edit(said, `<@${slack.botUser}> deploy edited`);
    slack.remove(said);
    slack.say("micro ping");
    await posts(1);
    expect(runs).toEqual([]);
  });

  it("other bots, and the bot itself", async () => {
    await startBot();
    slack.botSays("micro deploy bot", "bot_message");
    slack.botSays("micro deploy bot");
    slack.say("micro echo micro deploy echoed");
    await posts(1);
    await quiet();
    expect(runs).toEqual([]);
    expect(slack.posts).toHaveLength(1);
  });

  it("Slack Connect strangers and guests are refused, with a word", async () => {
    slack.user("U8", { team_id: "T9", is_stranger: true });
    slack.user("U9", { is_ultra_restricted: true });
    await startBot();
    slack.say("micro deploy stranger", { user: "U8", team: "T9" });
    slack.say("micro deploy guest", { user: "U9" });
    const { whispers } = slack.people;
    await expect.poll(() => whispers.length, { timeout: 8000 }).toBe(2);
    expect([runs, slack.posts]).toEqual([[], []]);
    expect(whispers.map(({ user }) => user)).toEqual(["U8", "U9"]);
    for (const { text } of whispers) expect(text).toContain("guests need the permission test:deploy");
  });
});

describe("a write is asked for with buttons", () => {
  it("Approval buttons (chat.md §6): only who asked can press them, once; then they are gone and it says who decided", async () => {
    const policy = readPolicy("members: ['test:*']", "test");
    await startBot({ commands: [{ ...deploy, effect: "write" }, ...smallTalk], policy });
    const question = slack.say("micro deploy prod");
    await posts(1);
    expect(texts()[0]).toContain("this changes things: deploy prod");

    slack.people.press("Do it", { user: "U2" });
    await expect.poll(() => slack.people.whispers.length, { timeout: 8000 }).toBe(1);
    expect(slack.people.whispers[0]).toMatchObject({ user: "U2", text: expect.stringMatching(/^only .* can say yes/) });
    expect(runs).toEqual([]);

    slack.people.press("Do it");
    slack.people.again();
    await posts(2);
    await expect.poll(() => texts()[0], { timeout: 8000 }).toMatch(/said yes to it at \d\d:\d\d:\d\d UTC/);
    expect(() => slack.people.press("Do it")).toThrow("no button");
    expect([texts()[1], runs]).toEqual(["deployed prod", ["prod"]]);
    expect(slack.people.reactions({ channel: "C1", ts: question.ts })).toEqual([]);
  });
});

describe("a bad day of the network", () => {
  it("429 with Retry-After: the answer waits, and the room keeps its order", async () => {
    await startBot();
    slack.fault("chat.postMessage", { retryAfter: 1, times: 1 });
    slack.say("micro echo one");
    slack.say("micro echo two");
    await posts(2);
    expect(texts()).toEqual(["one", "two"]);
  });

  it.each(["warning", "refresh_requested"])("disconnect frame (%s): nothing is lost", async (reason) => {
    await startBot();
    await quiet(1100);
    slack.sockets.frame({ type: "disconnect", reason });
    for (let i = 0; i < 5; i++) slack.say(`micro deploy ${i}`);
    await posts(5);
    expect([...runs].sort()).toEqual(["0", "1", "2", "3", "4"]);
  });

  it("a socket that is cut: connected again with back-off, no command twice, none lost", async () => {
    await startBot();
    slack.say("micro deploy before");
    await posts(1);
    slack.sockets.cut();
    slack.say("micro deploy after");
    await posts(2);
    expect(runs).toEqual(["before", "after"]);
  });

  it("a half-open socket is noticed", async () => {
    await startBot();
    slack.sockets.freeze();
    slack.say("micro deploy frozen");
    await posts(1);
    expect(runs).toEqual(["frozen"]);
  });

  it("Slack away at the start of a link: tried again", async () => {
    slack.fault("apps.connections.open", { status: 503, times: 1 });
    await startBot();
    slack.say("micro ping");
    await posts(1);
  });

  it("a command that runs while the link is lost is answered over the next one", async () => {
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    await startBot();
    slack.say("micro deploy slow");
    await expect.poll(() => runs).toEqual(["slow"]);
    slack.sockets.cut();
    await quiet();
    open();
    await posts(1);
    expect(texts()).toEqual(["deployed slow"]);
    expect(runs).toEqual(["slow"]);
  });

  it("a refused token ends the start with one line that carries no token", async () => {
    slack.revoke();
    const failure = await startBot().catch((error: Error) => error);
    expect(failure).toBeInstanceOf(Error);
    expect((failure as Error).message).not.toContain(slack.token);
    expect((failure as Error).message).toContain("token");
    expect((failure as Error).message).not.toContain("\n");
  });
});

describe("what is shown", () => {
  it("a long answer is one message: a summary and a file", async () => {
    await startBot();
    const long = Array.from({ length: 900 }, (_, index) => `word${index}`).join(" ");
    slack.say(`micro echo ${long}`);
    await posts(1);
    expect(slack.posts[0]?.file?.text).toBe(long);
    expect(slack.posts[0]?.text.length).toBeLessThan(4000);
  });

  it("markup in what people or services say stays dead", async () => {
    await startBot();
    slack.say("micro echo <!channel> &lt;@U2&gt; ``` *x* <https://evil.example|good>", { raw: true });
    await posts(1);
    expect(slack.posts[0]?.live).toEqual([]);
    expect(slack.posts[0]?.args["unfurl_links"]).toBe("false");
  });

  it("smart quotes, odd blanks, links of host names and entities are understood", async () => {
    await startBot();
    slack.say("micro\u00a0deploy \u201cgo micro\u201d", { raw: true });
    slack.say("micro deploy <http://go.micro.example|go.micro.example>", { raw: true });
    slack.say("micro deploy a&lt;b&amp;c", { raw: true });
    await posts(3);
    expect(runs).toEqual(["go micro", "go.micro.example", "a<b&c"]);
  });
});
