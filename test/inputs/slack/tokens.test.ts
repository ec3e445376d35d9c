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
    ["what stands in the documentation", { token: "xoxb-…", appToken: app }, "the slack token is not a bot token"],
    ["the same of the app", { token: bot, appToken: "xapp-…" }, "the slack app token is not an app-level token"],
    ["something else", { token: bot, appToken: "planted" }, "the slack app token is not an app-level token"],
  ])("%s", (_what, init, message) => {
    const make = () => slackInput(init);
    expect(make).toThrow(message);
    expect(make).not.toThrow("planted");
  });

  it("several bot tokens stand between commas, spaces and line ends", () => {
    expect(slackInput({ token: ` ${bot}, xoxb-other ,\n`, appToken: app })().name).toBe("slack");
    const wrong = [`${bot},xoxp-planted`, `${bot},${app}`, `${bot},${bot}`, ","];
    for (const token of wrong) expect(() => slackInput({ token, appToken: app }), token).toThrow("slack token");
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

describe("Slack's signing secret", () => {
  const secret = "8f742231b10e8888abcd99yyyzzz85a5-planted";
  const token = bot;

  it.each([
    ["an address without a secret", { address: ":3000" }],
    ["a blank secret", { signingSecret: "" }],
    ["a secret of spaces", { signingSecret: "  \n" }],
    ["a blank secret and an address", { signingSecret: " ", address: ":3000" }],
  ])("Slack HTTP endpoint unsigned (chat.md §6), empty secret: %s refuses to start", (_what, init) => {
    expect(() => slackInput({ token, ...init })).toThrow("missing slack signing secret");
  });

  it.each([
    ["both secrets", { appToken: app, signingSecret: secret }],
    ["an app token and an address", { appToken: app, address: ":3000" }],
  ])("%s: it is a socket or HTTP, not both", (_what, init) => {
    const make = () => slackInput({ token, ...init });
    expect(make).toThrow("not both");
    expect(make).not.toThrow("planted");
  });

  it.each(["xoxb-planted", "xapp-planted"])("a token is none: %s", (signingSecret) => {
    expect(() => slackInput({ token, signingSecret })).toThrow("the slack signing secret is a token");
  });

  it.each(["3000", "host", "host:", "host:port", ":70000", "http://host:3000", "a:b:1"])(
    "%s is no address",
    (address) => {
      expect(() => slackInput({ token, signingSecret: secret, address })).toThrow("is no address for --slack_address");
    },
  );

  it.each([undefined, "", ":3000", "127.0.0.1:3000", "[::1]:3000", "localhost:0"])("%s is one", (address) => {
    expect(slackInput({ token, signingSecret: secret, address })().name).toBe("slack");
  });

  it.each(["slack", "/a?b", "/a b", "https://a/b"])("%s is no path", (path) => {
    expect(() => slackInput({ token, signingSecret: secret, path })).toThrow("is no path for --slack_path");
  });
});
