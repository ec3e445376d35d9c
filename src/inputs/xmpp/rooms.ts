import type { Clock } from "../../core/clock.ts";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import { inWords, stanzaComplaint } from "./errors.ts";
import { parseJid } from "./jid.ts";
import { NS } from "./names.ts";
import { type Happening, type Occupants, occupants } from "./occupants.ts";
import type { Session } from "./session.ts";
import { child, children, type Xml, xml } from "./xml.ts";

/** A room that the bot belongs in, and what is known of it. */
export interface Room {
  readonly jid: string;
  /** The bot is in it, and what is said from now on is said now: the history is over. */
  readonly joined: boolean;
  readonly occupants: Occupants;
  /** The room says that it writes occupant-ids itself (XEP-0421), and the ids of messages (XEP-0359). */
  readonly occupantIds: boolean;
  readonly stanzaIds: boolean;
}

/** The rooms of one session. */
export interface Rooms {
  /** Goes into all of them; what does not let the bot in is in the log, and tried again where that may help. Waits 10000 ms at most. */
  join(signal: AbortSignal): Promise<void>;
  /** By its bare JID. */
  get(jid: string): Room | undefined;
  all(): readonly Room[];
  /** Takes what a room says about itself and its occupants: `true` when it was that, and no message of somebody. */
  take(stanza: Xml): boolean;
  /** The room says that the bot is not in it. */
  lost(jid: string): void;
}

export interface RoomsInit {
  readonly name: string;
  readonly rooms: readonly string[];
  readonly nick: string;
  /** Another nick when this one is taken; `undefined` to give up. Default: `micro-2` and so on, up to 9. */
  readonly otherNick?: (nick: string, attempt: number) => string | undefined;
  /** How long the bot stays away from a room that has thrown it out, or could not let it in. */
  readonly rejoinMs: number;
  /** How many seconds back a room is asked what was said in it. Default: not at all. */
  readonly secondsBack?: (room: string) => number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly session: Pick<Session, "send" | "ask">;
}

/** Rooms without a topic that say nothing after the occupants: from then on what comes is new. */
const SUBJECT_MS = 2000;

const JOIN_MS = 10_000;

/** What will not change before somebody changes something (XEP-0045 §7.2), and what to do about it. */
const REMEDIES: Readonly<Record<string, string>> = {
  "not-authorized": "it wants a password, which the bot has not: let it in as a member of a room without one",
  "registration-required": "only members get in: make the bot one",
  forbidden: "the bot is banned there",
  "not-allowed": "it does not exist, and the bot may not make it",
  "jid-malformed": "the name of the room or the nick will not do",
  "item-not-found": "it does not exist, or nobody has set it up yet",
  gone: "it exists no longer",
};

interface Joining extends Room {
  joined: boolean;
  occupants: Occupants;
  occupantIds: boolean;
  stanzaIds: boolean;
  attempt: number;
  /** The rooms' last step on the way in: the history is over, or it will not let us in. */
  settled: () => void;
  waiting: boolean;
}

/** Multi-user chat (XEP-0045): going in, staying in, and knowing who is there. */
export function chatRooms(init: RoomsInit, closing: AbortSignal): Rooms {
  const { name, clock, log, session } = init;
  const { otherNick = (nick, attempt) => (attempt > 9 ? undefined : `${nick}-${attempt}`) } = init;
  const rooms = new Map<string, Joining>();
  for (const given of init.rooms) {
    const { bare: jid } = parseJid(given);
    rooms.set(jid, {
      jid,
      joined: false,
      occupants: occupants(init.nick),
      occupantIds: false,
      stanzaIds: false,
      attempt: 1,
      settled: () => {},
      waiting: false,
    });
  }

  /** What the room can do. One that is not there yet can be asked when it is. */
  const askFeatures = async (room: Joining) => {
    try {
      const answer = await session.ask("get", xml("query", { xmlns: NS.discoInfo }), room.jid, { signal: closing });
      const query = child(answer, "query", NS.discoInfo);
      const features = new Set((query ? children(query, "feature", NS.discoInfo) : []).map((one) => one.attrs["var"]));
      room.occupantIds = features.has(NS.occupant);
      room.stanzaIds = features.has(NS.sid);
    } catch (error) {
      room.occupantIds = false;
      room.stanzaIds = false;
      log.debug({ room: room.jid, reason: (error as Error).message }, `${name}: a room does not say what it can do`);
    }
  };

  const knock = (room: Joining, nick: string) => {
    room.joined = false;
    room.occupants = occupants(nick);
    const back = init.secondsBack?.(room.jid);
    const history = back === undefined ? { maxstanzas: "0", maxchars: "0" } : { seconds: String(back) };
    session.send(
      xml(
        "presence",
        { to: `${room.jid}/${nick}` },
        // Inside of x, or servers do not see it (chat.md §4).
        xml("x", { xmlns: NS.muc }, xml("history", history)),
      ),
    );
  };

  const enter = async (room: Joining) => {
    await askFeatures(room);
    room.attempt = 1;
    knock(room, init.nick);
  };

  const later = (room: Joining) => {
    if (room.waiting) return;
    room.waiting = true;
    clock
      .sleep(init.rejoinMs, { signal: closing })
      .then(() => {
        room.waiting = false;
        return enter(room);
      })
      // The link is lost or closed meanwhile; the next one joins anew.
      .catch(() => {});
  };

  const settle = (room: Joining) => {
    room.joined = true;
    room.settled();
  };

  const arrived = async (room: Joining, created: boolean) => {
    if (created) {
      log.warn({ room: room.jid }, `${name}: this room did not exist, and the bot has made it`);
      // Until its owner says that it may be as it is, nobody else gets in (XEP-0045 §10.1.2).
      const form = xml("x", { xmlns: "jabber:x:data", type: "submit" });
      await session
        .ask("set", xml("query", { xmlns: NS.mucOwner }, form), room.jid, { signal: closing })
        .catch((error: Error) => log.warn({ room: room.jid, reason: error.message }, `${name}: it stays locked`));
      await askFeatures(room);
    }
    if (room.joined) return;
    await clock.sleep(SUBJECT_MS, { signal: closing });
    // Thrown out meanwhile, it is not in.
    if (room.occupants.who(room.occupants.nick)) settle(room);
  };

  const onHappening = (room: Joining, happening: Happening) => {
    if (happening.kind === "arrived") {
      if (!room.joined) arrived(room, happening.created).catch(() => {});
      return;
    }
    const { why, text } = happening;
    room.joined = false;
    room.settled();
    if (why === "kicked" || why === "gone") {
      log.warn({ room: room.jid, why, reason: text }, `${name}: out of a room; the bot comes back after a pause`);
      later(room);
    } else {
      log.error({ room: room.jid, why, reason: text }, `${name}: out of a room, and the bot stays away`);
    }
  };

  const onRefusal = (room: Joining, presence: Xml) => {
    const complaint = stanzaComplaint(presence);
    if (room.joined) return; // a change of nick that the room will not have
    if (complaint.condition === "conflict") {
      room.attempt += 1;
      const nick = otherNick(init.nick, room.attempt);
      if (nick !== undefined) return knock(room, nick);
    }
    const remedy = REMEDIES[complaint.condition];
    const facts = { room: room.jid, reason: inWords(complaint) };
    if (remedy !== undefined && complaint.type !== "wait") {
      log.error(facts, `${name}: cannot get into a room: ${remedy}`);
    } else {
      log.warn(facts, `${name}: cannot get into a room now; the bot tries again`);
      later(room);
    }
    room.settled();
  };

  return {
    get: (jid) => rooms.get(jid),
    all: () => [...rooms.values()],
    join: async (signal) => {
      using limit = deadline({ signal: AbortSignal.any([signal, closing]) }, JOIN_MS, `${name}: joining rooms`);
      const entering = [...rooms.values()].map(async (room) => {
        const settled = new Promise<void>((resolve, reject) => {
          room.settled = resolve;
          limit.signal.addEventListener("abort", () => reject(MicroError.from(limit.signal.reason)), { once: true });
        });
        // Whatever goes wrong on the way, nobody waits for it alone.
        settled.catch(() => {});
        await enter(room);
        await settled;
      });
      try {
        await Promise.all(entering);
      } catch (error) {
        // A room that says nothing does not keep the bot from the others.
        if (MicroError.from(error).code !== "timeout") throw error;
        const silent = [...rooms.values()].filter((room) => !room.joined).map((room) => room.jid);
        log.warn({ rooms: silent }, `${name}: no answer from a room yet`);
      }
    },
    take: (stanza) => {
      const { bare, resource } = parseJid(stanza.attrs["from"] ?? "");
      const room = rooms.get(bare);
      if (stanza.name === "presence") {
        if (room === undefined) return false;
        if (stanza.attrs["type"] === "error") onRefusal(room, stanza);
        else {
          const happening = room.occupants.take(stanza);
          if (happening) onHappening(room, happening);
        }
        return true;
      }
      if (room === undefined || stanza.attrs["type"] !== "groupchat") return false;
      if (isSubject(stanza)) {
        if (room.occupants.who(room.occupants.nick)) settle(room);
        return true;
      }
      // What the room itself says: that its configuration has changed (XEP-0045 §10.2.1).
      if (resource !== "") return false;
      const facts = child(stanza, "x", NS.mucUser);
      if (facts && children(facts, "status", NS.mucUser).some((one) => one.attrs["code"] === "104")) {
        void askFeatures(room);
      }
      return true;
    },
    lost: (jid) => {
      const room = rooms.get(jid);
      if (room?.joined) onHappening(room, { kind: "left", why: "gone", text: "the room does not know the bot" });
    },
  };
}

/** A change of topic; the last thing that a room says to who enters (XEP-0045 §7.2.15). */
function isSubject(message: Xml): boolean {
  const ns = message.ns ?? NS.client;
  return child(message, "subject", ns) !== undefined && child(message, "body", ns) === undefined;
}
