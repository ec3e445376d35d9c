import { MicroError } from "../../core/errors.ts";

/**
 * The two tokens, trimmed, if they can be what they are given for. Says which is wrong and never shows one.
 *
 * @throws MicroError `invalid_argument`
 */
export function checkTokens(given: { readonly token?: string | undefined; readonly appToken?: string | undefined }): {
  readonly token: string;
  readonly appToken: string;
} {
  const token = given.token?.trim() ?? "";
  const appToken = given.appToken?.trim() ?? "";
  if (token === "") wrong("missing slack token: give --slack_token or MICRO_SLACK_TOKEN (xoxb-…)");
  if (token.startsWith("xapp-"))
    wrong("the slack token is an app-level token (xapp-…): it belongs into --slack_app_token or MICRO_SLACK_APP_TOKEN");
  if (!/^(xoxe\.)?xoxb-/.test(token))
    wrong("the slack token is not a bot token: give the Bot User OAuth Token (xoxb-…) of OAuth & Permissions");
  if (appToken === "") wrong("missing slack app token: give --slack_app_token or MICRO_SLACK_APP_TOKEN (xapp-…)");
  if (/^(xoxe\.)?xox/.test(appToken))
    wrong("the slack app token is a bot or user token (xox…): give the app-level token (xapp-…) of Basic Information");
  if (!appToken.startsWith("xapp-"))
    wrong("the slack app token is not an app-level token: give the one (xapp-…) of Basic Information");
  return { token, appToken };
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
