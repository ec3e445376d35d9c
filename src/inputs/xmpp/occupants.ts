import { parseJid } from "./jid.ts";
import { NS } from "./names.ts";
import { child, children, textOf, type Xml } from "./xml.ts";

/** What a room says of who is in it under a nick. */
export interface Occupant {
  /** The real bare JID, as far as the room shows it to the bot. */
  readonly jid: string | undefined;
  /** XEP-0421: the same for as long as the room exists, whatever the nick. */
  readonly occupantId: string | undefined;
  /** The room's word for what they are here: owner, admin, member, none. */
  readonly affiliation: string;
}

/** What happened to the bot itself in a room. */
export type Happening =
  | { readonly kind: "arrived"; readonly created: boolean }
  | { readonly kind: "left"; readonly why: Leaving; readonly text: string };

/** `kicked`, `gone`: come back later. The others: somebody does not want the bot here, or there is no "here". */
export type Leaving = "kicked" | "gone" | "banned" | "not a member" | "destroyed";

/** Who is in one room, from its presences; what the room has not said, nobody knows. */
export interface Occupants {
  /** The bot's nick, as the room has it. */
  readonly nick: string;
  /** Everybody sees who is who, or the bot is a moderator: real JIDs in presences are the room's. */
  readonly open: boolean;
  /** Takes one presence of the room that is no error. */
  take(presence: Xml): Happening | undefined;
  who(nick: string): Occupant | undefined;
  /** By what the room calls our own occupant. */
  isMe(nick: string): boolean;
}

/** How many occupants are known by name; in a larger room the rest are guests. */
const KNOWN_AT_MOST = 20_000;

/** @param nick the one that was asked for */
export function occupants(nick: string): Occupants {
  const here = new Map<string, Occupant>();
  let me = nick;
  let open = false;
  let moderator = false;
  return {
    get nick() {
      return me;
    },
    get open() {
      return open || moderator;
    },
    who: (name) => here.get(name),
    isMe: (name) => name === me,
    take: (presence) => {
      const name = parseJid(presence.attrs["from"] ?? "").resource;
      const said = children(presence, "x", NS.mucUser);
      // Two of them: one was put there by the occupant. Which one, nobody can tell, so none counts.
      const facts = said.length === 1 ? said[0] : undefined;
      const item = facts && child(facts, "item", NS.mucUser);
      const codes = new Set(facts ? children(facts, "status", NS.mucUser).map((one) => one.attrs["code"]) : []);
      const self = codes.has("110") || (name === me && facts !== undefined);
      if (presence.attrs["type"] === "unavailable") {
        here.delete(name);
        if (!self) return undefined;
        if (codes.has("303")) {
          me = item?.attrs["nick"] ?? me;
          return undefined;
        }
        return { kind: "left", why: leaving(codes, facts), text: reason(facts, item) };
      }
      if (presence.attrs["type"] !== undefined) return undefined;
      const jid = item?.attrs["jid"];
      if (here.size < KNOWN_AT_MOST || here.has(name)) {
        here.set(name, {
          jid: jid === undefined ? undefined : parseJid(jid).bare,
          occupantId: occupantIdOf(presence),
          affiliation: item?.attrs["affiliation"] ?? "none",
        });
      }
      if (!self) return undefined;
      me = name;
      if (codes.has("100")) open = true;
      moderator = item?.attrs["role"] === "moderator";
      return { kind: "arrived", created: codes.has("201") };
    },
  };
}

/** What the stanza has for an occupant-id. Means something only where the room says that it writes them itself (XEP-0421 §3). */
export function occupantIdOf(stanza: Xml): string | undefined {
  const ids = children(stanza, "occupant-id", NS.occupant);
  return ids.length === 1 ? ids[0]?.attrs["id"] : undefined;
}

/** Status codes of XEP-0045 §15.6. */
function leaving(codes: ReadonlySet<string | undefined>, facts: Xml | undefined): Leaving {
  if (facts && child(facts, "destroy", NS.mucUser)) return "destroyed";
  if (codes.has("301")) return "banned";
  if (codes.has("321") || codes.has("322")) return "not a member";
  return codes.has("307") && !codes.has("333") ? "kicked" : "gone";
}

function reason(facts: Xml | undefined, item: Xml | undefined): string {
  const around = (facts && child(facts, "destroy", NS.mucUser)) ?? item;
  const words = around && child(around, "reason", NS.mucUser);
  return words === undefined ? "" : textOf(words).slice(0, 200);
}
