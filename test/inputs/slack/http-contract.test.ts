import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { freePort } from "../../fakes/free-port.ts";
import { fakeSlack, type Said } from "../../fakes/slack.ts";
import { slackRequests } from "../../fakes/slack-http.ts";
import { slackPeople } from "./chat-under-test.ts";

inputContract("slack over http", {
  without: {
    lose: "there is no link to lose: Slack calls us",
  },
  create: async () => {
    const port = await freePort();
    const requests = slackRequests({ port });
    let handed = 0;
    const slack = await fakeSlack({
      deliveries: requests,
      hand: (type, payload) => {
        void (type === "interactive" ? requests.press(payload) : requests.command(payload as Record<string, string>));
        handed += 1;
        return `handed ${handed}`;
      },
    });
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
      ...slackPeople(slack, said),
      deliverAgain: () => requests.duplicate(said.at(-1)?.eventIds[0] ?? ""),
      redeliver: requests.redeliver,
      unreachable: () => slack.fault("auth.test", { reset: true }),
      close,
      [Symbol.asyncDispose]: close,
    };
  },
});
