import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { NS } from "../../src/inputs/xmpp/names.ts";
import { type StreamParser, streamParser } from "../../src/inputs/xmpp/parse.ts";
import { child, elements, textOf, write, type Xml, xml } from "../../src/inputs/xmpp/xml.ts";
import type { Certificate } from "./xmpp-certificate.ts";
import { type LoginExchange, loginExchange } from "./xmpp-login.ts";

/** A server that speaks XMPP over a socket, with one account (`bot@chat.example.test`), rooms, and bad manners on request. */
export interface FakeXmpp {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** Everything that the bot has said, as it came. */
  readonly said: readonly Xml[];
  /** What the bot has answered to questions, and the presences that it has sent. */
  readonly answers: readonly Xml[];
  readonly presences: readonly Xml[];
  /** What people see of the bot: corrections are carried out. */
  readonly heard: readonly SeenMessage[];
  /** How the bot has tried to log in. */
  readonly attempts: readonly string[];
  /** How often the bot has logged in. */
  readonly logins: number;
  /** Whatever the fake is to do wrong from now on. */
  readonly faults: Faults;
  readonly rooms: ReadonlyMap<string, FakeRoom>;
  /** A room as its service has it, for a test to change before the bot comes. */
  room(jid: string): FakeRoom;
  /** Somebody enters a room; the bot is told if it is there. */
  enter(room: string, nick: string, facts?: Partial<FakeOccupant>): void;
  leave(room: string, nick: string, codes?: readonly number[], item?: Readonly<Record<string, string>>): void;
  /** An occupant says something in a room. What it was, to be delivered again. */
  say(text: string, options?: SayOptions): Xml;
  /** Any stanza goes to the bot as it is. */
  deliver(stanza: Xml): void;
  /** Any text goes to the bot as it is. */
  raw(text: string | Buffer): void;
  /** Resets all links. */
  cut(): void;
  close(): Promise<void>;
}

export interface SayOptions {
  /** Default `ann`. */
  readonly nick?: string;
  /** Default `ops@conf.example.test`. */
  readonly room?: string;
  readonly id?: string;
  readonly children?: readonly Xml[];
  readonly attrs?: Readonly<Record<string, string>>;
}

export interface SeenMessage {
  readonly id: string;
  readonly to: string;
  readonly type: string;
  text: string;
  stanza: Xml;
}

export interface Faults {
  /** Default all that we know but PLAIN. */
  mechanisms: readonly string[];
  /** No TLS is offered. */
  noTls: boolean;
  /** Words behind `<proceed/>` that were not said under TLS. */
  injected: string;
  /** Log-ins fail for that. */
  refuse: string | undefined;
  /** It does not know the password and lets everybody in. */
  forged: boolean;
  rounds: number;
  /** Answered instead of features, at the first stream. */
  streamError: Xml | undefined;
  /** Everything goes in pieces of so many bytes. */
  pieces: number;
  /** Nothing is read or said any more, and the socket stays open. */
  frozen: boolean;
  /** What the bot says is not confirmed. */
  held: boolean;
  /** The next things that the bot says are refused so: a condition and its type. */
  failSends: { condition: string; type: string }[];
  /** Pings are not known, as RFC 6120 lets a server say. */
  noPing: boolean;
}

export interface FakeRoom {
  readonly jid: string;
  occupants: Map<string, FakeOccupant>;
  /** Real JIDs are shown to everybody. */
  open: boolean;
  /** It answers nobody who wants to come in. */
  silent: boolean;
  /** The bot is a moderator in it. */
  moderator: boolean;
  features: readonly string[];
  /** What newcomers are told. */
  history: readonly Xml[];
  subject: boolean;
  /** Newcomers are refused with that. */
  refuse: { condition: string; type: string } | undefined;
  /** The nick of the bot while it is there. */
  botNick: string | undefined;
  /** How often the bot came, and what history it asked for. */
  joins: number;
  asked: Readonly<Record<string, string>> | undefined;
}

export interface FakeOccupant {
  readonly jid: string;
  readonly occupantId: string;
  readonly affiliation: string;
  readonly role: string;
}

export const DOMAIN = "chat.example.test";
export const OPS = "ops@conf.example.test";
const BOT = { user: "bot", password: "botpw" };
const ID_FEATURES = [NS.muc, NS.sid, NS.occupant];

interface Link {
  send(text: string | Buffer): void;
  destroy(): void;
  jid: string;
}

/** What another network on the same protocol does its own way. */
export interface FakeDialect {
  readonly domain: string;
  readonly account: { readonly user: string; readonly password: string };
  /** What is offered inside TLS before the login; `undefined`: SASL. */
  offers(): readonly Xml[] | undefined;
  /** Takes an element of a login that is no SASL; with the full JID of who has logged in, without a new stream. */
  login(element: Xml): { readonly how: string; readonly answer: Xml; readonly jid: string | undefined } | undefined;
  /** What is in the answer to a question. */
  answer(payload: Xml, to: string | undefined): Xml | undefined;
}

export async function fakeXmpp(
  certificate: Pick<Certificate, "key" | "cert">,
  dialect?: FakeDialect,
): Promise<FakeXmpp> {
  const domain = dialect?.domain ?? DOMAIN;
  const account = dialect?.account ?? BOT;
  const faults: Faults = {
    mechanisms: ["SCRAM-SHA-1", "SCRAM-SHA-256"],
    noTls: false,
    injected: "",
    refuse: undefined,
    forged: false,
    rounds: 4096,
    streamError: undefined,
    pieces: 0,
    frozen: false,
    held: false,
    failSends: [],
    noPing: false,
  };
  const rooms = new Map<string, FakeRoom>();
  const said: Xml[] = [];
  const answers: Xml[] = [];
  const attempts: string[] = [];
  const presences: Xml[] = [];
  const heard: SeenMessage[] = [];
  const links = new Set<Link>();
  const sockets = new Set<Socket>();
  let logins = 0;
  let counter = 0;

  const room = (jid: string): FakeRoom => {
    let found = rooms.get(jid);
    if (found === undefined) {
      found = {
        jid,
        occupants: new Map(),
        open: true,
        silent: false,
        moderator: false,
        features: ID_FEATURES,
        history: [],
        subject: true,
        refuse: undefined,
        botNick: undefined,
        joins: 0,
        asked: undefined,
      };
      rooms.set(jid, found);
    }
    return found;
  };
  const toBot = (stanza: Xml) => {
    for (const link of links) link.send(write(stanza));
  };

  const presenceOf = (
    where: FakeRoom,
    nick: string,
    who: FakeOccupant,
    codes: readonly number[] = [],
    extra = {},
  ): Xml => {
    const jid = where.open || where.moderator ? who.jid : undefined;
    return xml(
      "presence",
      { from: `${where.jid}/${nick}`, ...extra },
      xml(
        "x",
        { xmlns: NS.mucUser },
        xml("item", { affiliation: who.affiliation, role: who.role, jid }),
        ...codes.map((code) => xml("status", { code: String(code) })),
      ),
      where.features.includes(NS.occupant) ? xml("occupant-id", { xmlns: NS.occupant, id: who.occupantId }) : undefined,
    );
  };

  const join = (link: Link, where: FakeRoom, nick: string, x: Xml) => {
    where.asked = child(x, "history", NS.muc)?.attrs;
    if (where.silent) return;
    if (where.refuse !== undefined) {
      link.send(write(errorTo("presence", { from: `${where.jid}/${nick}` }, where.refuse)));
      return;
    }
    if (where.occupants.has(nick) && where.botNick !== nick) {
      link.send(
        write(errorTo("presence", { from: `${where.jid}/${nick}` }, { condition: "conflict", type: "cancel" })),
      );
      return;
    }
    where.botNick = nick;
    where.joins += 1;
    for (const [name, who] of where.occupants) {
      if (name !== nick) link.send(write(presenceOf(where, name, who)));
    }
    const me: FakeOccupant = {
      jid: link.jid,
      occupantId: "the-bot",
      affiliation: "member",
      role: where.moderator ? "moderator" : "participant",
    };
    where.occupants.set(nick, me);
    link.send(write(presenceOf(where, nick, me, where.open ? [100, 110] : [110])));
    for (const old of where.history) link.send(write(old));
    if (where.subject) link.send(write(xml("message", { from: where.jid, type: "groupchat" }, xml("subject"))));
  };

  const onIq = (link: Link, stanza: Xml) => {
    const { id, type, to } = stanza.attrs;
    const [payload] = elements(stanza);
    if (type !== "get" && type !== "set") {
      answers.push(stanza);
      return;
    }
    const where = rooms.get(to ?? "");
    if (payload?.name === "ping" && faults.held) return;
    const told = payload && type === "get" ? dialect?.answer(payload, to) : undefined;
    if (told !== undefined) return link.send(write(xml("iq", { type: "result", id, from: to }, told)));
    const [jid = "", nick] = split(to ?? "");
    if (payload?.name === "ping" && nick !== undefined && rooms.get(jid)?.botNick !== nick) {
      return link.send(write(errorTo("iq", { id, from: to }, { condition: "not-acceptable", type: "cancel" })));
    }
    if (payload?.name === "ping" && !faults.noPing)
      return link.send(write(xml("iq", { type: "result", id, from: to })));
    if (payload?.name === "query" && payload.ns === NS.discoInfo) {
      const features = where === undefined ? [] : where.features;
      const query = xml("query", { xmlns: NS.discoInfo }, ...features.map((one) => xml("feature", { var: one })));
      return link.send(write(xml("iq", { type: "result", id, from: to }, query)));
    }
    link.send(write(errorTo("iq", { id, from: to }, { condition: "service-unavailable", type: "cancel" })));
  };

  const onMessage = (link: Link, stanza: Xml) => {
    said.push(stanza);
    const { to = "", type = "", id = "" } = stanza.attrs;
    const failure = faults.failSends.shift();
    if (failure !== undefined) return link.send(write(errorTo("message", { id, from: to }, failure)));
    if (faults.held) return;
    if (child(stanza, "body", NS.client) === undefined) return reflect(link, stanza);
    const text = bodyOf(stanza);
    const corrected = child(stanza, "replace", NS.correct)?.attrs["id"];
    const before = heard.find((one) => one.id === corrected && one.to === to);
    if (before !== undefined) Object.assign(before, { text, stanza });
    else heard.push({ id, to, type, text, stanza });
    reflect(link, stanza);
  };

  const reflect = (link: Link, stanza: Xml) => {
    const { to = "", type } = stanza.attrs;
    if (type !== "groupchat") return;
    const where = rooms.get(to);
    if (where?.botNick === undefined) return;
    const copy = { ...stanza, ns: undefined, attrs: { ...stanza.attrs, from: `${to}/${where.botNick}`, to: link.jid } };
    const stamp = xml("stanza-id", { xmlns: NS.sid, by: to, id: `s${++counter}` });
    link.send(write({ ...copy, children: [...stanza.children, stamp] }));
  };

  const onPresence = (link: Link, stanza: Xml) => {
    const [jid = "", nick] = split(stanza.attrs["to"] ?? "");
    presences.push(stanza);
    const x = child(stanza, "x", NS.muc);
    if (nick !== undefined && x) join(link, room(jid), nick, x);
  };

  const serve = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    let wire: Socket = socket;
    let parser: StreamParser | undefined;
    let login: LoginExchange | undefined;
    let authenticated = false;
    const jid = `${account.user}@${domain}/${Math.random().toString(36).slice(2)}`;
    const send = (text: string | Buffer) => {
      if (faults.frozen || wire.destroyed) return;
      const bytes = Buffer.from(text as string);
      const step = faults.pieces || bytes.length || 1;
      for (let at = 0; at < bytes.length; at += step) wire.write(bytes.subarray(at, at + step));
    };
    const link: Link = { send, jid, destroy: () => socket.destroy() };

    const arrive = (as: string) => {
      link.jid = as;
      logins += 1;
      links.add(link);
      wire.on("close", () => {
        links.delete(link);
        for (const one of rooms.values()) {
          if (one.botNick !== undefined && one.occupants.get(one.botNick)?.jid === link.jid) {
            one.occupants.delete(one.botNick);
            one.botNick = undefined;
          }
        }
      });
    };

    const features = (): Xml => {
      if (wire === socket) {
        return faults.noTls
          ? xml("stream:features", {}, authenticated ? xml("bind", { xmlns: NS.bind }) : mechanisms(faults.mechanisms))
          : xml("stream:features", {}, xml("starttls", { xmlns: NS.tls }, xml("required")), mechanisms(["PLAIN"]));
      }
      if (!authenticated) {
        return xml("stream:features", {}, ...(dialect?.offers() ?? [mechanisms(faults.mechanisms)]));
      }
      return xml("stream:features", {}, xml("bind", { xmlns: NS.bind }));
    };
    const onElement = async (element: Xml) => {
      if (faults.frozen) return;
      const own = authenticated || wire === socket ? undefined : dialect?.login(element);
      if (element.name === "starttls") {
        send(write(xml("proceed", { xmlns: NS.tls })) + faults.injected);
        socket.removeAllListeners("data");
        wire = new TLSSocket(socket, { isServer: true, key: certificate.key, cert: certificate.cert });
        wire.on("error", () => {});
        await renew();
        listen(wire);
      } else if (own !== undefined) {
        attempts.push(own.how);
        authenticated = own.jid !== undefined;
        if (own.jid !== undefined) arrive(own.jid);
        send(write(own.answer));
      } else if (element.name === "auth" || element.name === "response") {
        const mechanism = element.attrs["mechanism"] ?? "";
        if (element.name === "auth") attempts.push(mechanism);
        login ??= loginExchange(mechanism, { ...account, forged: faults.forged, rounds: faults.rounds });
        const result = login.take(Buffer.from(textOf(element), "base64").toString());
        const encoded = (text: string) => Buffer.from(text).toString("base64");
        if ("challenge" in result) {
          send(write(xml("challenge", { xmlns: NS.sasl }, encoded(result.challenge))));
        } else if (!result.done || faults.refuse !== undefined) {
          login = undefined;
          send(write(xml("failure", { xmlns: NS.sasl }, xml(faults.refuse ?? "not-authorized"))));
        } else {
          authenticated = true;
          await renew();
          send(write(xml("success", { xmlns: NS.sasl }, encoded(result.proof))));
        }
      } else if (element.name === "iq" && child(element, "bind", NS.bind)) {
        const bind = child(element, "bind", NS.bind);
        const wanted = bind && child(bind, "resource", NS.bind);
        arrive(wanted === undefined ? jid : `${account.user}@${domain}/${textOf(wanted)}`);
        send(
          write(
            xml(
              "iq",
              { type: "result", id: element.attrs["id"] },
              xml("bind", { xmlns: NS.bind }, xml("jid", {}, link.jid)),
            ),
          ),
        );
      } else if (element.name === "iq") onIq(link, element);
      else if (element.name === "message") onMessage(link, element);
      else if (element.name === "presence") onPresence(link, element);
    };
    const renew = async () => {
      parser = await streamParser(
        {
          opened: () => {
            const id = Math.random().toString(36).slice(2);
            send(
              `<?xml version='1.0'?><stream:stream xmlns='${NS.client}' xmlns:stream='${NS.streams}' from='${domain}' id='${id}' version='1.0'>`,
            );
            if (faults.streamError !== undefined) {
              send(`<stream:error>${write(faults.streamError)}</stream:error></stream:stream>`);
              socket.end();
            } else send(write(features()));
          },
          element: (element) => void onElement(element),
          ended: () => {
            send("</stream:stream>");
            wire.end();
          },
        },
        10_000_000,
      );
    };
    const listen = (to: Socket) => {
      to.on("data", (bytes) => {
        try {
          if (!faults.frozen) parser?.feed(bytes);
        } catch {
          socket.destroy();
        }
      });
    };
    socket.on("error", () => {});
    socket.pause();
    void renew().then(() => {
      listen(socket);
      socket.resume();
    });
  };

  const server = createServer(serve).listen(0, "127.0.0.1");
  await once(server, "listening");
  const ops = room(OPS);
  ops.occupants.set("ann", {
    jid: `ann@${DOMAIN}/laptop`,
    occupantId: "occ-ann",
    affiliation: "member",
    role: "participant",
  });

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    said,
    heard,
    answers,
    attempts,
    presences,
    get logins() {
      return logins;
    },
    faults,
    rooms,
    room,
    enter: (jid, nick, facts = {}) => {
      const who = {
        jid: `${nick}@${DOMAIN}/x`,
        occupantId: `occ-${nick}`,
        affiliation: "none",
        role: "participant",
        ...facts,
      };
      room(jid).occupants.set(nick, who);
      if (room(jid).botNick !== undefined) toBot(presenceOf(room(jid), nick, who));
    },
    leave: (jid, nick, codes = [], item = {}) => {
      const where = room(jid);
      const who = where.occupants.get(nick);
      where.occupants.delete(nick);
      if (where.botNick === nick) where.botNick = undefined;
      const facts = xml(
        "x",
        { xmlns: NS.mucUser },
        xml("item", { affiliation: who?.affiliation ?? "none", role: "none", ...item }),
        ...codes.map((code) => xml("status", { code: String(code) })),
      );
      toBot(xml("presence", { from: `${jid}/${nick}`, type: "unavailable" }, facts));
    },
    say: (text, options = {}) => {
      const { nick = "ann", room: jid = OPS, id = `m${++counter}`, children = [], attrs = {} } = options;
      const where = room(jid);
      const who = where.occupants.get(nick);
      const has = (feature: string) => where.features.includes(feature);
      const stanza = xml(
        "message",
        { from: `${jid}/${nick}`, type: "groupchat", id, ...attrs },
        xml("body", {}, text),
        has(NS.sid) ? xml("stanza-id", { xmlns: NS.sid, by: jid, id: `s${++counter}` }) : undefined,
        has(NS.occupant) && who ? xml("occupant-id", { xmlns: NS.occupant, id: who.occupantId }) : undefined,
        ...children,
      );
      toBot(stanza);
      return stanza;
    },
    deliver: toBot,
    raw: (text) => {
      for (const link of links) link.send(text);
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function mechanisms(names: readonly string[]): Xml {
  return xml("mechanisms", { xmlns: NS.sasl }, ...names.map((name) => xml("mechanism", {}, name)));
}

function errorTo(
  name: string,
  attrs: Readonly<Record<string, string | undefined>>,
  { condition, type }: { readonly condition: string; readonly type: string },
): Xml {
  return xml(name, { ...attrs, type: "error" }, xml("error", { type }, xml(condition, { xmlns: NS.stanzaErrors })));
}

function bodyOf(stanza: Xml): string {
  const body = child(stanza, "body", NS.client);
  return body === undefined ? "" : textOf(body);
}

function split(jid: string): readonly [string, string | undefined] {
  const slash = jid.indexOf("/");
  return slash < 0 ? [jid, undefined] : [jid.slice(0, slash), jid.slice(slash + 1)];
}
