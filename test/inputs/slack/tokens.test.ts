import { describe, expect, it } from "vitest";
import { slackInput } from "../../../src/inputs/slack/slack.ts";

const bot = "xoxb-1-2-planted";
const app = "xapp-1-A-2-planted";

describe("Slack's tokens", () => {
  it.each([
    ["nothing", {}, "missing slack token: give --slack_token or MICRO_SLACK_TOKEN (xoxb-…)"],
    [
      "a blank one",
      { token: "  ", appToken: app },
      "missing slack token: give --slack_token or MICRO_SLACK_TOKEN (xoxb-…)",
    ],
    [
      "no app token",
      { token: bot },
      "missing slack app token: give --slack_app_token or MICRO_SLACK_APP_TOKEN (xapp-…)",
    ],
    ["the two swapped", { token: app, appToken: bot }, "the slack token is an app-level token"],
    ["twice the bot token", { token: bot, appToken: bot }, "the slack app token is a bot or user token"],
    ["a user token", { token: "xoxp-planted", appToken: app }, "the slack token is not a bot token"],
    ["something else", { token: bot, appToken: "planted" }, "the slack app token is not an app-level token"],
  ])("%s", (_what, init, message) => {
    const make = () => slackInput(init);
    expect(make).toThrow(message);
    expect(make).not.toThrow("planted");
  });

  it("takes both as they come out of a file, with a line end", () => {
    expect(slackInput({ token: `${bot}\n`, appToken: ` ${app}` })().name).toBe("slack");
  });

  it.each(["http://slack.example/api/", "ftp://127.0.0.1/", "slack.com/api"])(
    "Weak transport (chat.md §6): does not send them to %s",
    (apiUrl) => {
      expect(() => slackInput({ token: bot, appToken: app, apiUrl })).toThrow("is no https address");
    },
  );
});
