import type { API } from "@discordjs/core/http-only";
import { sharedAbort } from "../../core/abort.ts";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type CallOptions, type Closable, closable } from "../../core/lifecycle.ts";
import { discordError } from "./errors.ts";

export interface WebInit {
  readonly token: string;
  /** Default `https://discord.com/api`. */
  readonly apiUrl?: string | undefined;
}

/** Discord's HTTP API with our manners: a deadline and a signal for each call, no hidden retries or waiting, our errors. */
export interface Web extends Closable {
  /**
   * Default 10000 ms.
   *
   * @param doing what is tried, for the error
   * @throws MicroError `unauthenticated`, `exhausted` (`details.retryAfterMs`), `unavailable`, `invalid_argument`,
   * `timeout`, `cancelled`
   */
  call<T>(doing: string, work: (api: API, signal: AbortSignal) => Promise<T>, options?: CallOptions): Promise<T>;
}

const MOMENT_MS = 2000;

/** Loads the libraries, so that nobody else pays for them. */
export async function discordWeb(init: WebInit): Promise<Web> {
  const [{ REST }, { API }, undici] = await Promise.all([
    import("@discordjs/rest"),
    import("@discordjs/core/http-only"),
    import("undici"),
  ]);
  // The process-wide sockets stay open after we are closed; this agent's belong to us.
  const agent = new undici.Agent();
  const closing = sharedAbort();
  const rest = new REST({
    ...(init.apiUrl && { api: init.apiUrl }),
    // The bot tries again, in its own order; a queue that waits by itself would hold up the room.
    retries: 0,
    // Only a reaction is allowed a moment: Discord takes four in a second, and nobody tries one again.
    rejectOnRateLimit: ({ route, retryAfter, timeToReset }) =>
      !route.includes("/reactions/") || Math.max(retryAfter, timeToReset) > MOMENT_MS,
    makeRequest: async (url, { body, headers, method, signal }) => {
      // A form belongs to the fetch that made it, so it travels as bytes.
      const form = body instanceof FormData ? new Response(body) : undefined;
      return undici.fetch(url, {
        method: method ?? "GET",
        headers: { ...(headers as Record<string, string>), ...contentType(form) },
        body: form ? new Uint8Array(await form.arrayBuffer()) : ((body as string | null | undefined) ?? null),
        signal: signal ?? null,
        dispatcher: agent,
      });
    },
  });
  const api = new API(rest);

  return {
    call: async (doing, work, options = {}) => {
      using limit = deadline(options, 10_000, `discord: ${doing}`);
      limit.check();
      // The library forgets a token that was refused once.
      rest.setToken(init.token);
      try {
        return await orAbort(orAbort(work(api, limit.signal), limit.signal), closing.signal);
      } catch (error) {
        throw discordError(error, doing, init.token);
      }
    },
    ...closable(async () => {
      closing.abort(new MicroError("unavailable", "discord: the connection is closed"));
      rest.clearHashSweeper();
      rest.clearHandlerSweeper();
      await agent.destroy();
    }),
  };
}

function contentType(form: Response | undefined): Record<string, string> {
  const type = form?.headers.get("content-type");
  return type ? { "content-type": type } : {};
}
