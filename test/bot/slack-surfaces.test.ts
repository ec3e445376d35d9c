import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Bot, createBot } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { smallTalk } from "../../src/commands/builtin.ts";
import { type AnyCommand, defineCommand } from "../../src/commands/command.ts";
import type { Client } from "../../src/core/client/client.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { slackInput } from "../../src/inputs/slack/slack.ts";
import { type FakeSlack, fakeSlack } from "../fakes/slack.ts";
import { buttons, labelOf } from "../fakes/slack-blocks.ts";

/* The bot on all that Slack has beside messages: slash commands, buttons, forms, whispers, reactions, the home tab. */

let slack: FakeSlack;
let bot: Bot;
let runs: string[];
let gate: Promise<void> | undefined;

const deploy: AnyCommand = defineCommand({
  name: "deploy",
  summary: "Deploy something",
  input: z.object({
    what: z.string().describe("a service"),
    note: z.string().optional().describe("why"),
  }),
  words: ["what"],
  permission: "test:deploy",
  effect: "write",
  run: async ({ what, note }) => {
    runs.push(note === undefined ? what : `${what} because ${note}`);
    await gate;
    return { what };
  },
  view: ({ what }) => ({ kind: "text", text: `deployed ${what}` }),
});

beforeEach(async () => {
  slack = await fakeSlack();
  runs = [];
  gate = undefined;
  const registry = memoryRegistry()();
  await registry.start();
  bot = createBot({
    inputs: [slackInput({ ...slack, clientPingTimeoutMs: 300 })()],
    commands: [deploy, ...smallTalk],
    registry,
    client: {} as Client,
    policy: readPolicy("roles: { ops: { members: [slack:T1/U1, slack:T1/U2], grants: [test:deploy] } }", "policy"),
    drainMs: 300,
  });
  await bot.start();
});

afterEach(async () => {
  await bot.stop();
  await slack.close();
});

const shown = () => slack.posts.map(({ text }) => text.split("\n")[0]);
const pressable = () => buttons(slack.posts.at(-1)?.blocks).map(labelOf);
const eventually = <T>(what: () => T) => expect.poll(what, { timeout: 8000 });

/** What was done last is told again and again: it counts once, but what waits too long is dropped on a slow machine. */
const insisted = <T>(what: () => T) => {
  const again = () => {
    slack.people.again();
    return what();
  };
  return expect.poll(again, { interval: 700, timeout: 12_000 });
};

describe("the bot on Slack's surfaces", () => {
  it("a slash command without its words opens a form, which is confirmed with a button and done once", async () => {
    slack.people.slash("deploy");
    await insisted(() => slack.people.forms.length).toBe(1);
    expect(slack.posts).toEqual([]);
    slack.people.submit({ what: "greeter & co", note: 'a "good" <reason>' });
    await insisted(pressable).toEqual(["Do it", "No"]);
    expect(slack.posts).toHaveLength(1);
    slack.people.press("Do it");
    await insisted(shown).toContain("deployed greeter & co");
    expect(runs).toEqual(['greeter & co because a "good" <reason>']);
    await eventually(() => buttons(slack.posts[0]?.blocks)).toEqual([]);
    expect(slack.posts.flatMap(({ live }) => live)).toEqual([]);
  });

  it("Approval buttons (chat.md §6): nobody else's press counts, and one that comes too late is told who decided", async () => {
    slack.people.slash("deploy greeter");
    await insisted(pressable).toEqual(["Do it", "No"]);
    slack.people.press("Do it", { user: "U2" });
    await insisted(() => slack.people.whispers.length).toBe(1);
    expect(slack.people.whispers[0]).toMatchObject({ user: "U2", text: expect.stringMatching(/^only .* can say yes/) });
    expect(runs).toEqual([]);
    slack.people.press("No", { user: "U1" });
    // Pressed before the buttons are gone.
    slack.people.press("Do it", { user: "U1" });
    await insisted(() => slack.people.whispers.length).toBe(2);
    expect(slack.people.whispers[1]).toMatchObject({
      user: "U1",
      text: expect.stringMatching(/^that is over: deploy/),
    });
    expect(runs).toEqual([]);
  });

  it("where the bot is not, a whole talk goes by the response_url and directly, and nothing is lost", async () => {
    slack.channel("C8", { absent: true });
    slack.people.slash("deploy greeter", { channel: "C8" });
    await insisted(() => slack.people.whispers.length).toBe(1);
    slack.people.press("Do it");
    await insisted(() => slack.people.whispers.at(-1)?.text).toBe("deployed greeter");
    expect(runs).toEqual(["greeter"]);
    expect(slack.posts).toEqual([]);
  });

  it("what is no command is whispered, with the nearest to press", async () => {
    slack.say("@micro deplo greeter");
    await eventually(() => slack.people.whispers.length).toBe(1);
    expect(slack.people.whispers[0]?.text).toContain('there is no command "deplo greeter"');
    slack.people.press("deploy");
    await insisted(() => slack.people.forms.length).toBe(1);
  });

  it("a form that opens too late is said in words", async () => {
    slack.people.late();
    slack.people.slash("deploy");
    await insisted(() => slack.posts.length).toBe(1);
    expect(slack.posts[0]?.text).toContain("usage: deploy <what>");
  });

  it("the home tab shows help, once however often it is opened", async () => {
    for (let i = 0; i < 5; i += 1) slack.people.openHome();
    slack.people.openHome("U2");
    await eventually(() => [...slack.people.homes.keys()].sort()).toEqual(["U1", "U2"]);
    expect(slack.people.homes.get("U1")?.text).toContain("deploy");
    expect(slack.calls.filter(({ method }) => method === "views.publish")).toHaveLength(2);
    expect(slack.posts).toEqual([]);
  });

  it("what takes a while bears a sign until it is done", async () => {
    let open = () => {};
    gate = new Promise((resolve) => (open = resolve));
    slack.people.slash("deploy greeter");
    await insisted(pressable).toEqual(["Do it", "No"]);
    const said = slack.say("@micro yes");
    await eventually(() => slack.people.reactions(said)).toEqual(["eyes"]);
    open();
    await eventually(() => slack.people.reactions(said)).toEqual(["white_check_mark"]);
  });
});
