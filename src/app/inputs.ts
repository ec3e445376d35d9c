import type { Input } from "../inputs/input.ts";
import type { LocalInit } from "../inputs/local/local.ts";
import type { TerminalInit } from "../inputs/terminal/terminal.ts";
import type { Tools } from "./known.ts";
import { type Settings, secret, text } from "./options.ts";

/** Options of the inputs, each under the name of its own. */
export const INPUT_OPTIONS = {
  slack_token: secret({ env: "MICRO_SLACK_TOKEN", description: "bot token, xoxb-…; several workspaces: with commas" }),
  slack_app_token: secret({ env: "MICRO_SLACK_APP_TOKEN", description: "app-level token, xapp-…" }),
  slack_signing_secret: secret({
    env: "MICRO_SLACK_SIGNING_SECRET",
    description: "instead of slack_app_token: Slack sends signed requests to slack_address",
  }),
  slack_address: text({ env: "MICRO_SLACK_ADDRESS", description: "where to listen for them; :3000 if not given" }, ""),
  slack_path: text({ env: "MICRO_SLACK_PATH", description: "the path of Slack's requests" }, "/slack/events"),
  slack_api_url: text({ env: "MICRO_SLACK_API_URL", description: "Slack's Web API elsewhere: GovSlack, a proxy" }, ""),
  chat_socket: text(
    {
      env: "MICRO_CHAT_SOCKET",
      description: "where `micro chat` finds the bot; chat.sock in the state folder if not given",
    },
    "",
  ),
};

type InputSettings = Settings<typeof INPUT_OPTIONS>;

/** What an input may need of the program that it runs in. */
export interface Host {
  readonly terminal: TerminalInit;
  readonly local: Pick<LocalInit, "path" | "complete">;
}

/** Makes an input out of settings. @throws MicroError `invalid_argument` for a setting that is missing or wrong */
type MakeInput = (settings: InputSettings, host: Host, tools: Tools) => Promise<Input>;

/** Chat networks, by the name that `--inputs` knows. Each is loaded when it is chosen. */
export const INPUTS = {
  terminal: async (_settings, host, tools) => {
    const { terminalInput } = await import("../inputs/terminal/terminal.ts");
    return terminalInput(host.terminal)(tools);
  },
  slack: async (settings, _host, tools) => {
    const { slackInput } = await import("../inputs/slack/slack.ts");
    return slackInput({
      token: settings.slack_token,
      appToken: settings.slack_app_token,
      signingSecret: settings.slack_signing_secret,
      address: settings.slack_address,
      path: settings.slack_path,
      apiUrl: settings.slack_api_url || undefined,
    })(tools);
  },
  local: async (settings, host, tools) => {
    const { localInput } = await import("../inputs/local/local.ts");
    return localInput({ ...host.local, shared: settings.chat_socket !== "" })(tools);
  },
} as const satisfies Record<string, MakeInput>;
