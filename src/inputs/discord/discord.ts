import { type Clock, systemClock } from "../../core/clock.ts";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type Log, silent } from "../../core/log.ts";
import type { Input } from "../input.ts";
import { createTold } from "../told.ts";
import { discordConnection } from "./connection.ts";
import { linkError } from "./errors.ts";
import type { Marks } from "./mark.ts";
import { type Kept, placed } from "./post.ts";
import { checkSettings } from "./settings.ts";
import { discordWeb } from "./web.ts";

export interface DiscordInit {
  /** The bot's token; a leading `Bot ` is allowed. */
  readonly token?: string | undefined;
  /** Ids of those who are heard. Default: everybody. */
  readonly whitelist?: readonly string[] | undefined;
  /** A word at the beginning that speaks to the bot, as a mention does. Default `Micro `. */
  readonly prefix?: string | undefined;
  /** Default `https://discord.com/api`. */
  readonly apiUrl?: string | undefined;
  /** How long Discord's library may try to take up a broken session before the link counts as lost. Default 10000 ms. */
  readonly lostMs?: number | undefined;
  /** How long nothing may be heard, not even an answer to a heartbeat. Default 90000 ms. */
  readonly quietMs?: number | undefined;
}

/**
 * Discord over its gateway, so nothing needs to be reachable from outside. Only translates; `docs/discord.md` tells how to
 * make the bot and which switch it wants.
 *
 * @throws MicroError `invalid_argument` for a token that is missing or none, or a whitelist of names
 */
export function discordInput(init: DiscordInit): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Input {
  const settings = checkSettings(init);
  return ({ clock = systemClock, log = silent } = {}) => {
    // These belong to the input, because what they know holds over the next link.
    const kept: Kept = { growing: new Map(), presses: new Map(), directs: new Map(), threads: new Map() };
    const marks: Marks = new Map();
    const told = createTold(clock);
    return {
      name: "discord",
      // Discord takes 2000 characters, of which fences and our own escapes want their share (docs.discord.com, "Create Message").
      limits: { textLength: 1800, files: true, edits: true, buttons: true, pictures: true },
      // 50 requests a second, 5 messages in 5 s in a channel (docs.discord.com, "Rate Limits").
      pace: { link: 600, room: 50 },
      // The gateway tells nothing again to a bot that was restarted, but the same to each of several replicas.
      replays: true,
      placeIn: (room) => ({ room, channel: room }),
      placeTo: (id) => (/^\d+$/.test(id) ? { room: `@${id}`, person: id } : undefined),
      threadIn: (place, at) => {
        const { channel, message } = placed(at) ?? {};
        return channel === undefined || message === undefined ? place : { room: place.room, channel, under: message };
      },
      connect: async ({ timeoutMs, ...options } = {}) => {
        using limit = deadline(
          { ...options, ...(timeoutMs !== undefined && { timeoutMs }) },
          20_000,
          "discord: connecting",
        );
        limit.check();
        const web = await discordWeb({ token: settings.token, apiUrl: init.apiUrl });
        try {
          const within = { ...options, signal: limit.signal };
          const link = await discordConnection({ web, settings, kept, marks, told, log }, init, within);
          if (settings.whitelist.size === 0) {
            log.warn({}, "discord: everybody who can write to this bot is heard; --discord_whitelist names who is");
          }
          return link;
        } catch (error) {
          await web.close();
          limit.check();
          throw linkError(MicroError.from(error, "unavailable"));
        }
      },
    };
  };
}
