import { type Clock, systemClock } from "../../core/clock.ts";
import { deadline, orAbort } from "../../core/deadline.ts";
import { type Log, silent } from "../../core/log.ts";
import type { Input } from "../input.ts";
import { xmppConnection } from "./connection.ts";
import { parseJid, personJid } from "./jid.ts";
import type { Growing } from "./post.ts";
import { login } from "./sasl.ts";
import { checkAccount, checkRoom, checkServer, readCa, serverOf } from "./settings.ts";
import { createUnsure } from "./unsure.ts";

export interface XmppInit {
  /** The bot's account, `bot@chat.example.org`. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Bare JIDs of rooms. */
  readonly rooms?: readonly string[];
  /** `host:port` instead of what DNS says about the account's domain. */
  readonly server?: string | undefined;
  /** PEM file of the authority that vouches for the server, instead of the public ones. */
  readonly ca?: string | undefined;
  /** What the bot is called in rooms. Default `micro`. */
  readonly nick?: string | undefined;
  /** Domains beside the account's own whose people are no strangers. */
  readonly domains?: readonly string[];
  /** The server is asked for a sign of life this often, default 15000 ms, and has so long for it, default 10000 ms. */
  readonly pingEveryMs?: number;
  readonly pingWithinMs?: number;
  /** How long the bot stays away from a room that has thrown it out. Default 60000 ms. */
  readonly rejoinMs?: number;
  /** How often the bot asks a room whether it is still in it. Default 300000 ms. */
  readonly checkRoomsMs?: number;
}

/** Servers take stanzas of 256 KiB and some of 64; ours stay far below, so a larger one is not from people. */
const MAX_BYTES = 1024 * 1024;

/**
 * XMPP: rooms (XEP-0045) and direct talk. Only translates; `docs/xmpp.md` tells how to set it up.
 *
 * @throws MicroError `invalid_argument` for a setting that is missing or wrong
 */
export function xmppInput(init: XmppInit): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Input {
  const { username, password } = checkAccount("xmpp", init);
  const account = parseJid(username);
  const rooms = (init.rooms ?? []).map((room) => checkRoom("xmpp", room));
  const server = init.server ? checkServer("xmpp", init.server) : undefined;
  return ({ clock = systemClock, log = silent } = {}) => {
    // Belongs to the input, because a message goes on growing over the next link.
    const growing: Growing = new Map();
    const unsure = createUnsure(clock);
    return {
      name: "xmpp",
      // A character of ours is 5 bytes at most as XML, so a message stays below 64 KiB, which every server takes.
      limits: { textLength: 8000, files: false, edits: true, buttons: false, pictures: false },
      // Servers count bytes, a few thousand a second at least: prosody's and ejabberd's own defaults.
      pace: { link: 120, room: 60 },
      // Rooms tell newcomers what was said before, and servers keep what was said to who was away.
      replays: true,
      placeIn: (room) => ({ room, to: room, type: "groupchat" }),
      // Only an address leads to somebody; an occupant-id is a room's word for them.
      placeTo: (id) => {
        const to = personJid(id);
        return to === undefined ? undefined : { room: to, to, type: "chat" };
      },
      connect: async (options = {}) => {
        using limit = deadline(options, 20_000, "xmpp: connecting");
        limit.check();
        const ca = init.ca ? await readCa("xmpp", init.ca) : undefined;
        const where = server ?? (await orAbort(serverOf(account.domain), limit.signal));
        // Awaited here, because the deadline ends with this function.
        return await xmppConnection(
          {
            name: "xmpp",
            ...where,
            domain: account.domain,
            ca,
            maxBytes: MAX_BYTES,
            pingEveryMs: init.pingEveryMs ?? 15_000,
            pingWithinMs: init.pingWithinMs ?? 10_000,
            rejoinMs: init.rejoinMs ?? 60_000,
            checkRoomsMs: init.checkRoomsMs ?? 300_000,
            authenticate: async (stream, features, signal) => {
              await login("xmpp", stream, features, { username: account.local, password }, signal);
              return undefined;
            },
            rooms,
            nick: init.nick || "micro",
            homes: new Set([account.domain, ...(init.domains ?? []).map((domain) => domain.toLowerCase())]),
            growing,
            unsure,
            clock,
            log,
          },
          { ...options, signal: limit.signal },
        );
      },
    };
  };
}
