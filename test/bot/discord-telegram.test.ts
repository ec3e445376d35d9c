import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { type Bot, createBot } from "../../src/bot/bot.ts";
import { smallTalk } from "../../src/commands/builtin.ts";
import { defineCommand } from "../../src/commands/command.ts";
import type { Client } from "../../src/core/client/client.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { discordInput } from "../../src/inputs/discord/discord.ts";
import { telegramInput } from "../../src/inputs/telegram/telegram.ts";
import type { Kv } from "../../src/platform/kv/kv.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import { type FakeDiscord, fakeDiscord } from "../fakes/discord.ts";
import { type FakeTelegram, fakeTelegram, GROUP } from "../fakes/telegram.ts";

/* One bot on Discord and Telegram at once, through what their links do. */

const runs: string[] = [];
const deploy = defineCommand({
  name: "deploy",
  summary: "Count how often it takes effect",
  input: z.object({ what: z.string() }),
  words: ["what"],
  permission: "test:deploy",
  effect: "read",
  run: async ({ what }) => {
    runs.push(what);
    return { what };
  },
  view: ({ what }) => ({ kind: "text", text: `deployed ${what}` }),
});

describe("the bot on Discord and Telegram", () => {
  const bots: Bot[] = [];
  let discord: FakeDiscord;
  let telegram: FakeTelegram;
  let store: Kv;

  beforeEach(async () => {
    runs.length = 0;
    store = memoryKv();
    await store.start();
    discord = await fakeDiscord();
    telegram = await fakeTelegram();
  });

  afterEach(async () => {
    for (const bot of bots.splice(0)) await bot.stop();
    await discord.close();
    await telegram.close();
    await store.stop();
  });

  const start = async () => {
    const registry = memoryRegistry({ services: [] })();
    await registry.start();
    const bot = createBot({
      inputs: [discordInput(discord)(), telegramInput({ ...telegram, pollMs: 1000 })()],
      commands: [deploy, ...smallTalk],
      registry,
      client: {} as Client,
      store,
      drainMs: 300,
    });
    bots.push(bot);
    await bot.start();
    return bot;
  };
  const said = ({ posts }: FakeDiscord | FakeTelegram) => posts.map(({ text }) => text);
  const eventually = (check: () => void) => vi.waitFor(check, { timeout: 8000 });

  it("answers each network where it was asked", async () => {
    await start();
    discord.say("micro deploy one");
    telegram.say("/deploy@micro_test_bot two", { chat: GROUP });
    await eventually(() => expect([said(discord), said(telegram)]).toEqual([["deployed one"], ["deployed two"]]));
    discord.say("just talking about deploy");
    telegram.say("just talking about deploy", { chat: GROUP });
    discord.say("micro, deplyo");
    telegram.say("/start");
    await eventually(() => expect([discord.posts.length, telegram.posts.length]).toEqual([2, 2]));
    expect(said(discord)[1]).toContain("deploy");
    expect(said(telegram)[1]).toContain("help");
  });

  it("carries a message out once, though Telegram gives it to the next process again", async () => {
    const first = await start();
    const update = telegram.say("deploy once");
    discord.say("micro deploy too");
    await eventually(() => expect([said(discord), said(telegram)]).toEqual([["deployed too"], ["deployed once"]]));
    telegram.again(update);
    await first.stop();
    bots.splice(0);
    await start();
    telegram.again(update);
    telegram.say("deploy more");
    await eventually(() => expect(said(telegram)).toEqual(["deployed once", "deployed more"]));
    expect(runs.toSorted()).toEqual(["more", "once", "too"]);
  });

  it("connects again when a link is lost, and answers then", async () => {
    await start();
    discord.gateway.forget();
    discord.gateway.cut();
    telegram.cut();
    telegram.say("deploy two");
    await eventually(() => expect(discord.gateway.identified).toBe(2));
    discord.say("micro deploy one");
    await eventually(() => expect([said(discord), said(telegram)]).toEqual([["deployed one"], ["deployed two"]]));
  });
});
