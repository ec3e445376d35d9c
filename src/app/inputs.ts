import type { HubotInit } from "../inputs/hubot/hubot.ts";
import type { Input } from "../inputs/input.ts";
import type { LocalInit } from "../inputs/local/local.ts";
import type { TerminalInit } from "../inputs/terminal/terminal.ts";
import type { Tools } from "./known.ts";
import { list, referring, type Settings, secret, text } from "./options.ts";

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
  discord_token: secret({ env: "MICRO_DISCORD_TOKEN", description: "bot token; a leading `Bot ` is allowed" }),
  discord_whitelist: list({
    env: "MICRO_DISCORD_WHITELIST",
    description: "numeric ids of the people who are heard; everybody if not given",
  }),
  discord_prefix: text({ env: "MICRO_DISCORD_PREFIX", description: "a word that speaks to the bot" }, "Micro "),
  telegram_token: secret({ env: "MICRO_TELEGRAM_TOKEN", description: "bot token of @BotFather, 123456:AA…" }),
  telegram_whitelist: list({
    env: "MICRO_TELEGRAM_WHITELIST",
    description: "numeric ids of the people who are heard; everybody if not given",
  }),
  telegram_api_url: text({ env: "MICRO_TELEGRAM_API_URL", description: "a Bot API server of your own" }, ""),
  xmpp_username: referring(
    text({ env: "MICRO_XMPP_USERNAME", description: "the bot's account, bot@chat.example.org" }, ""),
  ),
  xmpp_password: secret({ env: "MICRO_XMPP_PASSWORD", description: "its password" }),
  xmpp_rooms: list({ env: "MICRO_XMPP_ROOMS", description: "rooms to be in, ops@conference.example.org" }),
  xmpp_server: text(
    { env: "MICRO_XMPP_SERVER", description: "host:port of the server; what DNS says of the account if not given" },
    "",
  ),
  xmpp_ca: text(
    { env: "MICRO_XMPP_CA", description: "file of the authority that vouches for the server, if it is a private one" },
    "",
  ),
  xmpp_nick: text({ env: "MICRO_XMPP_NICK", description: "what the bot is called in rooms" }, "micro"),
  xmpp_domains: list({
    env: "MICRO_XMPP_DOMAINS",
    description: "domains beside the account's own whose people are no guests",
  }),
  hipchat_username: referring(text({ env: "MICRO_HIPCHAT_USERNAME", description: "the bot's account, 12345_678" }, "")),
  hipchat_password: secret({ env: "MICRO_HIPCHAT_PASSWORD", description: "its password" }),
  hipchat_server: text(
    { env: "MICRO_HIPCHAT_SERVER", description: "host or host:port; the account's, or chat.hipchat.com, if not given" },
    "",
  ),
  hipchat_conf: text(
    { env: "MICRO_HIPCHAT_CONF", description: "host of the rooms; chat.… with conf.… for it if not given" },
    "",
  ),
  hipchat_rooms: list({ env: "MICRO_HIPCHAT_ROOMS", description: "names of rooms to be in; all if not given" }),
  hipchat_token: secret({ env: "MICRO_HIPCHAT_TOKEN", description: "token for REST v2, if rooms are to be notified" }),
  hipchat_api: text({ env: "MICRO_HIPCHAT_API", description: "address of REST v2; the server's if not given" }, ""),
  hipchat_ca: text(
    {
      env: "MICRO_HIPCHAT_CA",
      description: "file of the authority that vouches for the server, if it is a private one",
    },
    "",
  ),
  chat_socket: text(
    {
      env: "MICRO_CHAT_SOCKET",
      description: "where `micro chat` finds the bot; chat.sock in the state folder if not given",
    },
    "",
  ),
  hubot_trusted: list({
    env: "MICRO_HUBOT_TRUSTED",
    description: "the adapters of hubot:… whose user ids their network guarantees; of the others everybody is a guest",
  }),
};

type InputSettings = Settings<typeof INPUT_OPTIONS>;

/** What an input may need of the program that it runs in. */
export interface Host {
  readonly terminal: TerminalInit;
  readonly local: Pick<LocalInit, "path" | "complete">;
  readonly hubot: Pick<HubotInit, "cwd" | "env">;
}

/**
 * Makes an input out of settings.
 *
 * @param rest what follows the `:` of its name
 * @throws MicroError `invalid_argument` for a setting that is missing or wrong
 */
type MakeInput = (settings: InputSettings, host: Host, tools: Tools, rest: string) => Promise<Input>;

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
  discord: async (settings, _host, tools) => {
    const { discordInput } = await import("../inputs/discord/discord.ts");
    return discordInput({
      token: settings.discord_token,
      whitelist: settings.discord_whitelist,
      prefix: settings.discord_prefix,
    })(tools);
  },
  telegram: async (settings, _host, tools) => {
    const { telegramInput } = await import("../inputs/telegram/telegram.ts");
    return telegramInput({
      token: settings.telegram_token,
      whitelist: settings.telegram_whitelist,
      apiUrl: settings.telegram_api_url,
    })(tools);
  },
  xmpp: async (settings, _host, tools) => {
    const { xmppInput } = await import("../inputs/xmpp/xmpp.ts");
    return xmppInput({
      username: settings.xmpp_username,
      password: settings.xmpp_password,
      rooms: settings.xmpp_rooms,
      server: settings.xmpp_server || undefined,
      ca: settings.xmpp_ca || undefined,
      nick: settings.xmpp_nick,
      domains: settings.xmpp_domains,
    })(tools);
  },
  hipchat: async (settings, _host, tools) => {
    const { hipchatInput } = await import("../inputs/hipchat/hipchat.ts");
    return hipchatInput({
      username: settings.hipchat_username,
      password: settings.hipchat_password,
      server: settings.hipchat_server || undefined,
      conf: settings.hipchat_conf || undefined,
      rooms: settings.hipchat_rooms,
      token: settings.hipchat_token,
      api: settings.hipchat_api || undefined,
      ca: settings.hipchat_ca || undefined,
    })(tools);
  },
  local: async (settings, host, tools) => {
    const { localInput } = await import("../inputs/local/local.ts");
    return localInput({ ...host.local, shared: settings.chat_socket !== "" })(tools);
  },
  "hubot:…": async (settings, host, tools, adapter) => {
    const { hubotInput } = await import("../inputs/hubot/hubot.ts");
    return hubotInput({ ...host.hubot, adapter, trusted: settings.hubot_trusted.includes(adapter) })(tools);
  },
} as const satisfies Record<string, MakeInput>;

/** The input that a name of `--inputs` asks for. */
export function makeInput(name: string, settings: InputSettings, host: Host, tools: Tools): Promise<Input> {
  const colon = name.indexOf(":");
  const known = colon === -1 ? name : `${name.slice(0, colon)}:…`;
  const make: MakeInput = INPUTS[known as keyof typeof INPUTS];
  return make(settings, host, tools, name.slice(colon + 1));
}
