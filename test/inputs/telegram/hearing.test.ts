import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { type TelegramInit, telegramInput } from "../../../src/inputs/telegram/telegram.ts";
import { ANN, type FakeTelegram, FORUM, fakeTelegram, GROUP, TOPIC } from "../../fakes/telegram.ts";

describe("who said what to the bot in Telegram", () => {
  let telegram: FakeTelegram;
  let link: InputConnection;

  beforeEach(async () => {
    telegram = await fakeTelegram();
  });

  afterEach(async () => {
    await link.close();
    await telegram.close();
  });

  /** Everything the bot hears of what the test says. */
  const heard = async (say: () => void, init: TelegramInit = {}): Promise<readonly IncomingMessage[]> => {
    link = await telegramInput({ ...telegram, pollMs: 1000, ...init })().connect();
    say();
    telegram.say("the end");
    const messages: IncomingMessage[] = [];
    for await (const message of link) {
      if (message.text === "the end") break;
      messages.push(message);
    }
    return messages;
  };

  it.each([
    ["list services", "list services"],
    ["/list services", "list services"],
    ["/help@micro_test_bot", "help"],
    ["/Help@Micro_Test_Bot", "Help"],
    ["@micro_test_bot, list", "list"],
    ["@micro_test_bot /list services", "list services"],
    ["/start", ""],
    ["/start deep-link", ""],
    ["/start@micro_test_bot", ""],
    ["start", "start"],
    ["/etc/passwd", "/etc/passwd"],
    ["/help@other_bot", "/help@other_bot"],
    ['call a.b C.D {"a": "@micro_test_bot /x"}', 'call a.b C.D {"a": "@micro_test_bot /x"}'],
  ])("in direct talk %j says %j", async (said, text) => {
    expect(await heard(() => void telegram.say(said))).toMatchObject([{ text, addressed: true }]);
  });

  const ours = { reply_to_message: { from: { id: 4242 } } };
  const others = { reply_to_message: { from: { id: 7 } } };
  const topicBegin = { reply_to_message: { from: { id: 4242 }, forum_topic_created: {} } };
  it.each([
    ["@micro_test_bot list", {}, "list", true],
    ["@micro_test_bot", {}, "", true],
    ["/list@micro_test_bot services", {}, "list services", true],
    ["/list@other_bot services", {}, "/list@other_bot services", false],
    ["/list@other_bot services", ours, "/list@other_bot services", false],
    ["/list services", {}, "list services", false],
    ["list services", ours, "list services", true],
    ["list services", others, "list services", false],
    ["list services", topicBegin, "list services", false],
    ["micro list services", {}, "micro list services", false],
    ["@micro_test_bots list", {}, "@micro_test_bots list", false],
    ["hey @micro_test_bot list", {}, "hey @micro_test_bot list", false],
  ])("in a group %j %j says %j, to the bot: %j", async (said, message, text, addressed) => {
    const messages = await heard(() => void telegram.say(said, { chat: GROUP, message }));
    expect(messages).toMatchObject([{ text, addressed }]);
  });

  it("takes a command without a name for its own in a group where Telegram picks what it is told", async () => {
    telegram.privacy(true);
    const messages = await heard(() => void telegram.say("/list services", { chat: GROUP }));
    expect(messages).toMatchObject([{ text: "list services", addressed: true }]);
  });

  it("a topic is a room of its own; the threads that replies make are none", async () => {
    const messages = await heard(() => {
      telegram.say("/a@micro_test_bot", { chat: FORUM, message: { message_thread_id: TOPIC, is_topic_message: true } });
      telegram.say("/b@micro_test_bot", { chat: GROUP, message: { message_thread_id: 12 } });
    });
    expect(messages.map(({ place }) => place)).toEqual([
      {
        room: `${FORUM}/${TOPIC}`,
        chat: String(FORUM),
        topic: String(TOPIC),
        group: "true",
        message: expect.any(String),
      },
      { room: String(GROUP), chat: String(GROUP), group: "true", message: expect.any(String) },
    ]);
  });

  it("Identity confusion (chat.md §6): a person is their number; who speaks as a group or channel is nobody", async () => {
    const messages = await heard(() => {
      telegram.say("a", { message: { from: { id: 7, is_bot: false, first_name: "101", username: "user101" } } });
      const admin = { from: { id: 1087968824, is_bot: true }, sender_chat: { id: GROUP, title: "Ann" } };
      telegram.say("@micro_test_bot b", { chat: GROUP, message: admin });
      const channel = { from: { id: 136817688, is_bot: true }, sender_chat: { id: -1009, title: "Ann" } };
      telegram.say("@micro_test_bot c", { chat: GROUP, message: channel });
    });
    expect(messages.map(({ from }) => from)).toEqual([
      { id: "7", name: "101", guest: false },
      { id: undefined, name: "Ann", guest: true },
      { id: undefined, name: "Ann", guest: true },
    ]);
  });

  it("Edit and unfurl tricks (chat.md §6): edits, forwards, inline results and channel posts are never heard", async () => {
    const messages = await heard(() => {
      const message = { message_id: 9, date: 1, chat: { id: ANN, type: "private" }, from: { id: ANN }, text: "list" };
      telegram.update({ edited_message: { ...message, edit_date: 2 } });
      telegram.update({ channel_post: message });
      telegram.update({ business_message: message });
      for (const fact of [
        { edit_date: 2 },
        { forward_origin: { type: "hidden_user" } },
        { forward_date: 1 },
        { is_automatic_forward: true, sender_chat: { id: 5 } },
        { via_bot: { id: 5 } },
        { chat: { id: -5, type: "channel" } },
        { from: { id: 9, is_bot: true } },
        { text: undefined, photo: [] },
      ]) {
        telegram.say("list", { message: fact });
      }
    });
    expect(messages).toEqual([]);
  });

  it("Slash trigger hijack (chat.md §6): a command for another bot, and another program's button, say nothing", async () => {
    const press = { id: "p1", from: { id: ANN, is_bot: false }, chat_instance: "1" };
    const message = { message_id: 3, date: 1, chat: { id: GROUP, type: "supergroup" } };
    const messages = await heard(() => {
      telegram.update({ callback_query: { ...press, message, data: "list" } });
      telegram.update({ callback_query: { ...press, inline_message_id: "7", data: ">list" } });
      telegram.update({ callback_query: { ...press, from: { id: 9, is_bot: true }, message, data: ">list" } });
      telegram.update({ callback_query: {} });
      telegram.update({ message: {} });
    });
    expect(messages).toEqual([]);
  });

  describe("--telegram_whitelist", () => {
    it("Outsiders in the room (chat.md §6): hears those who are on it, and tells others once", async () => {
      const say = () => {
        telegram.say("list", { chat: GROUP, user: 666 });
        telegram.say("@micro_test_bot list", { chat: GROUP, user: 666 });
        telegram.say("@micro_test_bot list", { chat: GROUP, user: 666 });
        const admin = { from: { id: 1087968824, is_bot: true }, sender_chat: { id: GROUP, title: "Group" } };
        telegram.say("@micro_test_bot list", { chat: GROUP, message: admin });
        telegram.say("ping");
      };
      expect(await heard(say, { whitelist: [String(ANN)] })).toMatchObject([{ text: "ping", from: { id: "101" } }]);
      await vi.waitFor(() => expect(telegram.posts).toHaveLength(2));
      const [first, second] = telegram.posts.map(({ text }) => text);
      expect(`${first}\n${second}`).toContain("your id is 666");
      expect(`${first}\n${second}`).toContain("does not tell me who you are");
    });

    it("tells who presses a button without being on it, so that nobody else sees it", async () => {
      link = await telegramInput({ ...telegram, pollMs: 1000, whitelist: [String(ANN)] })().connect();
      const place = { room: String(GROUP), chat: String(GROUP), group: "true" };
      await link.send({ place, parts: [{ kind: "text", text: "sure?" }], choices: [{ label: "Yes", line: "yes 1" }] });
      const stranger = telegram.press("Yes", 666);
      const ann = telegram.press("Yes");
      for await (const message of link) {
        expect(message).toMatchObject({ text: "yes 1", from: { id: "101" }, place: { room: String(GROUP) } });
        break;
      }
      await vi.waitFor(() => expect(telegram.signs.get(stranger)).toContain("your id is 666"));
      await vi.waitFor(() => expect(telegram.signs.get(ann)).toBe(""));
    });
  });
});
