import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type DiscordInit, discordInput } from "../../../src/inputs/discord/discord.ts";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { ANN, DIRECT, type FakeDiscord, fakeDiscord, GENERAL, OTHER, SELF } from "../../fakes/discord.ts";

describe("who said what to the bot in Discord", () => {
  let discord: FakeDiscord;
  let link: InputConnection;

  beforeEach(async () => {
    discord = await fakeDiscord();
  });

  afterEach(async () => {
    await link.close();
    await discord.close();
  });

  /** Everything the bot hears of what the test says. */
  const heard = async (say: () => void, init: DiscordInit = {}): Promise<readonly IncomingMessage[]> => {
    link = await discordInput({ ...discord, ...init })().connect();
    say();
    discord.say("the end", { channel: OTHER, user: ANN });
    const messages: IncomingMessage[] = [];
    for await (const message of link) {
      if (message.text === "the end") break;
      messages.push(message);
    }
    return messages;
  };

  it.each([
    [`<@${SELF}> list services`, "list services", true],
    [`  <@!${SELF}>:  list services`, "list services", true],
    [`<@${SELF}>help`, "help", true],
    [`<@${SELF}>`, "", true],
    ["Micro list services", "list services", true],
    ["micro, list services", "list services", true],
    ["MICRO", "", true],
    ["microscope list services", "microscope list services", false],
    ["list services", "list services", false],
    [`hey <@${SELF}> list`, `hey @${SELF} list`, false],
    ["<@123456> list", "@123456 list", false],
    [
      `<@${SELF}> tell <@!1234> in <#5678> of <@&91> <:wave:111> <a:wave:112>`,
      "tell @1234 in #5678 of @&91 :wave: :wave:",
      true,
    ],
    [`<@${SELF}> call x Y.Z {"u": "<https://A.b/c?d=e>"}`, 'call x Y.Z {"u": "https://A.b/c?d=e"}', true],
    [`<@${SELF}> \`list services\``, "list services", true],
    ['micro ```\ncall x Y.Z {"a": "<@1>"}\n```', 'call x Y.Z {"a": "<@1>"}', true],
  ])("%j is %j", async (said, text, addressed) => {
    expect(await heard(() => void discord.say(said))).toMatchObject([{ text, addressed }]);
  });

  it("direct talk needs no name, and may have one", async () => {
    const messages = await heard(() => {
      for (const text of ["list", `<@${SELF}> list`, "micro list"]) discord.say(text, { channel: DIRECT });
    });
    expect(messages).toMatchObject([1, 2, 3].map(() => ({ text: "list", addressed: true })));
    expect(messages[0]?.place).toEqual({ room: DIRECT, channel: DIRECT, message: expect.any(String) });
  });

  it("a thread is a room of its own; a reply is heard like anything else", async () => {
    const [said] = await heard(() => {
      discord.say("micro list", { channel: "555555555", message: { type: 19, message_reference: { type: 0 } } });
    });
    expect(said).toMatchObject({ text: "list", place: { room: "555555555" } });
  });

  it("Identity confusion (chat.md §6): a person is their id, whatever they are called", async () => {
    const like = { author: { id: "42", username: ANN, global_name: "Ann" }, member: { nick: ANN } };
    const messages = await heard(() => void discord.say("micro list", { message: like }));
    expect(messages).toMatchObject([{ from: { id: "42", name: ANN, guest: false } }]);
  });

  it("Edit and unfurl tricks (chat.md §6): an edit is never heard, nor what a preview adds", async () => {
    const messages = await heard(() => {
      const said = discord.say("thinking aloud");
      const edited = { ...said, content: "micro deregister service greeter", edited_timestamp: "2026-01-01T00:00:00Z" };
      discord.event("MESSAGE_UPDATE", edited);
      discord.event("MESSAGE_UPDATE", { ...said, embeds: [{ description: "micro list" }] });
      discord.event("MESSAGE_CREATE", { ...edited, id: "8" });
    });
    expect(messages).toMatchObject([{ text: "thinking aloud", addressed: false }]);
  });

  it("Slash trigger hijack (chat.md §6): slash commands and buttons of others say nothing", async () => {
    const press = { token: "t", version: 1, channel_id: GENERAL, member: { user: { id: ANN } }, message: { id: "1" } };
    const messages = await heard(() => {
      discord.event("INTERACTION_CREATE", { ...press, id: "1000001", type: 2, data: { name: "list" } });
      discord.event("INTERACTION_CREATE", { ...press, id: "1000002", type: 3, data: { custom_id: "delete-all" } });
      discord.event("INTERACTION_CREATE", { ...press, id: "1000003", type: 5, data: { custom_id: "say:list" } });
    });
    expect(messages).toEqual([]);
    await vi.waitFor(() => expect(Object.fromEntries(discord.signs)).toEqual({ 1000002: "deferred" }));
  });

  it("events of shapes that it does not know do it no harm", async () => {
    const messages = await heard(() => {
      for (const odd of [
        {},
        { id: "1" },
        { id: "1", channel_id: "2", author: {} },
        { content: 5, author: { id: "3" } },
      ]) {
        discord.event("MESSAGE_CREATE", odd);
        discord.event("INTERACTION_CREATE", { ...odd, type: 3, token: "t" });
      }
      discord.say("", { channel: DIRECT });
      discord.say("micro list", { message: { timestamp: "yesterday" } });
    });
    expect(messages).toEqual([]);
  });

  describe("--discord_whitelist", () => {
    it("Outsiders in the room (chat.md §6): hears those who are on it, and tells others once", async () => {
      const say = () => {
        discord.say("micro list", { user: "666" });
        discord.say("just talking", { user: "666" });
        discord.say("micro list", { user: "666", channel: OTHER });
        discord.say("just talking", { user: "777" });
        discord.say("micro ping");
      };
      expect(await heard(say, { whitelist: [ANN] })).toMatchObject([{ text: "ping", from: { id: ANN } }]);
      await vi.waitFor(() => expect(discord.posts).toHaveLength(1));
      expect(discord.posts[0]).toMatchObject({
        channel: GENERAL,
        text: expect.stringContaining("666"),
        live: [],
        pings: [],
      });
    });

    it("tells who presses a button without being on it, so that nobody else sees it", async () => {
      link = await discordInput({ ...discord, whitelist: [ANN] })().connect();
      const place = { room: GENERAL, channel: GENERAL };
      await link.send({ place, parts: [{ kind: "text", text: "sure?" }], choices: [{ label: "Yes", line: "yes 1" }] });
      const stranger = discord.press("Yes", "666");
      await vi.waitFor(() => expect(discord.signs.get(stranger)).toMatch(/^whispered: I only listen to .*666/));
      const ann = discord.press("Yes");
      for await (const message of link) {
        expect(message).toMatchObject({ text: "yes 1", from: { id: ANN } });
        break;
      }
      await vi.waitFor(() => expect(discord.signs.get(ann)).toBe("deferred"));
    });
  });
});
