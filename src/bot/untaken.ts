import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { IncomingMessage, OutgoingMessage, Place } from "../inputs/input.ts";

/** Says in each room how much of what was said to the bot there was not taken. */
export interface Untaken {
  /** Rejects nothing, and is over when its room knows; `undefined` where somebody is about to say it already. */
  add(message: Pick<IncomingMessage, "place">): Promise<void> | undefined;
}

/** So long is counted before it is said, and so long is between one word and the next. */
const COUNTED_MS = 3000;

/** In how many rooms at once; of more than that only the log tells. */
const ROOMS_AT_MOST = 1000;

/**
 * A flood is not answered by a flood: one word in a room at a time, which says how many messages it is about.
 *
 * @param leaving nothing is waited for any more: what is counted is said at once
 */
export function createUntaken(init: {
  readonly clock: Clock;
  readonly log: Log;
  readonly input: string;
  readonly say: (message: OutgoingMessage) => Promise<unknown>;
  readonly leaving: AbortSignal;
}): Untaken {
  const { clock, log, input, say, leaving } = init;
  const rooms = new Map<string, { count: number; place: Place }>();

  const tell = async (room: string, counted: { count: number; place: Place }): Promise<void> => {
    while (counted.count > 0 && !leaving.aborted) {
      await clock.sleep(COUNTED_MS, { signal: leaving }).catch(() => {});
      const { count, place } = counted;
      counted.count = 0;
      log.warn({ input, room, count }, "too much at once: messages were not taken, and their room is told");
      await say({ place, parts: [{ kind: "text", text: words(count) }] });
    }
    rooms.delete(room);
  };
  return {
    add: ({ place }) => {
      if (leaving.aborted) return undefined;
      const { room } = place;
      const counted = rooms.get(room);
      if (counted !== undefined) {
        counted.count += 1;
        counted.place = place;
        return undefined;
      }
      if (rooms.size >= ROOMS_AT_MOST) {
        log.warn({ input, room }, "too much at once in too many rooms: a message was not taken, and nobody is told");
        return undefined;
      }
      const first = { count: 1, place };
      rooms.set(room, first);
      return tell(room, first);
    },
  };
}

/** Another replica, or a copy that came before, may have been heard: an answer that is there already holds. */
function words(count: number): string {
  const what =
    count === 1 ? "a message to me here, so it was not done" : `${count} messages to me here, so they were not done`;
  return `too much was said at once: I could not take ${what}. Say again what has no answer in a minute`;
}
