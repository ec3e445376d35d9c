import { type Clock, systemClock } from "../../core/clock.ts";
import { deadline } from "../../core/deadline.ts";
import { type Log, silent } from "../../core/log.ts";
import type { Input } from "../input.ts";
import { personJid } from "../xmpp/jid.ts";
import { readCa } from "../xmpp/settings.ts";
import { hipchatConnection } from "./connection.ts";
import { type HipChatSettings, readSettings } from "./settings.ts";

export interface HipChatInit extends HipChatSettings {
  /** PEM file of the authority that vouches for the server, instead of the public ones. */
  readonly ca?: string | undefined;
  /** The server is asked for a sign of life this often, default 30000 ms (it drops who is silent for 150 s), and has so long for it, default 10000 ms. */
  readonly pingEveryMs?: number;
  readonly pingWithinMs?: number;
  /** How long the bot stays away from a room that has thrown it out. Default 60000 ms. */
  readonly rejoinMs?: number;
  /** How often it looks for new rooms and names. Default 60000 ms. */
  readonly refreshMs?: number;
  /** How often it asks a room whether it is still in it. Default 300000 ms. */
  readonly checkRoomsMs?: number;
}

/**
 * HipChat: XMPP with manners of its own (`chat.md §5`), and room notifications by REST v2 where there is a token. Only
 * translates; `docs/hipchat.md` tells how to set it up.
 *
 * @throws MicroError `invalid_argument` for a setting that is missing or wrong
 */
export function hipchatInput(init: HipChatInit): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Input {
  const account = readSettings(init);
  const rooms = (init.rooms ?? []).map((room) => room.trim()).filter((room) => room !== "");
  return ({ clock = systemClock, log = silent } = {}) => {
    // Belongs to the input, because the next link goes there again.
    const invited = new Set<string>();
    return {
      name: "hipchat",
      // Signs of ours make it half as long again at most, and HipChat takes 10,000 characters.
      limits: { textLength: 6000, files: false, edits: false, buttons: false, pictures: false },
      // 30 messages a minute in a room, 500 requests in five (chat.md §5).
      pace: { link: 90, room: 30 },
      // HipChat tells what was said before, in rooms and in direct talk.
      replays: true,
      placeIn: (room) => ({ room, to: room, type: "groupchat" }),
      placeTo: (id) => {
        const to = personJid(/^\d+_\d+$/.test(id) ? `${id}@${account.domain}` : id);
        return to === undefined ? undefined : { room: to, to, type: "chat" };
      },
      connect: async (options = {}) => {
        using limit = deadline(options, 20_000, "hipchat: connecting");
        limit.check();
        const ca = init.ca ? await readCa("hipchat", init.ca) : undefined;
        // Awaited here, because the deadline ends with this function.
        return await hipchatConnection(
          {
            account,
            rooms,
            invited,
            ca,
            pingEveryMs: init.pingEveryMs ?? 30_000,
            pingWithinMs: init.pingWithinMs ?? 10_000,
            rejoinMs: init.rejoinMs ?? 60_000,
            refreshMs: init.refreshMs ?? 60_000,
            checkRoomsMs: init.checkRoomsMs ?? 300_000,
            clock,
            log,
          },
          { ...options, signal: limit.signal },
        );
      },
    };
  };
}
