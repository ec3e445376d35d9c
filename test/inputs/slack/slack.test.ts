import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { fakeSlack, type Said } from "../../fakes/slack.ts";
import { slackPeople } from "./chat-under-test.ts";

inputContract("slack", {
  create: async () => {
    const slack = await fakeSlack();
    const said: Said[] = [];
    return {
      input: slackInput({ ...slack, clientPingTimeoutMs: 300 })(),
      ...slackPeople(slack, said),
      deliverAgain: () => slack.sockets.duplicate(said.at(-1)?.eventIds[0] ?? ""),
      redeliver: slack.sockets.redeliver,
      lose: slack.sockets.cut,
      unreachable: () => slack.fault("apps.connections.open", { reset: true }),
    };
  },
});
