import { randomUUID } from "node:crypto";
import { type Deadline, deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { Mark, OutgoingMessage, Place } from "../input.ts";
import { sendError, stanzaComplaint } from "./errors.ts";
import { parseJid } from "./jid.ts";
import { identityOf } from "./message.ts";
import { NS } from "./names.ts";
import { render } from "./render.ts";
import type { Rooms } from "./rooms.ts";
import type { Session } from "./session.ts";
import type { Unsure } from "./unsure.ts";
import { child, type Xml, xml } from "./xml.ts";

/** The messages that grow: the id of what shows what goes on under a key, and where. */
export type Growing = Map<string, string>;

/** What is never ended (its process lost interest) is forgotten in the end. */
const GROWING_AT_MOST = 1000;

/** Says things over one session, and learns whether they arrived. */
export interface Poster {
  /**
   * Says it, or corrects what was said under its key (XEP-0308). In a room it has arrived when the room says it to everybody,
   * elsewhere when our own server has taken it without a complaint. Default 15000 ms.
   * @throws MicroError as `InputConnection.send` does
   */
  post(message: OutgoingMessage, options?: CallOptions): Promise<void>;
  /** Puts a sign on what was said, in the stead of the one before (XEP-0444). @throws MicroError as `post` does */
  mark(place: Place, mark: Mark, options?: CallOptions): Promise<void>;
  /** Takes a room's copy of what we said, or a complaint about it: `true` when it was one. */
  take(stanza: Xml): boolean;
  /** Whoever waits is told that. */
  end(error: MicroError): void;
}

/** How it ends when nobody knows whether it has arrived. */
const UNSURE: ReadonlySet<string> = new Set(["unavailable", "timeout", "cancelled"]);

/** What people see as the sign. */
const SIGNS: Readonly<Record<Mark, string>> = { taken: "👀", waiting: "⏳", done: "✅", failed: "❌" };

interface Waiting {
  readonly to: string;
  readonly what: string;
  resolve(): void;
  reject(error: MicroError): void;
}

export function poster(
  name: string,
  session: Pick<Session, "send" | "settled">,
  rooms: Pick<Rooms, "get" | "lost">,
  growing: Growing,
  unsure: Unsure,
): Poster {
  const waiting = new Map<string, Waiting>();
  let ended: MicroError | undefined;

  const say = async (stanza: Xml, id: string, to: string, type: string, limit: Deadline): Promise<void> => {
    const arrived = new Promise<void>((resolve, reject) => {
      waiting.set(id, { to, what: `saying something to ${to}`, resolve, reject });
    });
    arrived.catch(() => {});
    try {
      session.send(stanza);
      if (type !== "groupchat") {
        session.settled().then(
          () => waiting.get(id)?.resolve(),
          () => {},
        );
      }
      await limit.race(arrived);
    } finally {
      waiting.delete(id);
    }
  };

  /** Whom to say it to. @throws MicroError when they cannot be reached there */
  const addressee = (
    place: Place,
    whisper = false,
  ): { readonly to: string; readonly type: string; readonly inRoom: boolean } => {
    const to = place["to"];
    const { nick, who } = place;
    if (ended !== undefined) throw ended;
    if (to === undefined) throw new MicroError("invalid_argument", `${name}: the place names nobody`);
    const { bare, resource } = parseJid(to);
    const room = rooms.get(bare);
    if (room === undefined) return { to, type: place["type"] === "groupchat" ? "groupchat" : "chat", inRoom: false };
    if (!room.joined) throw new MicroError("unavailable", `${name}: the bot is not in ${bare}`);
    if (resource === "") {
      const hidden = whisper && nick !== undefined && who !== undefined && identityOf(room, nick) === who;
      return hidden ? { to: `${bare}/${nick}`, type: "chat", inRoom: true } : { to, type: "groupchat", inRoom: true };
    }
    // Somebody else may have the nick by now, and the answer is for who asked.
    if (who !== undefined && identityOf(room, resource) !== who) {
      throw new MicroError("invalid_argument", `${name}: who asked as ${resource} is not in ${bare} any more`);
    }
    return { to, type: "chat", inRoom: true };
  };

  return {
    post: async (message, options = {}) => {
      const { place, progress } = message;
      const { to, type, inRoom } = addressee(place, message.whisper);
      using limit = deadline(options, 15_000, `${name}: saying something to ${parseJid(to).bare}`);
      limit.check();
      const before = progress && (growing.get(progress.key) ?? progress.at);
      const id = unsure.idOf(message, parseJid(to).bare);
      const { body, unstyled } = render(message.parts);
      const stanza = xml(
        "message",
        { to, type, id },
        xml("body", {}, body),
        place["thread"] === undefined ? undefined : xml("thread", {}, place["thread"]),
        xml("origin-id", { xmlns: NS.sid, id }),
        unstyled ? xml("unstyled", { xmlns: NS.styling }) : undefined,
        before === undefined ? undefined : xml("replace", { xmlns: NS.correct, id: before }),
        type === "chat" && inRoom ? xml("x", { xmlns: NS.mucUser }) : undefined,
      );
      try {
        // The room has told of it on the way in: only word of that was lost with the last link.
        if (!unsure.hasArrived(message)) await say(stanza, id, to, type, limit);
      } catch (error) {
        if (!UNSURE.has(MicroError.from(error).code)) unsure.settle(message);
        throw error;
      }
      unsure.settle(message);
      if (progress === undefined) return;
      if (progress.last) growing.delete(progress.key);
      // A correction of a correction names the first message (XEP-0308 §3).
      else growing.set(progress.key, before ?? id);
      if (before === undefined) progress.onSaid?.(id);
      for (const oldest of growing.keys()) {
        if (growing.size <= GROWING_AT_MOST) break;
        growing.delete(oldest);
      }
    },
    mark: async (place, mark, options = {}) => {
      const { to, type, inRoom } = addressee(place);
      const { said } = place;
      if (said === undefined) throw new MicroError("invalid_argument", `${name}: what was said there has no id`);
      using limit = deadline(options, 15_000, `${name}: putting a sign in ${parseJid(to).bare}`);
      limit.check();
      const id = randomUUID();
      const stanza = xml(
        "message",
        { to, type, id },
        xml("reactions", { xmlns: NS.reactions, id: said }, xml("reaction", {}, SIGNS[mark])),
        xml("origin-id", { xmlns: NS.sid, id }),
        xml("store", { xmlns: "urn:xmpp:hints" }),
        type === "chat" && inRoom ? xml("x", { xmlns: NS.mucUser }) : undefined,
      );
      await say(stanza, id, to, type, limit);
    },
    take: (stanza) => {
      const origin = child(stanza, "origin-id", NS.sid)?.attrs["id"];
      const { id = origin ?? "", from = "", type } = stanza.attrs;
      const said = waiting.get(id) ?? waiting.get(origin ?? "");
      const { bare, resource } = parseJid(from);
      if (type === "error") {
        if (said === undefined || parseJid(said.to).bare !== bare) return true;
        const complaint = stanzaComplaint(stanza);
        if (complaint.condition === "not-acceptable") rooms.lost(bare);
        said.reject(sendError(name, said.what, complaint));
        return true;
      }
      // What was said over the last link, under whatever nick; nobody can know its id to whom it was not said.
      if (said === undefined && type === "groupchat" && unsure.told(bare, [id, origin])) return true;
      // By its id and by who the room says has said it: somebody else may use the same id.
      if (type !== "groupchat" || !rooms.get(bare)?.occupants.isMe(resource)) return false;
      if (said?.to === bare) said.resolve();
      return true;
    },
    end: (error) => {
      ended = error;
      for (const one of waiting.values()) one.reject(error);
      waiting.clear();
    },
  };
}
