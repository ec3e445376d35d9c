import { randomUUID } from "node:crypto";
import { systemClock } from "../../src/core/clock.ts";
import { answerTo } from "../../src/inputs/xmpp/answers.ts";
import { parseJid } from "../../src/inputs/xmpp/jid.ts";
import { NS } from "../../src/inputs/xmpp/names.ts";
import { login } from "../../src/inputs/xmpp/sasl.ts";
import { openSession, type Session } from "../../src/inputs/xmpp/session.ts";
import { child, textOf, type Xml, xml } from "../../src/inputs/xmpp/xml.ts";
import { XMPP_DOMAIN, type XmppServer } from "../fakes/prosody-server.ts";

/** Somebody in a room of a real server, who comes back after it was killed, and reads what was said there meanwhile. */
export interface RoomPerson {
  /** `false`: there is no link. */
  sayInRoom(text: string): boolean;
  sayTo(jid: string, text: string): boolean;
  /** What others said, each message once, however often the room tells of it. */
  heard(): Iterable<string>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

export async function roomPerson(server: XmppServer, user: string, room: string): Promise<RoomPerson> {
  const heard = new Map<string, string>();
  const nick = user;
  let session: Session | undefined;

  const onStanza = (stanza: Xml) => {
    const { from = "", type, id = randomUUID() } = stanza.attrs;
    const body = child(stanza, "body", NS.client);
    const { bare, resource } = parseJid(from);
    if (stanza.name !== "message" || type === "error" || body === undefined || resource === nick) return;
    // A room's own number is the same whether it is told live or afterwards.
    const number = child(stanza, "stanza-id", NS.sid)?.attrs["id"];
    // Directly, a message that comes again under its id is the same, as clients have it.
    heard.set(bare === room && number !== undefined ? `room ${number}` : `${bare} ${id}`, textOf(body));
  };
  const enter = async () => {
    const signal = AbortSignal.timeout(20_000);
    session = await openSession(
      {
        name: user,
        domain: XMPP_DOMAIN,
        host: "127.0.0.1",
        port: server.port,
        ca: server.certificate.cert,
        maxBytes: 1024 * 1024,
        pingEveryMs: 60_000,
        pingWithinMs: 10_000,
        clock: systemClock,
        authenticate: async (stream, features, within) => {
          await login(user, stream, features, { username: user, password: `${user}pw` }, within);
          return undefined;
        },
        onStanza,
        answer: answerTo,
      },
      signal,
    );
    const mine = session;
    void mine.over.then(() => {
      if (session === mine) session = undefined;
    });
    mine.send(xml("presence"));
    const history = xml("history", { maxstanzas: "50" });
    mine.send(xml("presence", { to: `${room}/${nick}` }, xml("x", { xmlns: NS.muc }, history)));
    // Answered after what was asked before.
    await mine.ask("get", xml("ping", { xmlns: NS.ping }), undefined, { signal });
  };
  const say = (to: string, type: string, text: string): boolean => {
    try {
      if (session === undefined) return false;
      const id = randomUUID();
      session.send(xml("message", { to, type, id }, xml("body", {}, text), xml("origin-id", { xmlns: NS.sid, id })));
      return true;
    } catch {
      return false;
    }
  };

  await enter();
  return {
    sayInRoom: (text) => say(room, "groupchat", text),
    sayTo: (jid, text) => say(jid, "chat", text),
    heard: () => heard.values(),
    comeBack: async () => {
      await session?.close();
      await enter();
    },
    close: async () => session?.close(),
  };
}
