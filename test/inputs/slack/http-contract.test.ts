import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { freePort } from "../../fakes/free-port.ts";
import { fakeSlack, type Said } from "../../fakes/slack.ts";
import { slackRequests } from "../../fakes/slack-http.ts";

inputContract("slack over http", {
  without: { lose: "there is no link to lose: Slack calls us" },
  create: async () => {
    const port = await freePort();
    const requests = slackRequests({ port });
    const slack = await fakeSlack({ deliveries: requests });
    const said: Said[] = [];
    const close = async () => {
      requests.close();
      await slack.close();
    };
    return {
      input: slackInput({
        token: slack.token,
        signingSecret: requests.signingSecret,
        address: `127.0.0.1:${port}`,
        apiUrl: slack.apiUrl,
      })(),
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
      deliverAgain: () => requests.duplicate(said.at(-1)?.eventIds[0] ?? ""),
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
      redeliver: requests.redeliver,
      refuse: slack.revoke,
      unreachable: () => slack.fault("auth.test", { reset: true }),
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
      close,
      [Symbol.asyncDispose]: close,
    };
  },
});
