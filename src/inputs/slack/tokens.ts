import { MicroError } from "../../core/errors.ts";

/** How people give what Slack needs; everything may come with spaces and line ends around it, out of a file. */
export interface GivenSettings {
  readonly token?: string | undefined;
  readonly appToken?: string | undefined;
  readonly signingSecret?: string | undefined;
  readonly address?: string | undefined;
  readonly path?: string | undefined;
}

/** What a connection is made with. */
export interface SlackSettings {
  /** One for each workspace. */
  readonly tokens: readonly string[];
  readonly way: SocketWay | HttpWay;
  /** Everything that must not be shown. */
  readonly secrets: readonly string[];
}

export interface SocketWay {
  readonly kind: "socket";
  readonly appToken: string;
}

export interface HttpWay {
  readonly kind: "http";
  readonly signingSecret: string;
  readonly address: { readonly host: string; readonly port: number };
  readonly path: string;
}

/**
 * The tokens and the way in, trimmed, if they can be what they are given for. Says which is wrong and never shows one.
 *
 * @throws MicroError `invalid_argument`
 */
export function checkSettings(given: GivenSettings): SlackSettings {
  const tokens = checkTokens(given.token ?? "");
  const way = checkWay(given);
  return { tokens, way, secrets: [...tokens, way.kind === "http" ? way.signingSecret : way.appToken] };
}

function checkTokens(given: string): readonly string[] {
  const tokens = given
    .split(",")
    .map((token) => token.trim())
    .filter((token) => token !== "");
  if (tokens.length === 0) wrong("missing slack token: give --slack_token or MICRO_SLACK_TOKEN (xoxb-…)");
  for (const token of tokens) {
    if (token.startsWith("xapp-"))
      wrong(
        "the slack token is an app-level token (xapp-…): it belongs into --slack_app_token or MICRO_SLACK_APP_TOKEN",
      );
    // What a header cannot carry (a copied "…") would look like a Slack that cannot be reached.
    if (!/^(xoxe\.)?xoxb-[!-~]+$/.test(token))
      wrong("the slack token is not a bot token: give the Bot User OAuth Token (xoxb-…) of OAuth & Permissions");
  }
  if (new Set(tokens).size < tokens.length) wrong("a slack token is given twice: give one for each workspace");
  return tokens;
}

function checkWay(given: GivenSettings): SocketWay | HttpWay {
  const appToken = given.appToken?.trim() ?? "";
  const signingSecret = given.signingSecret?.trim() ?? "";
  const address = given.address?.trim() ?? "";
  if (appToken !== "" && (signingSecret !== "" || address !== ""))
    wrong(
      "slack can come over a socket or over HTTP, not both: give --slack_app_token (MICRO_SLACK_APP_TOKEN) or --slack_signing_secret (MICRO_SLACK_SIGNING_SECRET) with --slack_address",
    );
  if (signingSecret !== "") return { kind: "http", signingSecret: checkSecret(signingSecret), ...whereTo(given) };
  // Without a secret everybody could speak in everybody's name, so there is no way to listen without one (`chat.md §6`).
  if (address !== "" || (appToken === "" && given.signingSecret !== undefined))
    wrong(
      "missing slack signing secret: give --slack_signing_secret or MICRO_SLACK_SIGNING_SECRET (Basic Information); without it nothing proves that a request is Slack's",
    );
  if (appToken === "")
    wrong(
      "missing slack app token: give --slack_app_token or MICRO_SLACK_APP_TOKEN (xapp-…), or for HTTP --slack_signing_secret",
    );
  if (/^(xoxe\.)?xox/.test(appToken))
    wrong("the slack app token is a bot or user token (xox…): give the app-level token (xapp-…) of Basic Information");
  if (!/^xapp-[!-~]+$/.test(appToken))
    wrong("the slack app token is not an app-level token: give the one (xapp-…) of Basic Information");
  return { kind: "socket", appToken };
}

function checkSecret(secret: string): string {
  if (/^(xox|xapp-)/.test(secret))
    wrong("the slack signing secret is a token: give the Signing Secret of Basic Information, App Credentials");
  return secret;
}

function whereTo({ address, path }: GivenSettings): Pick<HttpWay, "address" | "path"> {
  const said = address?.trim() || ":3000";
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(said);
  if (match === null || Number(match[3]) > 65_535)
    wrong(`"${said}" is no address for --slack_address: write host:port or :port`);
  const at = path?.trim() || "/slack/events";
  if (!/^\/[^?#\s]*$/.test(at)) wrong(`"${at}" is no path for --slack_path: write one like /slack/events`);
  return { address: { host: match[1] ?? match[2] ?? "", port: Number(match[3]) }, path: at };
}

function wrong(message: string): never {
  throw new MicroError("invalid_argument", message);
}

/**
 * The address of the Web API, if the tokens may travel there: encrypted, or not leaving this machine.
 *
 * @throws MicroError `invalid_argument`
 */
export function checkApiUrl(apiUrl: string | undefined): string | undefined {
  if (apiUrl === undefined) return undefined;
  const url = URL.canParse(apiUrl) ? new URL(apiUrl) : undefined;
  const local = url !== undefined && /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && local)) return apiUrl;
  wrong(`slack: ${apiUrl} is no https address, and the tokens would travel for everybody to read`);
}
