import type { Input } from "../../../src/inputs/input.ts";
import { freePort } from "../../fakes/free-port.ts";
import { type FakeSlack, fakeSlack } from "../../fakes/slack.ts";
import { slackRequests } from "../../fakes/slack-http.ts";
import { slackAt } from "../places.ts";
import type { Scene } from "../proven.ts";
import type { Stage, StageRow } from "./stage.ts";

export const slackSocket: StageRow = {
  name: "slack",
  open: async (scene) => {
    const { slack, input } = await slackAt(scene);
    return onSlack(slack, input);
  },
};

export const slackHttp: StageRow = {
  name: "slack over HTTP",
  open: async ({ kit, later }: Scene) => {
    const port = await freePort();
    const requests = slackRequests({ port });
    later(requests.close);
    const slack = await fakeSlack({ deliveries: requests });
    later(slack.close);
    const { token, apiUrl } = slack;
    const address = `127.0.0.1:${port}`;
    return onSlack(slack, kit.slackInput({ token, signingSecret: requests.signingSecret, address, apiUrl })());
  },
};

function onSlack(slack: FakeSlack, input: Input): Stage {
  const ann = { name: "ann", real_name: "Ann", profile: { display_name: "Ann" } };
  slack.user("U1", ann);
  const as = (user: string, facts: object, team?: string) => {
    slack.user(user, facts);
    return (line: string) => void slack.say(`@micro ${line}`, { user, ...(team && { team }) });
  };
  const called = (name: string) => ({ name, real_name: name, profile: { display_name: name } });
  return {
    input,
    ann: "slack:T1/U1",
    say: (line) => void slack.say(`@micro ${line}`),
    others: {
      "another account": as("U2", {}),
      "another account under her name": as("U3", ann),
      "another account whose name is her id": as("U4", called("T1/U1")),
      "somebody called admin/x": as("U5", called("T1/U1/x")),
      "the same name on another host": as("U1x", ann, "T9"),
      "a foreign workspace": (line) => void slack.say(`@micro ${line}`, { user: "U1", team: "T9" }),
    },
    strangers: {
      "a guest account": as("U6", { is_restricted: true }),
      "a foreign account": as("U7", { team_id: "T9", is_stranger: true }, "T9"),
      "an account that was deleted": as("U8", { deleted: true }),
      "somebody whom nobody vouches for": (line) => void slack.say(`@micro ${line}`, { user: "U404" }),
    },
    changes: {
      "a nick of her own choice": () => slack.user("U1", called("admin/x")),
      "another name in the directory": () => slack.user("U1", { ...called("smith"), name: "smith" }),
    },
    deleted: () => slack.user("U1", { ...ann, deleted: true }),
  };
}
