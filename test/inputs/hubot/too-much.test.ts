import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hubotInput } from "../../../src/inputs/hubot/hubot.ts";
import type { ConnectOptions, InputConnection } from "../../../src/inputs/input.ts";
import { type HubotChat, hubotChat } from "../../fakes/hubot-chat.ts";

/* More is said than the bot gets to. An adapter has taken what it gives. */

const AT_MOST = 10_000;

describe("too much at once over a Hubot adapter", { timeout: 60_000 }, () => {
  let chat: HubotChat;
  let untaken: number;
  const open: InputConnection[] = [];
  beforeEach(async () => {
    chat = await hubotChat();
    untaken = 0;
  });
  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
    await chat.close();
  });

  const connect = async (options: ConnectOptions = {}) => {
    const onUntaken = () => {
      untaken += 1;
    };
    const link = await hubotInput({ ...chat.init, trusted: true })().connect({ onUntaken, ...options });
    open.push(link);
    const hear = link[Symbol.asyncIterator]();
    return { link, next: async () => (await hear.next()).value.text as string };
  };

  it("is told of, each message that found no place", async () => {
    const { next } = await connect();
    for (let n = 0; n < AT_MOST + 3; n++) chat.say(`micro ${n}`);
    await expect.poll(() => untaken, { timeout: 30_000 }).toBe(3);
    for (let n = 0; n < AT_MOST; n++) expect(await next()).toBe(String(n));
    chat.say("micro again");
    expect(await next()).toBe("again");
  });

  it("is not what people say to each other, which takes no place", async () => {
    const { next } = await connect({ heeds: ({ addressed }) => addressed });
    for (let n = 0; n < AT_MOST + 3; n++) chat.say(String(n));
    chat.say("micro list services");
    expect(await next()).toBe("list services");
    expect(untaken).toBe(0);
  });

  it("is still given after the link is lost, which is told once the adapter is gone", async () => {
    const { link, next } = await connect();
    for (const text of ["one", "two"]) chat.say(`micro ${text}`);
    expect(await next()).toBe("one");
    chat.make("exit");
    expect(await link.lost).toMatchObject({ code: "unavailable" });
    expect(await next()).toBe("two");
    await expect(next()).rejects.toMatchObject({ code: "unavailable" });
  });
});
