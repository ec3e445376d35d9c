import { MicroError } from "../../core/errors.ts";

/** What the 2019 bot's options say (`toolkit.md §3.2`), but for the whitelist, which took names. */
export interface TelegramSettings {
  readonly token: string;
  /** Ids of those who are heard; empty: everybody. */
  readonly whitelist: ReadonlySet<string>;
  /** Without a slash at the end; `undefined`: Telegram's own. */
  readonly apiUrl: string | undefined;
}

/**
 * Checks what was given. Says what is wrong and never shows the token.
 *
 * @throws MicroError `invalid_argument`
 */
export function checkSettings(given: {
  readonly token?: string | undefined;
  readonly whitelist?: readonly string[] | undefined;
  readonly apiUrl?: string | undefined;
}): TelegramSettings {
  const token = given.token?.trim() ?? "";
  if (token === "") wrong("missing telegram token: give --telegram_token or MICRO_TELEGRAM_TOKEN (123456:AA…)");
  if (!/^\d+:[\w-]+$/.test(token))
    wrong("the telegram token is not one: it looks like 123456:AA…, and @BotFather tells it with /mybots, API Token");
  return { token, whitelist: new Set((given.whitelist ?? []).map(userId)), apiUrl: checkApiUrl(given.apiUrl) };
}

/** The original took names, which can be given up and taken by somebody else; an id cannot (`chat.md §1`, defect 6). */
function userId(text: string): string {
  if (/^[1-9]\d{0,15}$/.test(text)) return text;
  wrong(
    `--telegram_whitelist takes the numeric ids of people, and "${text}" is none: a user name can be given up and registered again by somebody else, who would then be let in. The bot tells their id to those whom it does not know: start it with --telegram_whitelist=1 and write to it`,
  );
}

/** The address of a Bot API server, if the token may travel there: encrypted, or not leaving this machine. */
function checkApiUrl(apiUrl: string | undefined): string | undefined {
  if (apiUrl === undefined || apiUrl === "") return undefined;
  const url = URL.canParse(apiUrl) ? new URL(apiUrl) : undefined;
  const local = url !== undefined && /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && local)) return apiUrl.replace(/\/+$/, "");
  wrong(`telegram: ${apiUrl} is no https address, and the token would travel for everybody to read`);
}

function wrong(message: string): never {
  throw new MicroError("invalid_argument", message);
}
