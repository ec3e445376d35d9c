import { MicroError } from "../../core/errors.ts";
import { complaintOf, inWords, stanzaComplaint } from "../xmpp/errors.ts";
import { NS } from "../xmpp/names.ts";
import { login } from "../xmpp/sasl.ts";
import { offers, type Stream } from "../xmpp/stream.ts";
import { type Xml, xml } from "../xmpp/xml.ts";
import { HC } from "./names.ts";
import type { Account } from "./settings.ts";

/** What HipChat's own login tells beside "come in". */
export interface Hosts {
  readonly muc?: string | undefined;
  readonly api?: string | undefined;
}

/**
 * Logs in with what the server offers: SASL, else HipChat's own element, else `jabber:iq:auth` (`chat.md §5`). The last two, and
 * SASL's PLAIN, show the password to the server, so none of them is done without TLS. With an e-mail address HipChat's
 * own comes first, because SASL knows accounts only.
 *
 * @returns the full JID, when there is nothing to be bound: the stream goes on as it is
 * @throws MicroError `unauthenticated`, `unavailable`, and the signal's reason
 */
export async function authenticate(
  stream: Stream,
  features: Xml,
  account: Account,
  told: (hosts: Hosts) => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  const own = offers(features, "auth", HC.own);
  if (!stream.secured)
    throw new MicroError("unauthenticated", "hipchat: the link is not secure, and the bot says no password there");
  if (own && (account.login.includes("@") || !offers(features, "mechanisms", NS.sasl))) {
    return await ownLogin(stream, account, told, signal);
  }
  if (offers(features, "mechanisms", NS.sasl) || !offers(features, "auth", HC.iqAuthFeature)) {
    await login("hipchat", stream, features, { username: account.login, password: account.password }, signal);
    return undefined;
  }
  return await oldLogin(stream, account, signal);
}

/** `<auth xmlns='http://hipchat.com'>`: PLAIN with a resource, answered with the JID and where rooms and REST are. */
async function ownLogin(
  stream: Stream,
  { login: name, password, resource, domain }: Account,
  told: (hosts: Hosts) => void,
  signal: AbortSignal,
): Promise<string> {
  const words = Buffer.from(`\0${name}\0${password}\0${resource}`).toString("base64");
  stream.send(xml("auth", { xmlns: HC.own, node: HC.bot, ver: "1" }, words));
  const answer = await stream.next(signal);
  if (answer.name === "failure") throw refused(inWords(complaintOf(answer, answer.ns ?? NS.sasl)));
  if (answer.name !== "success") {
    throw new MicroError("unavailable", `hipchat: the server answered the login with <${answer.name}/>`);
  }
  const { jid, muc_host: muc, api_host: api } = answer.attrs;
  told({ muc: hostname(muc), api: hostname(api) });
  if (jid?.includes("@")) return jid.includes("/") ? jid : `${jid}/${resource}`;
  if (name.includes("@")) throw new MicroError("unavailable", "hipchat: the server does not say which account this is");
  return `${name}@${domain}/${resource}`;
}

/** XEP-0078, which is older than SASL. */
async function oldLogin(stream: Stream, account: Account, signal: AbortSignal): Promise<string> {
  const { login: username, password, resource, domain } = account;
  const query = xml(
    "query",
    { xmlns: HC.iqAuth },
    xml("username", {}, username),
    xml("password", {}, password),
    xml("resource", {}, resource),
  );
  stream.send(xml("iq", { type: "set", id: "auth" }, query));
  const answer = await stream.next(signal);
  if (answer.name !== "iq" || answer.attrs["id"] !== "auth") {
    throw new MicroError("unavailable", `hipchat: the server answered the login with <${answer.name}/>`);
  }
  if (answer.attrs["type"] === "result") return `${username}@${domain}/${resource}`;
  const complaint = stanzaComplaint(answer);
  if (complaint.type === "wait") {
    throw new MicroError("unavailable", `hipchat: the server cannot log the bot in now (${inWords(complaint)})`);
  }
  throw refused(inWords(complaint));
}

function refused(why: string): MicroError {
  return new MicroError("unauthenticated", `hipchat: the server refused the user name or password (${why})`);
}

/** A name of a host and nothing else, as it becomes part of addresses. */
function hostname(text: string | undefined): string | undefined {
  return text !== undefined && /^[a-z\d-]+(?:\.[a-z\d-]+)*$/i.test(text) ? text.toLowerCase() : undefined;
}
