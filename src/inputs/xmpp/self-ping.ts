import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { NS } from "./names.ts";
import type { Room, Rooms } from "./rooms.ts";
import type { Session } from "./session.ts";
import { xml } from "./xml.ts";

/**
 * Asks each room now and then whether the bot is still in it, by a ping to its own nick (XEP-0410). A room whose service was
 * started anew somewhere else tells nobody, and a bot that only listens would be deaf without knowing it. Ends with the signal.
 */
export async function watchRooms(
  rooms: Pick<Rooms, "lost"> & { readonly all: () => readonly Room[] },
  session: Pick<Session, "ask">,
  clock: Clock,
  everyMs: number,
  closing: AbortSignal,
): Promise<void> {
  while (!closing.aborted) {
    await clock.sleep(everyMs, { signal: closing });
    for (const room of rooms.all().filter(({ joined }) => joined)) {
      const me = `${room.jid}/${room.occupants.nick}`;
      try {
        await session.ask("get", xml("ping", { xmlns: NS.ping }), me, { signal: closing });
      } catch (error) {
        // Any other complaint is about pings, or about the way there.
        if (MicroError.from(error).details["condition"] === "not-acceptable") rooms.lost(room.jid);
      }
    }
  }
}
