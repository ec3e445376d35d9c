import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { fakeSlack, type Said } from "../../fakes/slack.ts";

inputContract("slack", {
  create: async () => {
    const slack = await fakeSlack();
    const said: Said[] = [];
    return {
      input: slackInput({ ...slack, clientPingTimeoutMs: 300 })(),
      say: (text) => void said.push(slack.say(`@micro ${text}`)),
      heard: () =>
        slack.posts.map(({ channel, thread, text, file, live }) => ({
          text,
          where: `${channel}/${thread}`,
          file,
          live,
        })),
      sayElsewhere: (text) => void said.push(slack.say(text, { channel: "D1" })),
      overhear: (text) => void said.push(slack.say(text)),
      sayAsStranger: (text) => void said.push(slack.say(`@micro ${text}`, { user: "U9", team: "T9" })),
      deliverAgain: () => slack.sockets.duplicate(said.at(-1)?.eventIds[0] ?? ""),
      noise: () => {
        const first = said[0] as Said;
        slack.edit(first, "@micro list services, please");
        slack.remove(first);
        slack.botSays("@micro list services");
        slack.botSays("@micro list services", "bot_message");
        for (const subtype of ["channel_join", "channel_topic", "me_message", "message_replied"]) {
          slack.say("@micro list services", { event: { subtype } });
        }
        slack.say("@micro list services", { event: { hidden: true } });
        slack.say("@micro list services", { user: slack.botUser });
      },
      taken: () => said.filter(slack.acked).length,
      redeliver: slack.sockets.redeliver,
      lose: slack.sockets.cut,
      refuse: slack.revoke,
      unreachable: () => slack.fault("apps.connections.open", { reset: true }),
      failSend: (code) => {
        const faults = {
          invalid_argument: { error: "is_archived" },
          exhausted: { retryAfter: 7 },
          unavailable: { reset: true },
        } as const;
        slack.fault("chat.postMessage", faults[code]);
      },
      hold: () => {
        let release = () => {};
        const until = new Promise<void>((resolve) => {
          release = resolve;
        });
        slack.fault("chat.postMessage", { times: 10, until });
        return release;
      },
      close: slack.close,
      [Symbol.asyncDispose]: slack.close,
    };
  },
});
