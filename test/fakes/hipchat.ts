import { HC } from "../../src/inputs/hipchat/names.ts";
import { NS } from "../../src/inputs/xmpp/names.ts";
import { child, textOf, type Xml, xml } from "../../src/inputs/xmpp/xml.ts";
import { type FakeXmpp, fakeXmpp, type SayOptions } from "./xmpp.ts";
import type { Certificate } from "./xmpp-certificate.ts";

export const CHAT = "chat.hipchat.com";
export const CONF = "conf.hipchat.com";
export const BOT = "12345_1";
export const OPS = `12345_ops@${CONF}`;
export const DEV = `12345_dev_team@${CONF}`;

/** The XMPP fake with HipChat's manners (`chat.md §5`): its logins, its startup query, roster, list of rooms and messages. */
export interface FakeHipChat extends FakeXmpp {
  readonly manners: Manners;
  /** Somebody with an account; in the rooms that are named. */
  person(number: string, name: string, ...rooms: readonly string[]): void;
  /** An occupant says something, as HipChat delivers it. */
  sayAs(name: string, text: string, options?: SayAsOptions): Xml;
  /** Somebody says something directly. */
  tell(jid: string, text: string, children?: readonly Xml[]): Xml;
  /** A question of the server's to the bot: here, that its roster is another. */
  push(payload: Xml): void;
}

export interface SayAsOptions extends Omit<SayOptions, "nick"> {
  /** Who the server says has said it; `undefined` for nothing. */
  readonly sender?: string | undefined;
}

export interface Manners {
  /** What is offered: HipChat's own login, `jabber:iq:auth`, SASL's PLAIN. */
  logins: readonly ("own" | "iq" | "plain")[];
  password: string;
  /** Every login fails. */
  refuse: boolean;
  /** What is in `<success>` beside the JID. */
  hosts: Readonly<Record<string, string>>;
  roster: { readonly jid: string; readonly name: string; readonly mention_name?: string }[];
  /** The account's full name by its vCard; `undefined`: there is no vCard. */
  fullName: string | undefined;
  /** By the startup query; `undefined`: there is no such question. */
  mention: string | undefined;
  list: { readonly jid: string; readonly name: string; readonly id: string; readonly archived?: boolean }[] | undefined;
  /** How often the roster and the list were asked for. */
  asked: { roster: number; list: number };
}

export async function fakeHipChat(certificate: Pick<Certificate, "key" | "cert">): Promise<FakeHipChat> {
  const manners: Manners = {
    logins: ["own", "iq", "plain"],
    password: "botpw",
    refuse: false,
    hosts: { chat_host: CHAT, muc_host: CONF, api_host: "api.hipchat.com", web_host: "www.hipchat.com" },
    roster: [{ jid: `${BOT}@${CHAT}`, name: "Micro Bot", mention_name: "Micro" }],
    fullName: "Micro Bot",
    mention: "Micro",
    list: [
      { jid: OPS, name: "Ops", id: "700" },
      { jid: DEV, name: "Dev Team", id: "701" },
      { jid: `12345_old@${CONF}`, name: "Old", id: "702", archived: true },
    ],
    asked: { roster: 0, list: 0 },
  };
  const can = (name: string, password: string) => !manners.refuse && name !== "" && password === manners.password;
  const server = await fakeXmpp(certificate, {
    domain: CHAT,
    account: { user: BOT, password: manners.password },
    offers: () => [
      ...(manners.logins.includes("own") ? [xml("auth", { xmlns: HC.own })] : []),
      ...(manners.logins.includes("iq") ? [xml("auth", { xmlns: HC.iqAuthFeature })] : []),
      ...(manners.logins.includes("plain")
        ? [xml("mechanisms", { xmlns: NS.sasl }, xml("mechanism", {}, "PLAIN"))]
        : []),
    ],
    login: (element) => {
      if (element.name === "auth" && element.ns === HC.own) {
        const [nothing, name = "", password = "", resource] = Buffer.from(textOf(element), "base64")
          .toString()
          .split("\0");
        const jid =
          nothing === "" && can(name, password) ? `${BOT}@${CHAT}/${resource}||proxy|${CHAT}|5222` : undefined;
        const no = xml("failure", { xmlns: NS.sasl }, xml("not-authorized"));
        const answer = jid === undefined ? no : xml("success", { xmlns: NS.sasl, jid, ...manners.hosts });
        return { how: "own", answer, jid };
      }
      const query = element.name === "iq" ? child(element, "query", HC.iqAuth) : undefined;
      if (query === undefined) return undefined;
      const words = (name: string) => textOf(child(query, name, HC.iqAuth) ?? xml(name));
      const fits = can(words("username"), words("password"));
      const { id } = element.attrs;
      const no = xml("error", { type: "auth" }, xml("not-authorized", { xmlns: NS.stanzaErrors }));
      return {
        how: "jabber:iq:auth",
        answer: fits ? xml("iq", { type: "result", id }) : xml("iq", { type: "error", id }, no),
        jid: fits ? `${words("username")}@${CHAT}/${words("resource")}` : undefined,
      };
    },
    answer: (payload, to) => {
      if (payload.ns === HC.roster) {
        manners.asked.roster += 1;
        return xml(
          "query",
          { xmlns: HC.roster },
          ...manners.roster.map((one) => xml("item", { ...one, subscription: "both" })),
        );
      }
      if (payload.ns === HC.vcard && manners.fullName !== undefined) {
        return xml("vCard", { xmlns: HC.vcard }, xml("FN", {}, manners.fullName));
      }
      if (payload.ns === HC.startup && manners.mention !== undefined) {
        return xml(
          "query",
          { xmlns: HC.startup },
          xml("name", {}, manners.fullName ?? ""),
          xml("mention_name", {}, manners.mention),
        );
      }
      if (payload.ns === HC.discoItems && to === CONF && manners.list !== undefined) {
        manners.asked.list += 1;
        return xml("query", { xmlns: HC.discoItems }, ...manners.list.map(listed));
      }
      return undefined;
    },
  });
  // The fake's own room has somebody in it, and ids that HipChat has not.
  const room = (jid: string) => {
    const made = server.room(jid);
    made.features = [NS.muc];
    return made;
  };
  for (const { jid } of manners.list ?? []) room(jid);
  let counter = 0;

  const hipchat: FakeHipChat = Object.assign(Object.create(server) as FakeXmpp, {
    manners,
    room,
    person: (number: string, name: string, ...rooms: readonly string[]) => {
      const jid = `${number}@${CHAT}`;
      manners.roster.push({ jid, name, mention_name: name.replaceAll(" ", "") });
      for (const where of rooms) server.enter(where, name, { jid: `${jid}/mac||proxy|${CHAT}|5222` });
    },
    sayAs: (name: string, text: string, { sender, children = [], attrs = {}, ...rest }: SayAsOptions = {}) => {
      const from = sender === undefined ? undefined : xml("x", { xmlns: HC.own }, xml("sender", {}, sender));
      return server.say(text, {
        room: OPS,
        nick: name,
        attrs: { mid: `mid-${++counter}`, ts: "1456172560.068233", ...attrs },
        children: from === undefined ? children : [...children, from],
        ...rest,
      });
    },
    tell: (jid: string, text: string, children: readonly Xml[] = []) => {
      const stanza = xml(
        "message",
        { from: jid, type: "chat", mid: `mid-${++counter}` },
        xml("body", {}, text),
        ...children,
      );
      server.deliver(stanza);
      return stanza;
    },
    push: (payload: Xml) => server.deliver(xml("iq", { type: "set", id: `push-${++counter}` }, payload)),
  });
  hipchat.person("12345_2", "Ann Smith", OPS, DEV);
  return hipchat;
}

function listed({ jid, name, id, archived }: { jid: string; name: string; id: string; archived?: boolean }): Xml {
  const more = [xml("id", {}, id), xml("topic", {}, "what it is about"), xml("privacy", {}, "public")];
  const facts = xml("x", { xmlns: HC.room }, ...more, archived ? xml("is_archived") : undefined);
  return xml("item", { jid, name }, facts);
}
