import { hubotInput } from "../../../src/inputs/hubot/hubot.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { heard, hubotChat, liveIn } from "../../fakes/hubot-chat.ts";
import { WITHOUT } from "./without.ts";

inputContract("hubot, an adapter of ours", {
  without: WITHOUT,
  create: async () => {
    const chat = await hubotChat();
    return {
      input: hubotInput({ ...chat.init, trusted: true })(),
      say: (text) => chat.say(`@micro ${text}`),
      heard: () => chat.posts.map(heard),
      alive: (raw) => liveIn(raw),
      sayElsewhere: (text) => chat.say(`micro, ${text}`, { room: "attic", thread: "t1" }),
      sayDirect: (text) => chat.say(text, { room: null }),
      spoof: (text) => chat.say(`@micro ${text}`, { user: { id: "U6", name: "ann" } }),
      flood: (size) => chat.say("x".repeat(size)),
      overhear: (text) => chat.say(text),
      sayAsStranger: (text) => chat.say(`micro: ${text}`, { user: { id: "U9", is_restricted: true } }),
      deliverAgain: chat.again,
      noise: () => {
        for (const kind of ["enter", "leave", "topic", "catchAll"] as const) chat.say("@micro list services", { kind });
        chat.say("@micro list services", { user: { id: "BOT", name: "somebody" } });
        chat.say("@micro list services", { user: { id: "U7", name: "Micro" } });
        chat.say("@micro list services", { user: { id: "U8", is_bot: true } });
      },
      lose: chat.cut,
      refuse: chat.revoke,
      unreachable: chat.leave,
      failSend: (code) => {
        const faults = {
          invalid_argument: { message: "is_archived", quietly: true },
          exhausted: { message: "slow down", status: 429, retryAfter: 7 },
          unavailable: { message: "connect ECONNREFUSED", code: "ECONNREFUSED" },
        } as const;
        chat.fault(faults[code]);
      },
      hold: chat.hold,
      close: chat.close,
      [Symbol.asyncDispose]: chat.close,
    };
  },
});
