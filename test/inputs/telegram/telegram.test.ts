import { telegramInput } from "../../../src/inputs/telegram/telegram.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { FORUM, fakeTelegram, GROUP, TOPIC } from "../../fakes/telegram.ts";
import { shown } from "../../fakes/telegram-markup.ts";

inputContract("telegram", {
  without: {
    whispered: "Telegram hides nothing in a group; a sign on a button is all that one person can be shown alone",
    pressAsStranger: "Telegram tells who presses, also of who speaks as the group",
    sayForForm: "Telegram has no forms for bots, but web pages",
    fill: "as above",
    failForm: "as above",
  },
  create: async () => {
    const telegram = await fakeTelegram();
    const said: number[] = [];
    const bot = { id: telegram.bot.id, is_bot: true, first_name: "Micro" };
    return {
      input: telegramInput({ ...telegram, pollMs: 1000 })(),
      say: (text) => void said.push(telegram.say(`@micro_test_bot ${text}`, { chat: GROUP })),
      heard: () =>
        telegram.posts.map(({ chat, topic, text, file, live, buttons }) => ({
          text,
          where: `${chat}/${topic}`,
          file,
          live,
          choices: buttons.map((button) => button.text),
        })),
      alive: (raw) => {
        try {
          return shown(raw).live;
        } catch (refused) {
          return [String(refused)];
        }
      },
      remove: telegram.remove,
      under: () => telegram.posts.map(({ replyTo }) => telegram.posts.find(({ message }) => message === replyTo)?.text),
      alone: () => telegram.posts.filter(({ chat }) => chat === 101).map(({ text }) => text),
      sayElsewhere: (text) => {
        const topic = { message_thread_id: TOPIC, is_topic_message: true };
        said.push(telegram.say(`/${text}@micro_test_bot`, { chat: FORUM, message: topic }));
      },
      sayDirect: (text) => void said.push(telegram.say(text)),
      overhear: (text) => void said.push(telegram.say(text, { chat: GROUP })),
      sayAsStranger: (text) => {
        const anonymous = { from: { id: 1087968824, is_bot: true }, sender_chat: { id: GROUP, title: "Group" } };
        said.push(telegram.say(`/list@micro_test_bot ${text}`, { chat: GROUP, message: anonymous }));
      },
      spoof: (text) => {
        const looksLikeAnn = { from: { id: 666, is_bot: false, first_name: "Ann", username: "user101" } };
        said.push(telegram.say(`@micro_test_bot ${text}`, { chat: GROUP, message: looksLikeAnn }));
      },
      flood: (length) => void said.push(telegram.say(`@micro_test_bot ${"x".repeat(length)}`, { chat: GROUP })),
      press: (index) => void telegram.press(telegram.posts[0]?.buttons[index]?.text ?? "none"),
      marks: () => {
        const last = telegram.reactions.get(telegram.lastSaid());
        return last === undefined ? [] : [last];
      },
      failMark: () => telegram.fault("setMessageReaction", { times: 9, error: [400, "Bad Request: REACTION_INVALID"] }),
      deliverAgain: () => telegram.again(said.at(-1) ?? 0),
      noise: () => {
        const message = {
          message_id: 7,
          date: 1,
          chat: { id: 101, type: "private" },
          from: { id: 101, is_bot: false },
        };
        telegram.update({ edited_message: { ...message, edit_date: 2, text: "list services" } });
        telegram.update({ channel_post: { ...message, chat: { id: -5, type: "channel" }, text: "list services" } });
        telegram.update({ message: { ...message, new_chat_members: [bot] } });
        telegram.say("list services", { message: { from: { id: 9, is_bot: true, first_name: "Other" } } });
        telegram.say("list services", { message: { from: bot } });
        telegram.say("list services", { message: { via_bot: bot } });
        telegram.say("list services", { message: { forward_origin: { type: "user" } } });
        telegram.say("list services", { message: { edit_date: 2 } });
      },
      taken: () => said.filter((id) => telegram.taken.has(id)).length,
      redeliver: () => {},
      lose: telegram.cut,
      refuse: telegram.revoke,
      unreachable: () => telegram.fault("getMe", { reset: true }),
      failSend: (code) => {
        const faults = {
          invalid_argument: { error: [403, "Forbidden: bot was blocked by the user"] },
          exhausted: { retryAfter: 7 },
          unavailable: { reset: true },
        } as const;
        telegram.fault("sendMessage", faults[code]);
      },
      hold: () => {
        let release = () => {};
        const until = new Promise<void>((resolve) => {
          release = resolve;
        });
        telegram.fault("sendMessage", { times: 10, until });
        return release;
      },
      close: telegram.close,
      [Symbol.asyncDispose]: telegram.close,
    };
  },
});
