import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Log, silent } from "../../../src/core/log.ts";
import { type HubotInit, hubotInput } from "../../../src/inputs/hubot/hubot.ts";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { type HubotChat, hubotChat } from "../../fakes/hubot-chat.ts";

/* What adapters do that would end a bot, or make it do what nobody said. */

describe("a Hubot adapter that misbehaves", () => {
  let chat: HubotChat;
  const links: InputConnection[] = [];
  beforeEach(async () => {
    chat = await hubotChat();
  });
  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
    await chat.close();
  });

  const connect = async (init: Partial<HubotInit> = {}, log: Log = silent) => {
    const env = { ...chat.init.env, ...init.env };
    const link = await hubotInput({ ...chat.init, trusted: true, ...init, env })({ log }).connect();
    links.push(link);
    const iterator = link[Symbol.asyncIterator]();
    return { link, next: async () => (await iterator.next()).value as IncomingMessage };
  };
  const answer = (message: IncomingMessage, text: string) => ({
    place: message.place,
    parts: [{ kind: "text" as const, text }],
  });

  describe("while it connects", () => {
    it.each([
      ["exit", "unavailable", "it ended itself"],
      ["throw", "unavailable", "thrown where nobody catches"],
      ["reject", "unavailable", "rejected where nobody looks"],
      ["error", "unavailable", "an error event"],
      ["route", "invalid_argument", "EXPRESS_PORT"],
    ])("%s: says %s, and why", async (how, code, words) => {
      const env = { HUBOT_CHAT_RUN: how, ...(how === "exit" ? { HUBOT_CHAT_SECRET_WORD: "is set" } : {}) };
      await expect(connect({ env })).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
    });

    it("loop: says unavailable when the time is over, and ends the loop", async () => {
      await expect(connect({ env: { HUBOT_CHAT_RUN: "loop" }, connectMs: 1500 })).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("1500 ms"),
      });
    });

    it.each([
      [{ HUBOT_CHAT_PORT: undefined }, "HUBOT_CHAT_PORT is not set"],
      [{ HUBOT_CHAT_RUN: "exit" }, "HUBOT_CHAT_SECRET_WORD is not set"],
    ])("names the variable that is missing (%j), which no second attempt will mend", async (env, words) => {
      await expect(connect({ env })).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining(words),
      });
    });

    it.each([
      ["./nothing.mjs", "there is no ./nothing.mjs"],
      ["hubot-of-nobody", "npm install hubot-of-nobody"],
      ["./hubot-chat.ts", "hubot-chat.ts"],
      ["./slack-here-is-none", "there is no"],
    ])("says that %s is no adapter", async (adapter, words) => {
      await expect(connect({ adapter })).rejects.toMatchObject({ message: expect.stringContaining(words) });
    });
  });

  describe("once it is connected", () => {
    it("loop: the link is lost when the thread gives no sign of life, and can be opened again", async () => {
      const { link, next } = await connect({ aliveMs: 300 });
      const lost = next();
      chat.make("loop");
      await expect(lost).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("300 ms") });
      await link.close();
      const again = await connect();
      chat.say("@micro still there?");
      expect((await again.next()).text).toBe("still there?");
    });

    it("is not taken for lost while it is only quiet", async () => {
      const { next } = await connect({ aliveMs: 100 });
      await new Promise((resolve) => setTimeout(resolve, 500));
      chat.say("@micro still there?");
      expect((await next()).text).toBe("still there?");
    });

    it.each(["exit", "throw", "reject", "error"])("%s: the link is lost, and can be opened again", async (how) => {
      const { link, next } = await connect();
      const lost = next();
      chat.make(how);
      await expect(lost).rejects.toMatchObject({ code: "unavailable" });
      await link.close();
      const again = await connect();
      chat.say("@micro still there?");
      expect((await again.next()).text).toBe("still there?");
    });

    it("loop, leak: close ends both", async () => {
      const { link } = await connect();
      chat.make("leak");
      chat.make("loop");
      await link.close();
    });

    it("keeps what was heard before the link broke", async () => {
      const { next } = await connect();
      chat.say("@micro first");
      chat.say("@micro second");
      expect((await next()).text).toBe("first");
      chat.cut();
      expect((await next()).text).toBe("second");
      await expect(next()).rejects.toMatchObject({ code: "unavailable" });
    });

    it("gives no HTTP unless its port is configured", async () => {
      const { next } = await connect();
      const lost = next();
      chat.make("route");
      await expect(lost).rejects.toMatchObject({ message: expect.stringContaining("EXPRESS_PORT") });
      const { link } = await connect({ env: { EXPRESS_PORT: "0" } });
      chat.make("route");
      chat.say("@micro ping");
      const sent = link.send({ place: { room: "lobby", at: "lobby" }, parts: [{ kind: "text", text: "pong" }] });
      await sent;
      expect(chat.posts).toMatchObject([{ room: "lobby", text: "pong" }]);
    });
  });

  describe("ids", () => {
    it.each([["messageId"], ["MSG-001"], [null], [""]])(
      "makes one of its own when the adapter gives %j",
      async (id) => {
        const { next } = await connect();
        chat.say("@micro ping", { id });
        chat.say("@micro ping", { id });
        const [first, second] = [await next(), await next()];
        expect(first.id).not.toBe(second.id);
      },
    );

    it.each([[7], ["1700000000.000100"], ["3f2a-aaaa-bbbb"]])("takes %j, in its room", async (id) => {
      const { next } = await connect();
      chat.say("@micro ping", { id });
      chat.say("@micro ping", { id });
      chat.say("@micro ping", { id, room: "attic" });
      const [first, second, third] = [await next(), await next(), await next()];
      expect(first).toEqual(second);
      expect(third.id).not.toBe(first.id);
    });
  });

  describe("places", () => {
    it("answers a person where they asked, though the adapter has one object for them that moved on", async () => {
      const { link, next } = await connect();
      chat.say("@micro ping", { room: "lobby", thread: "t1" });
      const first = await next();
      chat.say("ping", { room: null });
      const second = await next();
      await link.send(answer(first, "for the thread"));
      await link.send(answer(second, "for ann"));
      expect(chat.posts).toMatchObject([
        { room: "lobby", thread: "t1", text: "for the thread" },
        { to: "ann", text: "for ann" },
      ]);
      expect(chat.posts[1]?.room).toBeFalsy();
    });

    it("after a restart answers in the room, and a person alone, from what the place says", async () => {
      const before = await connect();
      chat.say("@micro ping", { room: "lobby", thread: "t1" });
      const first = await before.next();
      chat.say("ping", { room: null });
      const second = await before.next();
      await before.link.close();
      const { link } = await connect();
      await link.send(answer(JSON.parse(JSON.stringify(first)), "for the room"));
      await link.send(answer(JSON.parse(JSON.stringify(second)), "for ann"));
      expect(chat.posts).toMatchObject([
        { room: "lobby", text: "for the room" },
        { to: "ann", text: "for ann" },
      ]);
      expect(chat.posts[0]?.thread).toBeUndefined();
      expect(chat.posts[1]?.room).toBeFalsy();
    });
  });

  it("never takes an envelope of this life for one of the life before", async () => {
    const before = await connect();
    chat.say("@micro ping", { room: "lobby", id: null });
    const first = await before.next();
    await before.link.close();
    const { link, next } = await connect();
    chat.say("@micro ping", { room: "attic", id: null });
    expect((await next()).id).not.toBe(first.id);
    await link.send(answer(first, "for the lobby"));
    expect(chat.posts).toMatchObject([{ room: "lobby", text: "for the lobby" }]);
  });

  it("is addressed by its whole name or its alias, and by nothing that begins so", async () => {
    const { next } = await connect({ env: { HUBOT_NAME: "micro", HUBOT_ALIAS: "!" } });
    const said = ["@micro: a", "micro, b", "MICRO c", "micro", "!d", "microscope e", "say micro f"];
    for (const text of said) chat.say(text);
    const heard = [];
    for (const _ of said) heard.push(await next());
    expect(heard.map(({ text, addressed }) => (addressed ? text : `(${text})`))).toEqual([
      "a",
      "b",
      "c",
      "",
      "d",
      "(microscope e)",
      "(say micro f)",
    ]);
  });

  it("Leaked tokens (chat.md §6): nothing it logs, prints or throws shows what it was trusted with", async () => {
    const lines: string[] = [];
    const write = (fields: object, text: string) => void lines.push(JSON.stringify(fields) + text);
    const log: Log = { debug: write, info: write, warn: write, error: write };
    const { link } = await connect({}, log);
    chat.make("print");
    chat.make("env");
    await vi.waitFor(() => expect(lines.join("\n")).toMatch(/(?=.*printed by)(?=.*seen:)/s));
    chat.fault({ message: `no: ${chat.token}`, quietly: true });
    const sent = link.send({ place: { room: "lobby", at: "lobby" }, parts: [{ kind: "text", text: "hello" }] });
    await expect(sent).rejects.toMatchObject({ message: expect.stringContaining("no: ***") });
    expect(lines.join("\n")).not.toContain(chat.token);
    // Nor does it see what the bot was trusted with.
    expect(lines.join("\n")).not.toContain("MICRO_");
  });

  it("Identity confusion (chat.md §6): vouches for nobody whose adapter is not trusted", async () => {
    const { next } = await connect({ trusted: false });
    chat.say("@micro list services", { user: { id: "admin", name: "admin" } });
    expect((await next()).from).toEqual({ id: undefined, name: "admin", guest: true });
  });

  it("Identity confusion (chat.md §6): what is said to the robot alone is in a room that no other room is called", async () => {
    const { next } = await connect();
    const roomOf = async (who: Parameters<HubotChat["say"]>[1]) => {
      chat.say("micro: ping", who);
      return (await next()).place.room;
    };
    const alone = await roomOf({ room: null, user: { id: "U6", name: "ann" } });
    expect(alone).toBe("@U6");
    const others = [
      await roomOf({ room: "@U6" }),
      await roomOf({ room: "=@U6" }),
      await roomOf({ room: "=?U6" }),
      await roomOf({ room: null, user: { name: "U6" } }),
      await roomOf({ room: "U6" }),
    ];
    expect(new Set([alone, ...others]).size).toBe(6);
  });
});
