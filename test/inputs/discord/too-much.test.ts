import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { discordInput } from "../../../src/inputs/discord/discord.ts";
import type { ConnectOptions, InputConnection } from "../../../src/inputs/input.ts";
import { type FakeDiscord, fakeDiscord } from "../../fakes/discord.ts";

/* More is said than the bot gets to. Discord's gateway waits for nobody. */

const AT_MOST = 10_000;

describe("too much at once in Discord", { timeout: 60_000 }, () => {
  let discord: FakeDiscord;
  let untaken: number;
  const open: InputConnection[] = [];
  beforeEach(async () => {
    discord = await fakeDiscord();
    untaken = 0;
  });
  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
    await discord.close();
  });

  const connect = async (options: ConnectOptions = {}) => {
    const onUntaken = () => {
      untaken += 1;
    };
    const link = await discordInput(discord)().connect({ onUntaken, ...options });
    open.push(link);
    const hear = link[Symbol.asyncIterator]();
    return async () => (await hear.next()).value.text as string;
  };

  it("is told of, each message that found no place", async () => {
    const next = await connect();
    for (let n = 0; n < AT_MOST + 3; n++) discord.say(String(n));
    await expect.poll(() => untaken, { timeout: 30_000 }).toBe(3);
    for (let n = 0; n < AT_MOST; n++) expect(await next()).toBe(String(n));
    discord.say("again");
    expect(await next()).toBe("again");
    expect(untaken).toBe(3);
  });

  it("is not what people say to each other, which takes no place", async () => {
    const next = await connect({ heeds: ({ text }) => text.startsWith("robot") });
    for (let n = 0; n < AT_MOST + 3; n++) discord.say(String(n));
    discord.say("robot, list services");
    expect(await next()).toBe("robot, list services");
    expect(untaken).toBe(0);
  });
});
