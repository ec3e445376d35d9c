import { parseJid } from "../xmpp/jid.ts";
import { NS } from "../xmpp/names.ts";
import { child, type Xml } from "../xmpp/xml.ts";
import { HC } from "./names.ts";

/**
 * The room that a message invites to: as XEP-0045 §7.8.2 has it, or HipChat's own way, a `muc#room` with the room's `name` and
 * nothing said. Only rooms of our own server, so that nobody draws the bot anywhere else.
 */
export function invitation(message: Xml, conf: string): string | undefined {
  const { bare, local, domain, resource } = parseJid(message.attrs["from"] ?? "");
  const type = message.attrs["type"] ?? "normal";
  if (domain !== conf || local === "" || resource !== "" || type !== "normal") return undefined;
  const standard = child(message, "x", NS.mucUser);
  if (standard !== undefined && child(standard, "invite", NS.mucUser) !== undefined) return bare;
  const own = child(message, "x", HC.room);
  const named = own !== undefined && (child(own, "invite", HC.room) ?? child(own, "name", HC.room)) !== undefined;
  return named && child(message, "body", message.ns ?? NS.client) === undefined ? bare : undefined;
}
