import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { parseJid } from "../xmpp/jid.ts";
import { chatRooms, type Room, type Rooms, type RoomsInit } from "../xmpp/rooms.ts";

/** Rooms that become more while the bot is there: by the server's list, and by invitations. */
export interface Joined extends Pick<Rooms, "get" | "all" | "take" | "lost"> {
  /** Goes into those that are new. Waits for them 8000 ms at most; what takes longer goes on. */
  enter(jids: readonly string[], signal: AbortSignal): Promise<void>;
}

/** How many rooms are entered at once: servers take more for a flood. */
const AT_ONCE = 20;

const ROOMS_AT_MOST = 5000;

const ENTER_MS = 8000;

/** HipChat's rooms want one nick and no other, so there is nothing to try when it is taken. */
export function joinedRooms(init: Omit<RoomsInit, "rooms" | "otherNick">, closing: AbortSignal): Joined {
  const each = new Map<string, Rooms>();
  const get = (jid: string): Room | undefined => each.get(jid)?.get(jid);
  return {
    get,
    all: () => [...each.values()].flatMap((one) => one.all()),
    take: (stanza) => each.get(parseJid(stanza.attrs["from"] ?? "").bare)?.take(stanza) ?? false,
    lost: (jid) => each.get(jid)?.lost(jid),
    enter: async (jids, signal) => {
      const fresh = [...new Set(jids)].filter((jid) => !each.has(jid)).slice(0, ROOMS_AT_MOST - each.size);
      const rooms = fresh.map((jid) => {
        const one = chatRooms({ ...init, rooms: [jid], otherNick: () => undefined }, closing);
        each.set(jid, one);
        return one;
      });
      const entering = (async () => {
        for (let at = 0; at < rooms.length; at += AT_ONCE) {
          await Promise.all(rooms.slice(at, at + AT_ONCE).map((one) => one.join(closing)));
        }
      })();
      using limit = deadline({ signal }, ENTER_MS, `${init.name}: entering rooms`);
      try {
        await orAbort(entering, limit.signal);
      } catch (error) {
        if (MicroError.from(error).code !== "timeout") throw error;
      }
    },
  };
}
