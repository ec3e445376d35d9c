import { MicroError } from "../../core/errors.ts";

/** What grammY throws: a `GrammyError` is Telegram's word, an `HttpError` that there was none. */
interface BotApiError extends Error {
  readonly error_code?: number;
  readonly description?: string;
  readonly parameters?: { readonly retry_after?: number };
  /** Of an `HttpError`. Its words hold the address, and that the token. */
  readonly error?: { readonly code?: string; readonly message?: string };
}

/**
 * What went wrong between Telegram and us, for people.
 *
 * @param doing what was tried, for the message: "saying something"
 * @param token taken out of whatever the words contain
 */
export function telegramError(thrown: unknown, doing: string, token: string): MicroError {
  if (thrown instanceof MicroError) return thrown;
  const error = thrown as BotApiError;
  const clean = (text: unknown) => String(text).replaceAll(token, "***");
  const cause = new Error(clean(error.message));
  const words = clean(error.description ?? "");
  const options = { cause, details: { telegram: words } };
  switch (error.error_code) {
    case undefined: {
      const reason = clean(error.error?.code ?? error.error?.message ?? error.message);
      const why = Object.assign(cause, { code: error.error?.code });
      return new MicroError("unavailable", `telegram cannot be reached (${reason})`, { cause: why });
    }
    case 401:
    // A token that was never one is an address that does not exist.
    case 404:
      return new MicroError(
        "unauthenticated",
        `telegram refused the bot token (${words}): give the one that @BotFather tells with /mybots, API Token, as --telegram_token or MICRO_TELEGRAM_TOKEN`,
        options,
      );
    case 409:
      return new MicroError(
        "unavailable",
        `telegram gives this bot's messages to somebody else: ${rival(words)}`,
        options,
      );
    case 429: {
      const retryAfterMs = (error.parameters?.retry_after ?? 1) * 1000;
      const message = `telegram is rate limiting ${doing}: wait ${retryAfterMs} ms`;
      return new MicroError("exhausted", message, { cause, details: { retryAfterMs } });
    }
  }
  if ((error.error_code ?? 500) >= 500) {
    return new MicroError("unavailable", `telegram could not do ${doing} now (${error.error_code}: ${words})`, options);
  }
  return new MicroError("invalid_argument", `telegram refused ${doing}: ${words}`, options);
}

function rival(words: string): string {
  return /webhook/i.test(words)
    ? "a webhook is set for it, so ask https://api.telegram.org/bot<token>/deleteWebhook once"
    : "another program asks for them with the same token, so stop that one, or make a bot of its own for each";
}

/** The same error where a link is opened or kept: whatever will pass is `unavailable`. */
export function linkError(error: MicroError): MicroError {
  if (["unauthenticated", "cancelled", "unavailable"].includes(error.code)) return error;
  return new MicroError("unavailable", error.message, { cause: error, details: error.details });
}
