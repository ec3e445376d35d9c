import type { IncomingMessage } from "../input.ts";
import { parseJid } from "../xmpp/jid.ts";
import { type Hearing, spoken } from "../xmpp/message.ts";
import { NS } from "../xmpp/names.ts";
import type { Room } from "../xmpp/rooms.ts";
import { child, children, textOf, type Xml } from "../xmpp/xml.ts";
import { HC } from "./names.ts";
import { idOf, orgOf, type People } from "./people.ts";

export interface HipChatHearing extends Hearing {
  readonly people: People;
  /** Of the bot. */
  readonly mention: string;
  /** Where rooms are. */
  readonly conf: string;
}

/** What a stanza says to us or within our hearing, and who says it; `undefined` when nobody says anything to anybody now. */
export function heard(stanza: Xml, hearing: HipChatHearing): IncomingMessage | undefined {
  // HipChat tells the last words of direct talks anew at every login, so a date means "before" there, too (chat.md §5).
  if (isDated(stanza) || isFromIntegration(stanza)) return undefined;
  const said = spoken(stanza, hearing);
  const { bare, domain, resource } = parseJid(stanza.attrs["from"] ?? "");
  const room = hearing.rooms.get(bare);
  // A room that the bot is not in: for whoever speaks there nobody vouches.
  if (said === undefined || (room === undefined && domain === hearing.conf)) return undefined;
  const named = mentionEnd(said.text, hearing.mention);
  const from = room === undefined ? caller(bare, hearing) : speaker(stanza, resource, room, hearing);
  const mid = stanza.attrs["mid"];
  return {
    ...said,
    id: mid === undefined ? said.id : `${stanza.attrs["from"]}/mid/${mid}`,
    from,
    place: placed(said, from.id, room === undefined ? bare : undefined),
    text: said.text.slice(named ?? 0),
    addressed: said.addressed || named !== undefined,
  };
}

/** Who speaks directly: the server vouches for the address. Whom its roster has not is a guest, as who came by a room's guest link. */
function caller(bare: string, hearing: HipChatHearing): IncomingMessage["from"] {
  const person = hearing.people.at(bare);
  const id = idOf(bare, hearing.me.domain);
  return { id, name: person?.name ?? parseJid(bare).local, guest: person === undefined || !atHome(id, hearing) };
}

/**
 * Who speaks in a room. All that a message shows is a display name, which anybody may take, so it counts only when exactly
 * one person in the roster has it, and nothing else that the room or the message says speaks against that person.
 */
function speaker(stanza: Xml, name: string, room: Room, hearing: HipChatHearing): IncomingMessage["from"] {
  const person = hearing.people.named(name);
  const occupant = room.occupants.who(name);
  // An occupant without an address is in a room that hides them, and there people choose their names freely.
  const contradicted = occupant !== undefined && occupant.jid !== person?.jid;
  if (person === undefined || contradicted || senders(stanza).some((jid) => jid !== person.jid)) {
    return { id: undefined, name, guest: true };
  }
  return { id: person.id, name, guest: !atHome(person.id, hearing) };
}

/** As HipChat says it: `<x xmlns='http://hipchat.com'><sender>…`. Not believed when it names somebody, since clients may write it, too. */
function senders(stanza: Xml): readonly string[] {
  const named = children(stanza, "x", HC.own).flatMap((x) => children(x, "sender", HC.own));
  return named.map((one) => parseJid(textOf(one)).bare);
}

function atHome(id: string, hearing: HipChatHearing): boolean {
  return orgOf(id) === orgOf(idOf(hearing.me.bare, hearing.me.domain));
}

/** What integrations say, ours among them, comes as a message of the system (REST v2, "room notification"). */
function isFromIntegration(stanza: Xml): boolean {
  return children(stanza, "x", HC.room).some((x) => {
    const type = child(x, "type", HC.room);
    const system = type !== undefined && textOf(type) === "system";
    return system || ["notification_sender", "card"].some((name) => child(x, name, HC.room) !== undefined);
  });
}

function isDated(stanza: Xml): boolean {
  return child(stanza, "delay", NS.delay) !== undefined || child(stanza, "x", NS.oldDelay) !== undefined;
}

/** @param direct the bare JID, in direct talk: the full one leads nowhere when HipChat's proxy has written it (chat.md §5) */
function placed(said: IncomingMessage, who: string | undefined, direct: string | undefined) {
  const { who: _, ...place } = said.place;
  return { ...place, ...(direct !== undefined && { to: direct }), ...(who !== undefined && { who }) };
}

/** Where the words after the bot's mention name begin, with or without its `@`; `undefined` when that is not the first word. */
function mentionEnd(text: string, mention: string): number | undefined {
  const start = text.length - text.trimStart().length;
  const at = text[start] === "@" ? start + 1 : start;
  const after = text.slice(at + mention.length);
  if (mention === "" || text.slice(at, at + mention.length).toLowerCase() !== mention.toLowerCase()) return undefined;
  const gap = /^(?:[:,]\s*|\s+|$)/.exec(after);
  return gap === null ? undefined : at + mention.length + gap[0].length;
}
