import { type Clock, systemClock } from "../../core/clock.ts";
import { deadline } from "../../core/deadline.ts";
import { type Log, silent } from "../../core/log.ts";
import type { Input } from "../input.ts";
import type { OpenArrivals } from "./arrivals.ts";
import { slackConnection } from "./connection.ts";
import { type HttpLimits, openHttp } from "./http.ts";
import { createPace } from "./pace.ts";
import { type Growing, standsAt } from "./post.ts";
import { sockets } from "./sockets.ts";
import { checkApiUrl, checkSettings } from "./tokens.ts";
import { openWorkspaces } from "./workspaces.ts";

export interface SlackInit {
  /** Bot User OAuth Token, `xoxb-…`; for several workspaces one of each, with commas between them. */
  readonly token?: string | undefined;
  /** For a socket: app-level token with `connections:write`, `xapp-…`. */
  readonly appToken?: string | undefined;
  /** For HTTP: the app's signing secret. Slack then sends its requests to us. */
  readonly signingSecret?: string | undefined;
  /** Where to listen for them. Default `:3000`. */
  readonly address?: string | undefined;
  /** Default `/slack/events`. */
  readonly path?: string | undefined;
  /** Default `https://slack.com/api/`. */
  readonly apiUrl?: string | undefined;
  /** No pong from Slack for this long, and the link counts as lost. Default 5000 ms. */
  readonly clientPingTimeoutMs?: number | undefined;
  /** How long a request of Slack's waits for the bot. Default 2500 ms. */
  readonly answerMs?: number | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
}

/**
 * Slack, over Socket Mode, so that nothing needs to be reachable from outside, or over HTTP. Only translates;
 * `docs/slack.md` tells how to make the app and which scopes it uses.
 *
 * @throws MicroError `invalid_argument` for a token or secret that is missing or of the wrong kind, for both ways at
 * once, or an address without TLS
 */
export function slackInput(init: SlackInit): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Input {
  const { tokens, way, secrets } = checkSettings(init);
  const apiUrl = checkApiUrl(init.apiUrl);
  return ({ clock = systemClock, log = silent } = {}) => {
    // These belong to the input: a message goes on growing over the next link, and Slack's patience ends for both.
    const growing: Growing = new Map();
    const pace = createPace(clock);
    const proven = new Set<string>();
    return {
      name: "slack",
      // Clients are asked to stay under 4000 characters; fences and our own escapes want their share (chat.md §3).
      limits: { textLength: 3500, files: true, edits: true, buttons: true, pictures: true },
      // 50 changes a minute in a workspace, a message a second in a channel (chat.md §3).
      pace: { link: 50, room: 50 },
      replays: true,
      hides: true,
      // `T01/C02` where there are several workspaces.
      placeIn: (room) => {
        const [channel = room, team] = room.split("/").reverse();
        return { room: channel, channel, ...(team && { team }) };
      },
      // Slack opens the direct talk with who is named as the channel (docs.slack.dev, "chat.postMessage"), so no scope is needed for that.
      placeTo: (id) => {
        const [, team, user] = /^(?:(\w+)\/)?([UW]\w+)$/.exec(id) ?? [];
        return user === undefined ? undefined : { room: user, channel: user, ...(team && { team }) };
      },
      threadIn: (place, at) => {
        const { channel, ts } = standsAt(place["channel"] ?? "", at);
        return { ...place, channel, thread: place["thread"] ?? ts };
      },
      connect: async ({ timeoutMs, ...options } = {}) => {
        using limit = deadline(
          { ...options, ...(timeoutMs !== undefined && { timeoutMs }) },
          20_000,
          "slack: connecting",
        );
        const within = { signal: limit.signal };
        try {
          const workspaces = await openWorkspaces({ tokens, secrets, apiUrl }, proven, { clock, log }, within);
          const open: OpenArrivals =
            way.kind === "socket"
              ? sockets(workspaces.first.web, { ...init, ...way }, clock)
              : (onEnvelope) => openHttp({ ...init, ...way }, { clock, log }, onEnvelope);
          try {
            const told = { ...options, ...within };
            return await slackConnection({ workspaces, growing, pace, clock, log }, open, told);
          } catch (error) {
            await workspaces.close();
            throw error;
          }
        } catch (error) {
          limit.check();
          throw error;
        }
      },
    };
  };
}
