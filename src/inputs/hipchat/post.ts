import { randomUUID } from "node:crypto";
import { type Deadline, deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import type { OutgoingMessage, Place } from "../input.ts";
import { sayMarked } from "../said-again.ts";
import { sendError, stanzaComplaint } from "../xmpp/errors.ts";
import { parseJid } from "../xmpp/jid.ts";
import { NS } from "../xmpp/names.ts";
import type { Session } from "../xmpp/session.ts";
import { child, textOf, type Xml, xml } from "../xmpp/xml.ts";
import type { Joined } from "./joined.ts";
import type { Color, Notifier } from "./notify.ts";
import { asNotification, asTyped } from "./render.ts";

/** Says things over one session, and learns whether they arrived. */
export interface Poster {
  /** Default 15000 ms. @throws MicroError as `InputConnection.send` does */
  post(message: OutgoingMessage, options?: CallOptions): Promise<void>;
  /** Takes a room's copy of what we said, or a complaint about it: `true` when it was one. */
  take(stanza: Xml): boolean;
  /** Whoever waits is told that. */
  end(error: MicroError): void;
}

export interface PosterInit {
  readonly session: Pick<Session, "send" | "settled">;
  readonly rooms: Pick<Joined, "get" | "lost">;
  /** Domain of the accounts. */
  readonly domain: string;
  /** Absent without a token. */
  readonly notifier: Notifier | undefined;
  /** HipChat's number for a room, if it was in the list. */
  readonly numberOf: (room: string) => string | undefined;
  readonly log: Log;
}

interface Waiting {
  readonly to: string;
  readonly body: string;
  resolve(): void;
  reject(error: MicroError): void;
}

/** Where something goes. */
interface Addressee {
  readonly to: string;
  readonly type: "groupchat" | "chat";
}

export function poster(init: PosterInit): Poster {
  const { session, rooms, notifier, log } = init;
  const waiting = new Map<string, Waiting>();
  let ended: MicroError | undefined;

  const say = async ({ to, type }: Addressee, body: string, limit: Deadline): Promise<void> => {
    const id = randomUUID();
    const arrived = new Promise<void>((resolve, reject) => waiting.set(id, { to, body, resolve, reject }));
    arrived.catch(() => {});
    try {
      session.send(xml("message", { to, type, id }, xml("body", {}, body)));
      if (type === "chat") {
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

  /** @returns whether it is said */
  const notify = async (room: string, message: OutgoingMessage, signal: AbortSignal): Promise<boolean> => {
    const number = init.numberOf(room);
    if (notifier === undefined || number === undefined) return false;
    try {
      await notifier.notify(number, asNotification(message.parts), colorOf(message), signal);
      return true;
    } catch (error) {
      const known = MicroError.from(error);
      if (known.code !== "permission_denied") throw known;
      // Said without colours, then: the answer matters more.
      log.warn({ room, reason: known.message }, "hipchat: a room cannot be notified");
      return false;
    }
  };

  /** @throws MicroError when nobody can be reached there */
  const addressee = (place: Place, whisper: boolean): Addressee => {
    const { to, who } = place;
    if (ended !== undefined) throw ended;
    if (to === undefined) throw new MicroError("invalid_argument", "hipchat: the place names nobody");
    const { bare, resource } = parseJid(to);
    const room = rooms.get(bare);
    // By the number, so to whoever asked, whatever they are called by now and whatever has become of the room.
    const person = who === undefined || who.includes("@") ? undefined : `${who}@${init.domain}`;
    if (room === undefined && resource === "" && place["type"] !== "groupchat") return { to: bare, type: "chat" };
    if (person !== undefined && (whisper || resource !== "")) return { to: person, type: "chat" };
    if (room?.joined !== true) throw new MicroError("unavailable", `hipchat: the bot is not in ${bare}`);
    if (resource === "") return { to: bare, type: "groupchat" };
    // Nobody vouched for who asked, so nobody knows whether this is still the same.
    return { to, type: "chat" };
  };

  return {
    post: async (message, options = {}) => {
      const where = addressee(message.place, message.whisper === true);
      using limit = deadline(options, 15_000, `hipchat: saying something to ${parseJid(where.to).bare}`);
      limit.check();
      await sayMarked(message, isRefusal, async (given) => {
        if (where.type === "groupchat" && (await notify(where.to, given, limit.signal))) return;
        await say(where, asTyped(given.parts), limit);
      });
    },
    take: (stanza) => {
      const { id = "", from = "", type } = stanza.attrs;
      const { bare, resource } = parseJid(from);
      if (type === "error") {
        const said = waiting.get(id);
        if (said === undefined || parseJid(said.to).bare !== bare) return true;
        const complaint = stanzaComplaint(stanza);
        if (complaint.condition === "not-acceptable") rooms.lost(bare);
        said.reject(sendError("hipchat", `saying something to ${said.to}`, complaint));
        return true;
      }
      if (type !== "groupchat" || !rooms.get(bare)?.occupants.isMe(resource)) return false;
      // HipChat gives messages ids of its own, so that the words may be all that tells which one this is.
      const body = child(stanza, "body", stanza.ns ?? NS.client);
      const words = body === undefined ? "" : textOf(body);
      const byWords = [...waiting.values()].find((one) => one.to === bare && one.body === words);
      const said = waiting.get(id) ?? byWords;
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

/** The server or REST itself said no to it, and not somebody in between. */
function isRefusal({ details }: MicroError): boolean {
  return details["condition"] !== undefined;
}

/** Red: not done. Yellow: goes on, or wants an answer. Gray: nobody asked. Green: the rest. */
function colorOf({ failed, progress, choices, place }: OutgoingMessage): Color {
  if (failed) return "red";
  if (progress?.last === false || (choices !== undefined && choices.length > 0)) return "yellow";
  return place["nick"] === undefined ? "gray" : "green";
}
