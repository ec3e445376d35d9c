import { parseJid } from "../xmpp/jid.ts";
import type { Session } from "../xmpp/session.ts";
import { child, children, textOf, xml } from "../xmpp/xml.ts";
import { HC } from "./names.ts";

/** A room that the server lists. */
export interface Listed {
  readonly jid: string;
  readonly name: string;
  /** HipChat's number for it, which REST wants. */
  readonly id: string | undefined;
  readonly archived: boolean;
}

/** More rooms than that are not looked at. */
const ROOMS_AT_MOST = 5000;

/** The rooms that the bot may see. @throws MicroError `invalid_argument` (there is no list), `unavailable`, and the signal's reason */
export async function listRooms(
  session: Pick<Session, "ask">,
  conf: string,
  signal: AbortSignal,
): Promise<readonly Listed[]> {
  const answer = await session.ask("get", xml("query", { xmlns: HC.discoItems }), conf, { signal });
  const query = child(answer, "query", HC.discoItems);
  const items = query === undefined ? [] : children(query, "item", HC.discoItems);
  return items.slice(0, ROOMS_AT_MOST).flatMap((item) => {
    const { bare: jid, local, domain } = parseJid(item.attrs["jid"] ?? "");
    if (local === "" || domain !== conf) return [];
    const more = child(item, "x", HC.room);
    const id = more && child(more, "id", HC.room);
    return {
      jid,
      name: item.attrs["name"] ?? local,
      id: id === undefined || !/^\d+$/.test(textOf(id)) ? undefined : textOf(id),
      archived: more !== undefined && child(more, "is_archived", HC.room) !== undefined,
    };
  });
}

/**
 * Which rooms to go into.
 *
 * @param named what the settings name, by name or JID; none: all
 */
export function wantedRooms(listed: readonly Listed[], named: readonly string[]): readonly string[] {
  const open = listed.filter(({ archived }) => !archived);
  if (named.length === 0) return open.map(({ jid }) => jid);
  return named.flatMap((one) => {
    if (one.includes("@")) return [parseJid(one).bare];
    const wanted = one.trim().toLowerCase();
    const found = open.filter(({ name, jid }) => name.toLowerCase() === wanted || shortOf(jid) === underscored(wanted));
    return found.map(({ jid }) => jid);
  });
}

/** `ops` of `12345_ops@conf.hipchat.com`. */
function shortOf(jid: string): string {
  return parseJid(jid).local.replace(/^\d+_/, "");
}

function underscored(name: string): string {
  return name.replaceAll(" ", "_");
}
