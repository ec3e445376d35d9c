import { parseJid } from "../xmpp/jid.ts";
import { children, type Xml } from "../xmpp/xml.ts";
import { HC } from "./names.ts";

/** Somebody with an account, as the server's roster has them. */
export interface Person {
  /** `12345_678`, HipChat's number for them, which is nobody else's and stays. */
  readonly id: string;
  /** The bare JID. */
  readonly jid: string;
  /** Shown in rooms. Anybody may take any. */
  readonly name: string;
  /** After an `@`. */
  readonly mention: string | undefined;
}

/** Everybody in the organisation. */
export interface People {
  /** Takes a whole roster in the stead of the one before. */
  take(roster: Xml): void;
  /** By the display name, if exactly one person has it (`chat.md §6`, Identity confusion). */
  named(name: string): Person | undefined;
  /** By the bare JID. */
  at(jid: string): Person | undefined;
}

/** The number of an account by its bare JID, as far as the domain is the one of accounts; else the JID, which is nobody's number. */
export function idOf(bare: string, domain: string): string {
  const { local, domain: of } = parseJid(bare);
  return of === domain && /^\d+_\d+$/.test(local) ? local : bare;
}

/** The organisation that an account belongs to. */
export function orgOf(id: string): string | undefined {
  return /^(\d+)_\d+$/.exec(id)?.[1];
}

/** @param domain of the accounts */
export function createPeople(domain: string): People {
  let byJid = new Map<string, Person>();
  let byName = new Map<string, Person | undefined>();
  return {
    take: (roster) => {
      byJid = new Map();
      byName = new Map();
      for (const { attrs } of children(roster, "item", HC.roster)) {
        const { bare: jid, local } = parseJid(attrs["jid"] ?? "");
        const name = attrs["name"] ?? "";
        if (local === "" || name === "" || attrs["subscription"] === "remove") continue;
        const person = { id: idOf(jid, domain), jid, name, mention: attrs["mention_name"] };
        byJid.set(jid, person);
        const key = keyOf(name);
        // Two of that name: which one speaks, nobody can tell.
        byName.set(key, byName.has(key) ? undefined : person);
      }
    },
    named: (name) => byName.get(keyOf(name)),
    at: (jid) => byJid.get(jid),
  };
}

/** Names that a server may take for the same, or people: RFC 7622 lets it normalize what becomes a resource. */
function keyOf(name: string): string {
  return name.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase();
}
