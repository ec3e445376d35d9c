import type { types } from "@slack/bolt";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { Web } from "./web.ts";

/** Where Slack's response addresses are; anything else in their stead would be somebody else's. */
const HOSTS: ReadonlySet<string> = new Set(["hooks.slack.com", "hooks.slack-gov.com"]);

/**
 * Answers a slash command or a press by the address that came with it, which works in channels that the bot is not in:
 * five times within half an hour (`chat.md §3`). Only who asked sees it, since nobody else invited the bot. Default
 * 15000 ms.
 *
 * @throws MicroError `invalid_argument` when Slack refuses it or the address is not Slack's, `exhausted`, `unavailable`,
 * `timeout`, `cancelled`
 */
export async function respond(
  web: Web,
  address: string,
  said: { readonly text: string; readonly blocks?: types.KnownBlock[]; readonly thread_ts?: string },
  options: CallOptions = {},
): Promise<void> {
  using limit = deadline({ timeoutMs: 15_000, ...options }, 15_000, "slack response_url");
  const { fetch, slackApiUrl } = web.clientOptions(limit.signal);
  if (fetch === undefined || !isSlacks(address, slackApiUrl)) {
    throw new MicroError("invalid_argument", "slack: the response_url is not an address of Slack's");
  }
  const body = {
    ...said,
    response_type: "ephemeral",
    replace_original: false,
    unfurl_links: false,
    unfurl_media: false,
  };
  const request = fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json; charset=utf-8" },
    body: JSON.stringify(body),
    redirect: "error",
  });
  const { status, retryAfter } = await orAbort(
    request.then(
      async (response) => {
        // Unread, it would keep its socket until it is collected.
        await response.text();
        return { status: response.status, retryAfter: Number(response.headers.get("retry-after")) || 1 };
      },
      (error: Error) => {
        // The address is a key to the channel, so it stays out of the words.
        throw new MicroError("unavailable", "slack cannot be reached at the response_url", { cause: error });
      },
    ),
    limit.signal,
  );
  if (status === 200) return;
  if (status === 429) {
    const details = { retryAfterMs: retryAfter * 1000 };
    throw new MicroError("exhausted", `slack is rate limiting answers: wait ${retryAfter} s`, { details });
  }
  if (status >= 500) throw new MicroError("unavailable", `slack answered the response_url with HTTP ${status}`);
  throw new MicroError("invalid_argument", `slack refused the response_url with HTTP ${status}: used up, or too old`);
}

/** The Web API's own origin counts too: where that is another, everything of Slack's is there. */
function isSlacks(address: string, apiUrl: string | undefined): boolean {
  if (!URL.canParse(address)) return false;
  const url = new URL(address);
  if (url.protocol === "https:" && HOSTS.has(url.hostname) && url.port === "") return true;
  return apiUrl !== undefined && url.origin === new URL(apiUrl).origin;
}
