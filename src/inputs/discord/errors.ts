import { MicroError, type MicroErrorOptions } from "../../core/errors.ts";

/** What `@discordjs/rest` throws, told apart by `name`: `DiscordAPIError[50013]`, `HTTPError`, `RateLimitError[…]`. */
interface RestError extends Error {
  readonly code?: string | number;
  readonly status?: number;
  /** Milliseconds, of a RateLimitError. */
  readonly retryAfter?: number;
  readonly timeToReset?: number;
  readonly cause?: { readonly code?: string; readonly message?: string };
}

/**
 * What went wrong between Discord and us, for people.
 *
 * @param doing what was tried, for the message: "saying something"
 * @param token taken out of whatever the words contain
 */
export function discordError(thrown: unknown, doing: string, token: string): MicroError {
  if (thrown instanceof MicroError) return thrown;
  const error = thrown as RestError;
  const clean = (text: unknown) => String(text).replaceAll(token, "***");
  const cause = new Error(clean(error.message));
  if (error.name.startsWith("RateLimitError")) {
    const retryAfterMs = Math.ceil(Math.max(error.retryAfter ?? 0, error.timeToReset ?? 0, 100));
    const message = `discord is rate limiting ${doing}: wait ${retryAfterMs} ms`;
    return new MicroError("exhausted", message, { cause, details: { retryAfterMs } });
  }
  if (error.name.startsWith("DiscordAPIError")) {
    return refused(error, clean(error.message), doing, { cause, details: { discord: error.code } });
  }
  if (error.status !== undefined) {
    return new MicroError("unavailable", `discord answered ${doing} with HTTP ${error.status}`, { cause });
  }
  const reason = clean(error.cause?.code ?? error.cause?.message ?? error.message);
  return new MicroError("unavailable", `discord cannot be reached (${reason})`, { cause });
}

/** Codes are of docs.discord.com, "JSON Error Codes". */
function refused(error: RestError, words: string, doing: string, options: MicroErrorOptions): MicroError {
  if (error.status === 401) {
    const remedy = "give the one of Bot, Reset Token at discord.com/developers/applications as --discord_token";
    return new MicroError("unauthenticated", `discord refused the bot token (${words}): ${remedy}`, options);
  }
  const hint = error.code === 50001 || error.code === 50013 ? `; ${PERMISSIONS}` : "";
  return new MicroError("invalid_argument", `discord refused ${doing}: ${words} (${error.code})${hint}`, options);
}

const PERMISSIONS =
  "give the bot's role View Channel, Send Messages, Send Messages in Threads, Attach Files and Read Message History there";

/** The same error where a link is opened or kept: whatever will pass is `unavailable`. */
export function linkError(error: MicroError): MicroError {
  if (["unauthenticated", "cancelled", "unavailable", "timeout"].includes(error.code)) return error;
  return new MicroError("unavailable", error.message, { cause: error, details: error.details });
}

const SWITCH =
  "switch Message Content Intent on under Bot, Privileged Gateway Intents at discord.com/developers/applications";

/** Why the gateway will not have us until somebody changes something (docs.discord.com, "Gateway Close Event Codes"). */
const FATAL: Readonly<Record<number, string>> = {
  4004: "discord refused the bot token: give the one of Bot, Reset Token at discord.com/developers/applications as --discord_token",
  4010: "discord refused the shard that this bot asked for, which should not happen: please report it",
  4011: "this bot is in more servers than one connection serves (sharding is required), which Micro Bot does not do",
  4012: "discord no longer speaks the version of its gateway that this bot knows: update Micro Bot",
  4013: "discord does not know the intents that this bot asks for: update Micro Bot",
  4014: `discord does not let this bot read messages: ${SWITCH}`,
};

/** What a close code of the gateway means; `undefined` when the link may yet be taken up again. */
export function fatalClose(code: number): MicroError | undefined {
  const message = FATAL[code];
  return message === undefined ? undefined : new MicroError("unauthenticated", message, { details: { close: code } });
}
