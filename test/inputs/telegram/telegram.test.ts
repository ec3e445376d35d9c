import { telegramInput } from "../../../src/inputs/telegram/telegram.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { fakeTelegram, GROUP } from "../../fakes/telegram.ts";

inputContract("telegram", {
  create: async () => {
    const telegram = await fakeTelegram();
    const said: number[] = [];
    const bot = { id: telegram.bot.id, is_bot: true, first_name: "Micro" };
    return {
      input: telegramInput({ ...telegram, pollMs: 1000 })(),
      say: (text) => void said.push(telegram.say(text)),
      heard: () =>
        telegram.posts.map(({ chat, text, file, live }) => ({ text, where: String(chat), file, live })),
      sayElsewhere: (text) => void said.push(telegram.say(`@micro_test_bot ${text}`, { chat: GROUP })),
      overhear: (text) => void said.push(telegram.say(text, { chat: GROUP })),
      sayAsStranger: (text) => {
        const anonymous = { from: { id: 1087968824, is_bot: true }, sender_chat: { id: GROUP, title: "Group" } };
        said.push(telegram.say(`/list@micro_test_bot ${text}`, { chat: GROUP, message: anonymous }));
      },
      deliverAgain: () => telegram.again(said.at(-1) ?? 0),
      noise: () => {
        const message = { message_id: 7, date: 1, chat: { id: 101, type: "private" }, from: { id: 101, is_bot: false } };
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
