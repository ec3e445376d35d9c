import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, Place } from "../input.ts";
import { type Jid, parseJid } from "./jid.ts";
import { NS } from "./names.ts";
import { occupantIdOf } from "./occupants.ts";
import type { Room, Rooms } from "./rooms.ts";
import { child, children, textOf, type Xml } from "./xml.ts";

export interface Hearing {
  /** The bot's own full JID. */
  readonly me: Jid;
  readonly rooms: Pick<Rooms, "get">;
  /** Domains whose people are no strangers. */
  readonly homes: ReadonlySet<string>;
  /** Our own server writes the ids of direct messages (XEP-0359). */
  readonly stanzaIds: boolean;
  /** Epoch ms. */
  readonly now: number;
}

/** Kinds of messages that nobody says: errors are handled elsewhere, headlines are news for nobody in particular. */
const SAYING: ReadonlySet<string> = new Set(["chat", "groupchat", "normal"]);

/** Children that make a message something other than new words, whatever body comes along for old clients. */
const NO_WORDS: readonly (readonly [name: string, ns: string])[] = [
  ["replace", NS.correct],
  ["retract", "urn:xmpp:message-retract:0"],
  ["retract", "urn:xmpp:message-retract:1"],
  ["apply-to", "urn:xmpp:fasten:0"],
  ["reactions", NS.reactions],
  ["x", "jabber:x:conference"],
];

/** Ways to encrypt from end to end; the body then says only that there is more (XEP-0380). */
const ENCRYPTED: readonly (readonly [name: string, ns: string])[] = [
  ["encryption", "urn:xmpp:eme:0"],
  ["encrypted", "eu.siacs.conversations.axolotl"],
  ["encrypted", "urn:xmpp:omemo:1"],
  ["encrypted", "urn:xmpp:omemo:2"],
  ["openpgp", "urn:xmpp:openpgp:0"],
  ["x", "jabber:x:encrypted"],
];

/** Its words are for whoever has the key, and that is not the bot. */
export function isEncrypted(stanza: Xml): boolean {
  return ENCRYPTED.some(([name, ns]) => child(stanza, name, ns) !== undefined);
}

/**
 * What a stanza says to us or within our hearing; `undefined` when it says nothing: no words, an edit, history, our own words.
 */
export function spoken(stanza: Xml, hearing: Hearing): IncomingMessage | undefined {
  const ns = stanza.ns ?? NS.client;
  const type = stanza.attrs["type"] ?? "normal";
  const body = child(stanza, "body", ns);
  const from = parseJid(stanza.attrs["from"] ?? "");
  if (!SAYING.has(type) || body === undefined || from.bare === "") return undefined;
  if (NO_WORDS.some(([name, of]) => child(stanza, name, of) !== undefined)) return undefined;
  const room = hearing.rooms.get(from.bare);
  const text = withoutQuote(stanza, textOf(body));
  if (type === "groupchat") return room && inRoom(stanza, text, from, room, hearing);
  return room === undefined ? direct(stanza, text, from, hearing) : whispered(stanza, text, from, room, hearing);
}

function inRoom(stanza: Xml, text: string, from: Jid, room: Room, hearing: Hearing): IncomingMessage | undefined {
  const nick = from.resource;
  // Until the history is over nothing is new, and what has a date was said then (chat.md §4).
  if (!room.joined || nick === "" || room.occupants.isMe(nick) || delayed(stanza)) return undefined;
  const who = identity(stanza, nick, room, hearing);
  if (who.id === hearing.me.bare) return undefined;
  const mention = mentionEnd(stanza, text, room, hearing.me);
  const stamped = room.stanzaIds ? stanzaId(stanza, room.jid) : undefined;
  return {
    id: stamped === undefined ? givenId(stanza, who.id) : `${room.jid}/stanza-id/${stamped}`,
    from: who,
    place: placeOf(stanza, { room: room.jid, to: room.jid, type: "groupchat", nick, who: who.id, said: stamped }),
    text: mention === undefined ? text : text.slice(mention),
    addressed: mention !== undefined,
    sentAt: hearing.now,
  };
}

/** A private word of an occupant; the answer goes to the occupant, as the bare JID is the room (chat.md §4). */
function whispered(stanza: Xml, text: string, from: Jid, room: Room, hearing: Hearing): IncomingMessage | undefined {
  const nick = from.resource;
  if (nick === "" || room.occupants.isMe(nick) || delayed(stanza)) return undefined;
  const who = identity(stanza, nick, room, hearing);
  if (who.id === hearing.me.bare) return undefined;
  const to = `${from.bare}/${nick}`;
  return {
    id: givenId(stanza, who.id),
    from: who,
    // A room for each person: whoever has the nick next finds nothing of theirs here.
    place: placeOf(stanza, { room: who.id === undefined ? to : `${to} ${who.id}`, to, type: "chat", who: who.id }),
    text,
    addressed: true,
    sentAt: hearing.now,
  };
}

function direct(stanza: Xml, text: string, from: Jid, hearing: Hearing): IncomingMessage | undefined {
  // Our own account, on another of its clients; a server; somebody else's room, which sends invitations.
  if (from.bare === hearing.me.bare || from.local === "" || child(stanza, "x", NS.mucUser)) return undefined;
  const stamped = hearing.stanzaIds ? stanzaId(stanza, hearing.me.bare) : undefined;
  return {
    id: stamped === undefined ? givenId(stanza) : `${hearing.me.bare}/stanza-id/${stamped}`,
    from: { id: from.bare, name: from.local, guest: !hearing.homes.has(from.domain) },
    place: placeOf(stanza, { room: from.bare, to: stanza.attrs["from"] ?? from.bare, type: "chat" }),
    text,
    addressed: true,
    // Kept by the server while the bot was away: as old as it is, and the bot says so when that is too old.
    sentAt: sentAt(stanza, hearing.now),
  };
}

/**
 * Who an occupant is, as far as the room vouches: the real bare JID where it shows that, else the occupant-id where it
 * writes them itself, else nobody. Never the nick (`chat.md §6`, Identity confusion).
 */
function identity(stanza: Xml, nick: string, room: Room, hearing: Hearing): IncomingMessage["from"] {
  const occupant = room.occupants.who(nick);
  if (occupant?.jid !== undefined && room.occupants.open) {
    return { id: occupant.jid, name: nick, guest: !hearing.homes.has(parseJid(occupant.jid).domain) };
  }
  const occupantId = room.occupantIds ? occupantIdOf(stanza) : undefined;
  if (occupantId === undefined) return { id: undefined, name: nick, guest: true };
  // A slash is in no bare JID, so nobody's address is somebody's occupant-id. Whom the room calls a member is no stranger.
  const known = occupant !== undefined && MEMBERS.has(occupant.affiliation);
  return { id: `${room.jid}/occupant-id/${occupantId}`, name: nick, guest: !known };
}

/** Who an occupant of a room is now, by the same rules, for whom no stanza speaks. */
export function identityOf(room: Room, nick: string): string | undefined {
  const occupant = room.occupants.who(nick);
  if (occupant?.jid !== undefined && room.occupants.open) return occupant.jid;
  if (occupant?.occupantId === undefined || !room.occupantIds) return undefined;
  return `${room.jid}/occupant-id/${occupant.occupantId}`;
}

const MEMBERS: ReadonlySet<string> = new Set(["owner", "admin", "member"]);

/** Where the answer belongs: `who` may have left by then, and `said` is the id that a sign is put on (XEP-0444). */
function placeOf(stanza: Xml, place: Place): Place {
  const thread = child(stanza, "thread", stanza.ns ?? NS.client);
  const words = thread === undefined ? "" : textOf(thread);
  const facts: Place = {
    ...place,
    said: place["said"] ?? originId(stanza),
    thread: words === "" || words.length > 200 ? undefined : words,
  };
  // Without what is not known, so that it is the same after it went through JSON.
  return { room: place.room, ...Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) };
}

/** The id that whoever `by` is has given, if it is theirs to give. */
function stanzaId(stanza: Xml, by: string): string | undefined {
  const id = children(stanza, "stanza-id", NS.sid).find((one) => parseJid(one.attrs["by"] ?? "").bare === by);
  return id?.attrs["id"];
}

/**
 * The sender's own id, where nobody else gives one (a room without XEP-0359). It is believed for one thing only: that a
 * sender who uses it twice says one thing twice. So it counts with the full JID and with who the room says that is: who takes
 * over a nick can use up no id of who had it before. Without an id nothing comes twice.
 */
function givenId(stanza: Xml, who?: string): string {
  const by = who === undefined ? "" : `by/${encodeURIComponent(who)}/`;
  return `${by}${stanza.attrs["from"]}/id/${originId(stanza) ?? randomUUID()}`;
}

/** The journal remembers ids for hours, and who sends them may make them as long as a stanza; programs' are far shorter. */
const ID_MAX = 500;

function originId(stanza: Xml): string | undefined {
  const id = child(stanza, "origin-id", NS.sid)?.attrs["id"] ?? stanza.attrs["id"];
  return id === undefined || id.length <= ID_MAX ? id : createHash("sha256").update(id).digest("hex");
}

function delayed(stanza: Xml): boolean {
  return child(stanza, "delay", NS.delay) !== undefined || child(stanza, "x", NS.oldDelay) !== undefined;
}

function sentAt(stanza: Xml, now: number): number {
  if (!delayed(stanza)) return now;
  const at = Date.parse(child(stanza, "delay", NS.delay)?.attrs["stamp"] ?? "");
  // Some time or other, and not now: too old for whoever asks.
  return Number.isFinite(at) ? Math.min(at, now) : 0;
}

/** Where the words after the bot's name begin; `undefined` when the message does not begin with it. */
function mentionEnd(stanza: Xml, text: string, room: Room, me: Jid): number | undefined {
  const { nick } = room.occupants;
  const start = text.length - text.trimStart().length;
  let at = text[start] === "@" ? start + 1 : start;
  const marked = at > start;
  if (text.slice(at, at + nick.length).toLowerCase() === nick.toLowerCase()) {
    at += nick.length;
    const after = text.slice(at);
    if (after.trim() === "" || /^[:,]/.test(after) || (marked && /^\s/.test(after))) {
      return at + (/^[:,]?\s*/.exec(after)?.[0].length ?? 0);
    }
  }
  const mine = new Set([`xmpp:${me.bare}`, `xmpp:${room.jid}/${nick}`, `xmpp:${room.jid}/${encodeURIComponent(nick)}`]);
  for (const { attrs } of children(stanza, "reference", NS.reference)) {
    if (attrs["type"] !== "mention" || !mine.has(attrs["uri"] ?? "")) continue;
    // Counted in characters, not in what JavaScript has for them; a mention further on is talk about the bot.
    const [begin, end] = [Number(attrs["begin"]), Number(attrs["end"])];
    const spoken = [...text];
    if (begin > start || !(end > begin && end <= spoken.length)) continue;
    const named = spoken.slice(0, end).join("").length;
    return named + (/^[:,]?\s*/.exec(text.slice(named))?.[0].length ?? 0);
  }
  return undefined;
}

/** Without the words that are answered to, which come along for old clients (XEP-0428 for XEP-0461). */
function withoutQuote(stanza: Xml, text: string): string {
  const fallback = children(stanza, "fallback", "urn:xmpp:fallback:0").find(
    ({ attrs }) => attrs["for"] === "urn:xmpp:reply:0",
  );
  const range = fallback && child(fallback, "body", "urn:xmpp:fallback:0")?.attrs;
  if (range === undefined) return text;
  const spoken = [...text];
  const [start, end] = [Number(range["start"] ?? 0), Number(range["end"] ?? spoken.length)];
  if (!(start >= 0 && end >= start && end <= spoken.length)) return text;
  return spoken.slice(0, start).concat(spoken.slice(end)).join("");
}
