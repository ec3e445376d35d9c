import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { closable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import { createHold } from "../hold.ts";
import type { ConnectOptions, IncomingMessage, InputConnection } from "../input.ts";
import { createWaiting } from "../waiting.ts";
import { answerTo } from "./answers.ts";
import { parseJid } from "./jid.ts";
import { type Hearing, isEncrypted, spoken } from "./message.ts";
import { NS } from "./names.ts";
import { type Growing, poster } from "./post.ts";
import { chatRooms, type Rooms, type RoomsInit } from "./rooms.ts";
import { watchRooms } from "./self-ping.ts";
import { openSession, type Session, type SessionInit } from "./session.ts";
import type { Unsure } from "./unsure.ts";
import { child, children, type Xml, xml } from "./xml.ts";

export interface ConnectionInit extends Omit<SessionInit, "onStanza" | "answer">, Dialect {
  readonly rooms: readonly string[];
  readonly nick: string;
  readonly rejoinMs: number;
  /** How often the bot asks a room whether it is still in it. */
  readonly checkRoomsMs: number;
  /** Domains whose people are no strangers. */
  readonly homes: ReadonlySet<string>;
  readonly growing: Growing;
  readonly unsure: Unsure;
  readonly clock: Clock;
  readonly log: Log;
}

/** What another network on the same protocol does its own way; left out, it is as the XEPs have it. */
export interface Dialect {
  /** After the login, before the rooms: what has to be asked, and the rooms and the nick if only the server knows them. */
  readonly prepare?: (
    session: Session,
    signal: AbortSignal,
  ) => Promise<{ readonly rooms?: readonly string[]; readonly nick?: string }>;
  /** What a stanza says, and who says it. */
  readonly hear?: (stanza: Xml, hearing: Hearing) => IncomingMessage | undefined;
  /** As in `RoomsInit`. */
  readonly otherNick?: NonNullable<RoomsInit["otherNick"]>;
}

/** How many stanzas may come before the bot is ready for them, and of how many messages it is known when they came first. */
const REMEMBERED = 1000;

/**
 * One link: logs in, goes into the rooms, translates.
 *
 * @throws MicroError `unauthenticated`, `unavailable`, and the signal's reason
 */
export async function xmppConnection(
  init: ConnectionInit,
  options: ConnectOptions & { readonly signal: AbortSignal },
): Promise<InputConnection> {
  const { name, clock, log, hear = spoken } = init;
  const { signal } = options;
  const closing = new AbortController();
  // Stanzas may come as soon as the server knows us, before we know what the server can do.
  const early: Xml[] = [];
  let onStanza = (stanza: Xml): void => {
    if (early.length < REMEMBERED) early.push(stanza);
  };

  const session = await openSession({ ...init, onStanza: (stanza) => onStanza(stanza), answer: answerTo }, signal);
  // The server does not hear from us, either, that it is alive: half of its time for a ping.
  const hold = createHold(clock, init.pingWithinMs / 2, session.read);
  const waiting = createWaiting({ name, log, options, hold });
  const me = parseJid(session.jid);
  const asked = await init.prepare?.(session, signal).catch(async (error: unknown) => {
    await session.close();
    throw error;
  });
  const rooms: Rooms = chatRooms({ ...init, ...asked, secondsBack: init.unsure.secondsBack, session }, closing.signal);
  const post = poster(name, session, rooms, init.growing, init.unsure);
  const hearing: Omit<Hearing, "now"> = { me, rooms, homes: init.homes, stanzaIds: false };

  const firstHeard = remember(REMEMBERED);

  const sayUnread = ({ place }: IncomingMessage) => {
    const text = "I cannot read encrypted messages: switch encryption off for me and say it again";
    post.post({ place, parts: [{ kind: "text", text }] }).catch((error: Error) => {
      log.debug({ room: place.room, reason: error.message }, `${name}: who encrypts could not be told`);
    });
  };
  const onMessage = (stanza: Xml) => {
    if (post.take(stanza) || rooms.take(stanza)) return;
    const heard = hear(stanza, { ...hearing, now: clock.now() });
    if (heard === undefined) return;
    if (isEncrypted(stanza)) {
      if (heard.addressed) sayUnread(heard);
      return;
    }
    waiting.take({ ...heard, sentAt: firstHeard(heard.id, heard.sentAt) });
  };
  const onPresence = (stanza: Xml) => {
    if (rooms.take(stanza) || stanza.attrs["type"] !== "subscribe") return;
    // Our own people may see that the bot is there. Nothing is promised by it.
    const from = parseJid(stanza.attrs["from"] ?? "");
    if (init.homes.has(from.domain)) session.send(xml("presence", { to: from.bare, type: "subscribed" }));
  };

  const over = session.over.then((error) => {
    closing.abort();
    post.end(error);
    waiting.end(error);
    return error;
  });
  try {
    const ids = await idsOfServer(session, me.bare, signal);
    Object.assign(hearing, { stanzaIds: ids });
    onStanza = (stanza) => (stanza.name === "message" ? onMessage(stanza) : onPresence(stanza));
    for (const stanza of early.splice(0)) onStanza(stanza);
    session.send(xml("presence"));
    // Lost on the way in is lost, and not to be waited for.
    await Promise.race([rooms.join(signal), session.over.then((error) => Promise.reject(error))]);
    watchRooms(rooms, session, clock, init.checkRoomsMs, closing.signal).catch(() => {});
  } catch (error) {
    closing.abort();
    await session.close();
    throw error;
  }
  log.info({ jid: me.bare, domain: init.domain }, `${name}: logged in`);

  return {
    [Symbol.asyncIterator]: () => waiting[Symbol.asyncIterator](),
    lost: over,
    send: post.post,
    mark: post.mark,
    ...closable(async () => {
      closing.abort();
      waiting.close();
      post.end(new MicroError("unavailable", `${name}: the connection is closed`));
      await session.close();
      await over;
    }),
  };
}

/** What is delivered twice was said when it came first: live messages carry no time. */
export function remember(atMost: number): (id: string, at: number) => number {
  const seen = new Map<string, number>();
  return (id, at) => {
    const before = seen.get(id);
    if (before !== undefined) return Math.min(before, at);
    seen.set(id, at);
    for (const oldest of seen.keys()) {
      if (seen.size <= atMost) break;
      seen.delete(oldest);
    }
    return at;
  };
}

/** Whether our own server writes the ids of what is said to us directly (XEP-0359), and so strikes out forged ones. */
async function idsOfServer(session: Session, bare: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await session.ask("get", xml("query", { xmlns: NS.discoInfo }), bare, { signal });
    const query = child(answer, "query", NS.discoInfo);
    return query !== undefined && children(query, "feature", NS.discoInfo).some((one) => one.attrs["var"] === NS.sid);
  } catch (error) {
    const known = MicroError.from(error);
    if (known.code === "invalid_argument") return false;
    throw known;
  }
}
