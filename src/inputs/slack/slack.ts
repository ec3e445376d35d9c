import { type Clock, systemClock } from "../../core/clock.ts";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type Log, silent } from "../../core/log.ts";
import type { Input } from "../input.ts";
import { slackConnection } from "./connection.ts";
import { linkError } from "./errors.ts";
import type { Self } from "./message.ts";
import type { Growing } from "./post.ts";
import { checkApiUrl, checkTokens } from "./tokens.ts";
import { slackWeb, type Web } from "./web.ts";

export interface SlackInit {
  /** Bot User OAuth Token, `xoxb-…`. */
  readonly token?: string | undefined;
  /** App-level token with `connections:write`, `xapp-…`. */
  readonly appToken?: string | undefined;
  /** Default `https://slack.com/api/`. */
  readonly apiUrl?: string | undefined;
  /** No pong from Slack for this long, and the link counts as lost. Default 5000 ms. */
  readonly clientPingTimeoutMs?: number | undefined;
}

/**
 * Slack over Socket Mode, so nothing needs to be reachable from outside. Only translates; `docs/slack.md` tells how to
 * make the app and which scopes it uses.
 *
 * @throws MicroError `invalid_argument` for a token that is missing or of the wrong kind, or an address without TLS
 */
export function slackInput(init: SlackInit): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Input {
  const tokens = checkTokens(init);
  const apiUrl = checkApiUrl(init.apiUrl);
  return ({ clock = systemClock, log = silent } = {}) => {
    // Belongs to the input, because a message goes on growing over the next link.
    const growing: Growing = new Map();
    return {
      name: "slack",
      // Clients are asked to stay under 4000 characters; fences and our own escapes want their share (chat.md §3).
      limits: { textLength: 3500, files: true, edits: true, buttons: false },
      replays: true,
      connect: async (options = {}) => {
        using limit = deadline(options, 20_000, "slack: connecting");
        const web = await slackWeb({ ...tokens, apiUrl }, log);
        try {
          const within = { signal: limit.signal };
          const self = await whoAmI(web, within);
          log.info({ team: self.team, user: self.user }, "slack: the bot token is good");
          return await slackConnection({ web, self, growing, clock, log }, { ...init, ...tokens }, within);
        } catch (error) {
          await web.close();
          limit.check();
          throw error;
        }
      },
    };
  };
}

/** @throws MicroError `unauthenticated`, `unavailable`, `timeout`, `cancelled` */
async function whoAmI(web: Web, options: { readonly signal: AbortSignal }): Promise<Self> {
  try {
    const { team_id: team, user_id: user } = await web.call("auth.test", (slack) => slack.auth.test(), options);
    if (team === undefined || user === undefined) {
      throw new MicroError("unauthenticated", "slack does not tell who the bot token belongs to: is it a bot token?");
    }
    return { team, user };
  } catch (error) {
    const known = MicroError.from(error, "unavailable");
    throw known.code === "timeout" ? known : linkError(known);
  }
}
