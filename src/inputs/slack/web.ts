import type { webApi } from "@slack/bolt";
import { sharedAbort } from "../../core/abort.ts";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type CallOptions, type Closable, closable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import { slackError, type TokenKind } from "./errors.ts";
import { slackFetch } from "./fetch.ts";
import { boltLogger } from "./logger.ts";

/** Slack's longest answers are lists of people, a thousand at a time. */
const ANSWER_BYTES = 16 * 2 ** 20;

export interface WebInit {
  readonly token: string;
  /** Kept out of whatever is said: this token, the other workspaces', the app's. */
  readonly secrets: readonly string[];
  /** Default Slack's own, `https://slack.com/api/`. */
  readonly apiUrl?: string | undefined;
}

/** Slack's Web API with our manners: a deadline and a signal for each call, no hidden retries, our errors. */
export interface Web extends Closable {
  /**
   * Default 10000 ms.
   *
   * @throws MicroError `unauthenticated`, `exhausted` (`details.retryAfterMs`), `unavailable`, `invalid_argument`,
   * `timeout`, `cancelled`
   */
  call<T>(doing: string, work: (client: webApi.WebClient) => Promise<T>, options?: CallOptions): Promise<T>;
  /** For the client that Bolt makes by itself, to ask for a socket; its calls end with the signal. */
  clientOptions(signal: AbortSignal): Omit<webApi.WebClientOptions, "logger" | "logLevel">;
  readonly logger: webApi.Logger;
  /** What a call of Slack's client threw, for people. */
  explain(thrown: unknown, doing: string, kind: TokenKind): MicroError;
}

interface Caller {
  readonly client: webApi.WebClient;
  /** Of the call that it is used for. */
  signal: AbortSignal;
}

/** Loads Bolt and undici, so that nobody else pays for them. */
export async function slackWeb(init: WebInit, log: Log): Promise<Web> {
  const [{ webApi, LogLevel }, undici] = await Promise.all([import("@slack/bolt"), import("undici")]);
  // The process-wide one keeps its sockets after we are closed; this one's belong to us.
  const agent = new undici.Agent({ maxResponseSize: ANSWER_BYTES });
  const closing = sharedAbort();
  const { secrets } = init;
  const logger = boltLogger(log, LogLevel.INFO, secrets);
  const explain: Web["explain"] = (thrown, doing, kind) => slackError(thrown, doing, kind, secrets);

  // The bot tries again, in its own order; a client that waits half an hour by itself would hold up the room.
  const optionsFor = (current: () => AbortSignal) => ({
    ...(init.apiUrl && { slackApiUrl: init.apiUrl }),
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    fetch: slackFetch(undici.request, agent, current),
  });

  // A client makes each of Slack's methods anew, which costs more than the call; so it is used again by the next, but not
  // before its own call has let go of it: until then its signal is that call's.
  const idle: Caller[] = [];
  const newCaller = (): Caller => {
    const caller: Caller = {
      signal: closing.signal,
      client: new webApi.WebClient(init.token, { ...optionsFor(() => caller.signal), logger }),
    };
    return caller;
  };

  return {
    call: async (doing, work, options = {}) => {
      using limit = deadline(options, 10_000, `slack ${doing}`);
      const caller = idle.pop() ?? newCaller();
      caller.signal = limit.signal;
      const working = work(caller.client).finally(() => idle.push(caller));
      try {
        return await orAbort(orAbort(working, limit.signal), closing.signal);
      } catch (error) {
        throw explain(error, doing, "bot");
      }
    },
    clientOptions: (signal) => optionsFor(() => signal),
    logger,
    explain,
    ...closable(async () => {
      closing.abort(new MicroError("unavailable", "slack: the connection is closed"));
      await agent.destroy();
    }),
  };
}
