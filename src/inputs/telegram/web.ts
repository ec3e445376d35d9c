import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Api } from "grammy";
import { sharedAbort } from "../../core/abort.ts";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type CallOptions, type Closable, closable } from "../../core/lifecycle.ts";
import { telegramError } from "./errors.ts";
import type { TelegramSettings } from "./settings.ts";

/** What grammY takes for a signal; ours is one, but its type knows no `AbortSignal` of Node's. */
export type Signal = Parameters<Api["getMe"]>[0];

/** Telegram's Bot API with our manners: a deadline and a signal for each call, our errors. */
export interface Web extends Closable {
  /**
   * Default 10000 ms.
   *
   * @param doing what is tried, for the error
   * @throws MicroError `unauthenticated`, `exhausted` (`details.retryAfterMs`), `unavailable`, `invalid_argument`,
   * `timeout`, `cancelled`
   */
  call<T>(doing: string, work: (api: Api, signal: Signal) => Promise<T>, options?: CallOptions): Promise<T>;
}

/** Loads grammY, so that nobody else pays for it. */
export async function telegramWeb({ token, apiUrl }: TelegramSettings): Promise<Web> {
  const { Api } = await import("grammy");
  // grammY's own agent stays open after we are closed; this one's sockets belong to us.
  const agent = apiUrl?.startsWith("http:") ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true });
  const closing = sharedAbort();
  const api = new Api(token, { ...(apiUrl && { apiRoot: apiUrl }), baseFetchConfig: { agent } });
  return {
    call: async (doing, work, options = {}) => {
      using limit = deadline(options, 10_000, `telegram: ${doing}`);
      limit.check();
      try {
        return await orAbort(orAbort(work(api, limit.signal as Signal), limit.signal), closing.signal);
      } catch (error) {
        throw telegramError(error, doing, token);
      }
    },
    ...closable(() => {
      closing.abort(new MicroError("unavailable", "telegram: the connection is closed"));
      agent.destroy();
    }),
  };
}
