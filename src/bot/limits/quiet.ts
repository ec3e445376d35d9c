import type { Clock } from "../../core/clock.ts";
import type { IncomingMessage, Input, OutgoingMessage, Place } from "../../inputs/input.ts";
import { type Context, say } from "../context.ts";
import { whose } from "../people.ts";
import { renderAnswer } from "../render.ts";
import { createBuckets, type Rate } from "./rate.ts";
import { createRecent } from "./recent.ts";

/**
 * Who is told that they are not listened to, and who is just not listened to. The first refusal is said; what comes after
 * it is counted, and when the time is over one word tells how many there were.
 *
 * Nobody can make the bot talk by being refused: in a room, and in a network, only so many of these words are said, whoever
 * provokes them and however many they are; the rest is counted into a later one.
 */
export interface Quiet {
  /** Whether somebody is not listened to for this reason; then it was counted. */
  holds(reason: string, context: Context): boolean;
  /** From now on they are not, for so long. @returns whether to say so; else it was counted */
  begin(reason: string, context: Context, ms: number): boolean;
  /** Says what is left to be told: the bot is leaving. */
  end(): void;
}

export interface QuietInit {
  readonly clock: Clock;
  /** Says something that is no answer. Never throws. */
  readonly tell: (input: Input, message: OutgoingMessage) => void;
}

/** Words about limits: in one room, and in a whole network, whose own limits are for answers (`chat.md §3`). */
const ROOM_WORDS: Rate = { count: 6, ms: 60_000, burst: 3 };
const NETWORK_WORDS: Rate = { count: 30, ms: 60_000, burst: 15 };

/** So many are remembered as not listened to, so many rooms as to be told of it; of others it is only in the audit. */
const SILENT = 20_000;
const ROOMS = 1000;

/** So many people of a room are told apart in a count. */
const PEOPLE = 100;

/** What a room is to be told. */
interface Unheard {
  readonly place: Place;
  readonly dueAt: number;
  readonly people: Set<string>;
  count: number;
}

export function createQuiet({ clock, tell }: QuietInit): Quiet {
  const until = createRecent<{ readonly at: number; readonly ms: number }>(SILENT);
  const networks = new Map<string, ReturnType<typeof ofNetwork>>();
  const networkOf = ({ input }: Context) => {
    const known = networks.get(input.name) ?? ofNetwork(input, clock, tell);
    networks.set(input.name, known);
    return known;
  };
  return {
    holds: (reason, context) => {
      const silence = until.get(nameOf(reason, context));
      if (silence === undefined || silence.at <= clock.now() || silence.at > clock.now() + silence.ms) return false;
      networkOf(context).count(context, silence.at);
      return true;
    },
    begin: (reason, context, ms) => {
      const name = nameOf(reason, context);
      const before = until.get(name);
      const at = clock.now() + ms;
      until.set(name, { at, ms });
      const network = networkOf(context);
      // Who goes on as soon as the time is over has been told.
      const goesOn = before !== undefined && clock.now() - before.at < before.ms;
      if (!goesOn && network.maySay(context.message)) return true;
      network.count(context, at);
      return false;
    },
    end: () => {
      for (const network of networks.values()) network.end();
    },
  };
}

/** Each network has words of its own, so that a flood in one is no silence in another. */
function ofNetwork(input: Input, clock: Clock, tell: QuietInit["tell"]) {
  const inRooms = createBuckets(ROOM_WORDS);
  const inAll = createBuckets(NETWORK_WORDS);
  const unheard = new Map<string, Unheard>();
  const over = new AbortController();
  let speaking = false;

  const wait = (room: string) => inRooms.take(room, clock.now()) || inAll.take("", clock.now());
  const close = ({ place, people, count }: Unheard) => {
    const whisper = people.size === 1;
    const whose = whisper ? "of yours" : `of ${people.size}${people.size < PEOPLE ? "" : " or more"} people`;
    const words = `${count} more ${whose} ${count === 1 ? "was" : "were"} not heard; say again what still matters`;
    tell(input, { ...renderAnswer(say(words), place, input.limits), failed: true, ...(whisper && { whisper }) });
  };
  /** One after the other, each when it is due and there is a word left for it. */
  const speak = async () => {
    for (const [room, one] of unheard) {
      if (one.dueAt > clock.now()) await clock.sleep(one.dueAt - clock.now(), { signal: over.signal });
      for (let ms = wait(room); ms > 0; ms = wait(room)) await clock.sleep(ms, { signal: over.signal });
      unheard.delete(room);
      close(one);
    }
    speaking = false;
  };

  return {
    maySay: ({ place }: Pick<IncomingMessage, "place">) => wait(place.room) === 0,
    count: (context: Context, dueAt: number) => {
      const { place } = context.message;
      let one = unheard.get(place.room);
      if (one === undefined) {
        if (unheard.size >= ROOMS || over.signal.aborted) return;
        one = { place, dueAt, people: new Set(), count: 0 };
        unheard.set(place.room, one);
      }
      one.count += 1;
      if (one.people.size < PEOPLE) one.people.add(whose(context));
      if (speaking) return;
      speaking = true;
      // It ends in the middle when the bot leaves.
      speak().catch(() => {});
    },
    end: () => {
      over.abort();
      for (const one of [...unheard.values()].slice(0, ROOM_WORDS.count)) close(one);
      unheard.clear();
    },
  };
}

/** What holds for one in one room does not in another: there they have to be told, too. */
function nameOf(reason: string, context: Context): string {
  return `${reason} ${whose(context)} ${context.input.name} ${context.message.place.room}`;
}
