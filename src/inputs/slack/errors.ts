import { MicroError } from "../../core/errors.ts";
import { redact } from "./logger.ts";

/** Slack's words for a token that will not do until somebody changes something (docs.slack.dev, "chat.postMessage"). */
const REFUSED: ReadonlySet<string> = new Set([
  "not_authed",
  "invalid_auth",
  "account_inactive",
  "token_revoked",
  "token_expired",
  "no_permission",
  "org_login_required",
  "ekm_access_denied",
  "missing_scope",
  "not_allowed_token_type",
  "access_denied",
  "team_access_not_granted",
  "user_removed_from_team",
  "team_disabled",
]);

/** Slack's words for "not now". */
const LATER: ReadonlySet<string> = new Set([
  "fatal_error",
  "internal_error",
  "service_unavailable",
  "request_timeout",
  "team_added_to_org",
]);

const BUSY: ReadonlySet<string> = new Set(["ratelimited", "rate_limited", "message_limit_exceeded"]);

export type TokenKind = "bot" | "app-level";

/** What Slack's Web API client throws, told apart by `code` (`@slack/web-api` ErrorCode). */
interface WebApiError extends Error {
  readonly code?: string;
  readonly data?: { readonly error?: string; readonly needed?: string };
  readonly retryAfter?: number;
  readonly statusCode?: number;
  readonly original?: Error & { readonly cause?: { readonly code?: string } };
}

/**
 * What went wrong between Slack and us, for people.
 *
 * @param doing `chat.postMessage`, for the message
 * @param kind the token that was used, so that the message tells which one to look at
 * @param secrets taken out of whatever Slack's words contain
 */
export function slackError(thrown: unknown, doing: string, kind: TokenKind, secrets: readonly string[]): MicroError {
  if (thrown instanceof MicroError) return thrown;
  const error = thrown as WebApiError;
  const options = { cause: quiet(error, secrets) };
  switch (error.code) {
    case "slack_webapi_platform_error":
      return refused(redact(error.data?.error ?? "unknown_error", secrets), doing, kind, error, options.cause);
    case "slack_webapi_rate_limited_error":
      return new MicroError("exhausted", `slack is rate limiting ${doing}: wait ${error.retryAfter ?? 1} s`, {
        ...options,
        details: { retryAfterMs: (error.retryAfter ?? 1) * 1000 },
      });
    case "slack_webapi_http_error":
      return new MicroError("unavailable", `slack answered ${doing} with HTTP ${error.statusCode}`, options);
    case "slack_webapi_request_error": {
      const reason = error.original?.cause?.code ?? error.original?.message ?? error.message;
      return new MicroError("unavailable", `slack cannot be reached (${redact(reason, secrets)})`, options);
    }
    default:
      return new MicroError(
        "unavailable",
        `slack: ${doing} failed: ${redact(String(error.message), secrets)}`,
        options,
      );
  }
}

/** The same error where a link is opened or kept: whatever will pass is `unavailable`. */
export function linkError(error: MicroError): MicroError {
  if (error.code === "unauthenticated" || error.code === "cancelled" || error.code === "unavailable") return error;
  return new MicroError("unavailable", error.message, { cause: error, details: error.details });
}

/** The error for our log, without the fields of Slack's client: those hold headers and whatever Slack said back. */
function quiet(error: WebApiError, secrets: readonly string[]): Error {
  const copy = new Error(redact(String(error.message), secrets));
  copy.stack = redact(String(error.stack), secrets);
  return copy;
}

function refused(word: string, doing: string, kind: TokenKind, error: WebApiError, cause: Error): MicroError {
  const options = { cause, details: { slack: word } };
  if (BUSY.has(word)) {
    const details = { slack: word, retryAfterMs: 1000 };
    return new MicroError("exhausted", `slack is rate limiting ${doing} (${word})`, { cause, details });
  }
  if (LATER.has(word)) return new MicroError("unavailable", `slack could not do ${doing} now (${word})`, options);
  if (!REFUSED.has(word)) return new MicroError("invalid_argument", `slack refused ${doing}: ${word}`, options);
  return new MicroError(
    "unauthenticated",
    `slack refused the ${kind} token (${word}): ${remedy(word, kind, error)}`,
    options,
  );
}

function remedy(word: string, kind: TokenKind, error: WebApiError): string {
  if (word === "missing_scope") {
    const scope = error.data?.needed ?? "that docs/slack.md lists";
    return kind === "bot"
      ? `add the scope ${scope} under OAuth & Permissions and install the app again`
      : `make a token with the scope ${scope} under Basic Information, App-Level Tokens`;
  }
  return kind === "bot"
    ? "give the Bot User OAuth Token (xoxb-…) of an installed app as --slack_token or MICRO_SLACK_TOKEN"
    : "give an app-level token (xapp-…) with connections:write as --slack_app_token or MICRO_SLACK_APP_TOKEN";
}
