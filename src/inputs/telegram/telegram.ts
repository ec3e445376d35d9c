import { type Clock, systemClock } from "../../core/clock.ts";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type Log, silent } from "../../core/log.ts";
import type { Input } from "../input.ts";
import { createTold } from "../told.ts";
import { telegramConnection } from "./connection.ts";
import { linkError } from "./errors.ts";
import type { Growing } from "./post.ts";
import { checkSettings } from "./settings.ts";
import { telegramWeb } from "./web.ts";

export interface TelegramInit {
  /** `123456:AA…` */
  readonly token?: string | undefined;
  /** Ids of those who are heard. Default: everybody. */
  readonly whitelist?: readonly string[] | undefined;
  /** A Bot API server elsewhere. Default `https://api.telegram.org`. */
  readonly apiUrl?: string | undefined;
  /** How long Telegram is asked to wait for a message, in ms, of which it takes whole seconds. Default 25000. */
  readonly pollMs?: number | undefined;
}

/**
 * Telegram over long polling, so nothing needs to be reachable from outside. Only translates; `docs/telegram.md` tells how to
 * make the bot.
 *
 * @throws MicroError `invalid_argument` for a token that is missing or none, a whitelist of names, an address without TLS
 */
export function telegramInput(init: TelegramInit): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Input {
  const settings = checkSettings(init);
  return ({ clock = systemClock, log = silent } = {}) => {
    // These belong to the input, because what they know holds over the next link.
    const growing: Growing = new Map();
    const told = createTold(clock);
    return {
      name: "telegram",
      // Telegram takes 4096 characters, of which those that keep names apart want their share.
      limits: { textLength: 4000, files: true, edits: true, buttons: true, pictures: true, captionLength: 1000 },
      // 20 messages a minute in a group, 30 a second in all (core.telegram.org/bots/faq).
      pace: { link: 600, room: 20 },
      replays: true,
      // `-100123/7` is a topic.
      placeIn: (room) => {
        const [chat = room, topic] = room.split("/");
        return { room, chat, ...(topic && { topic }) };
      },
      // A person's id is the one of the chat with them; who has never written to the bot is not to be reached (core.telegram.org/bots/api).
      placeTo: (id) => (/^[1-9]\d*$/.test(id) ? { room: id, chat: id } : undefined),
      // Telegram has no threads of messages: what belongs to one answers it.
      threadIn: (place, at) => ({ ...place, under: at }),
      connect: async (options = {}) => {
        using limit = deadline(options, 20_000, "telegram: connecting");
        limit.check();
        const web = await telegramWeb(settings);
        try {
          const me = await web.call("asking who we are", (api, signal) => api.getMe(signal), { signal: limit.signal });
          const self = { id: me.id, username: me.username, hearsAll: me.can_read_all_group_messages };
          if (settings.whitelist.size === 0) {
            log.warn({}, "telegram: everybody who finds this bot is heard; --telegram_whitelist names who is");
          }
          const pollMs = init.pollMs ?? 25_000;
          return telegramConnection({ web, self, settings, pollMs, growing, told, clock, log });
        } catch (error) {
          await web.close();
          limit.check();
          throw linkError(MicroError.from(error, "unavailable"));
        }
      },
    };
  };
}
