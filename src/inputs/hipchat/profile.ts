import { MicroError } from "../../core/errors.ts";
import type { Session } from "../xmpp/session.ts";
import { child, textOf, type Xml, xml } from "../xmpp/xml.ts";
import { HC } from "./names.ts";
import type { People } from "./people.ts";

/** What the bot is called. */
export interface Profile {
  /** The account's full name: the only nick that HipChat's rooms let it have. */
  readonly nick: string;
  /** What people write after `@`. */
  readonly mention: string;
}

/** Asks for everybody's names. Where there are none, there is nobody that a name could stand for. */
export async function readRoster(session: Pick<Session, "ask">, people: People, signal: AbortSignal): Promise<void> {
  const answer = await asked(session, xml("query", { xmlns: HC.roster }), signal);
  const roster = answer && child(answer, "query", HC.roster);
  if (roster !== undefined) people.take(roster);
}

/**
 * Who the bot is: by its vCard (XEP-0054), by HipChat's startup query, by the roster, and in the end by its number. The people
 * must have been read before.
 */
export async function readProfile(
  session: Pick<Session, "ask">,
  people: People,
  me: { readonly bare: string; readonly local: string },
  signal: AbortSignal,
): Promise<Profile> {
  const [card, startup] = await Promise.all([
    asked(session, xml("vCard", { xmlns: HC.vcard }), signal),
    asked(session, xml("query", { xmlns: HC.startup, send_auto_join_user_presences: "false" }), signal),
  ]);
  const own = people.at(me.bare);
  const nick = wordsOf(card, "vCard", HC.vcard, "FN") ?? wordsOf(startup, "query", HC.startup, "name") ?? own?.name;
  const mention = wordsOf(startup, "query", HC.startup, "mention_name") ?? own?.mention ?? nick?.replace(/\s+/g, "");
  return { nick: nick ?? me.local, mention: mention ?? me.local };
}

/** The answer, or nothing where the server knows no such question. @throws MicroError `unavailable`, and the signal's reason */
async function asked(session: Pick<Session, "ask">, payload: Xml, signal: AbortSignal): Promise<Xml | undefined> {
  try {
    return await session.ask("get", payload, undefined, { signal });
  } catch (error) {
    const known = MicroError.from(error);
    if (known.code === "invalid_argument") return undefined;
    throw known;
  }
}

function wordsOf(answer: Xml | undefined, around: string, ns: string, name: string): string | undefined {
  const within = answer && child(answer, around, ns);
  const element = within && child(within, name, ns);
  const words = element === undefined ? "" : textOf(element).trim();
  return words === "" ? undefined : words.slice(0, 200);
}
