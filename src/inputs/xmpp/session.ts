import { randomUUID } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { deadline } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type CallOptions, type Closable, closable } from "../../core/lifecycle.ts";
import { inWords, sendError, stanzaComplaint } from "./errors.ts";
import { NS } from "./names.ts";
import { offers, openSocket, type Stream, type StreamInit } from "./stream.ts";
import { child, elements, textOf, type Xml, xml } from "./xml.ts";

/** A stream on which the bot has a name: stanzas go and come. Knows no rooms, no words and no reconnecting. */
export interface Session extends Closable {
  /** The full JID that the server gave us. */
  readonly jid: string;
  /** @throws MicroError `unavailable` when the link is lost */
  send(stanza: Xml): void;
  /**
   * Asks (an `iq`) and gives what is in the answer. Default 10000 ms.
   * @param to `undefined`: our own server
   * @throws MicroError `invalid_argument` (the other side says no: `details.condition`), `unavailable`, `timeout`, `cancelled`
   */
  ask(type: "get" | "set", payload: Xml, to: string | undefined, options?: CallOptions): Promise<Xml>;
  /**
   * Resolves when our own server has done with all that was sent before: a server does one thing after another, so what it
   * has to say against a stanza is here before the answer to a question that was asked after it. One question is under way
   * at a time, whoever waits. It rejects when there is no answer.
   */
  settled(): Promise<void>;
  /** As `Stream.read`. */
  read(on: boolean): void;
  /** Why it is over. Never rejects. */
  readonly over: Promise<MicroError>;
}

export interface SessionInit extends StreamInit {
  /**
   * Logs in on a secured stream, after which the stream is opened again and a resource is bound. A dialect that does more or
   * less than SASL has its own; what it returns is the full JID, when the stream goes on as it is and nothing is bound.
   * @throws MicroError `unauthenticated`, `unavailable`
   */
  readonly authenticate: (stream: Stream, features: Xml, signal: AbortSignal) => Promise<string | undefined>;
  /** The resource to ask for; without one the server chooses. */
  readonly resource?: string;
  /** The server is asked for a sign of life this often, and has so long for it. */
  readonly pingEveryMs: number;
  readonly pingWithinMs: number;
  readonly clock: Clock;
  /** Messages and presences, one after another. */
  readonly onStanza: (stanza: Xml) => void;
  /** What the bot answers to a question (an `iq` of type `get` or `set`); `undefined`: that it knows nothing of this. */
  readonly answer: (payload: Xml, type: string) => Xml | true | undefined;
}

interface Asked {
  readonly to: string | undefined;
  resolve(stanza: Xml): void;
  reject(error: MicroError): void;
}

/** How many questions may wait for answers. */
const ASKED_AT_MOST = 1000;

/**
 * Connects, makes the stream secure (always, RFC 6120 §5), logs in, takes a resource, and watches that the other side is
 * alive: a link that nobody has closed may lead nowhere.
 *
 * @throws MicroError `unauthenticated`, `unavailable`, and the signal's reason
 */
export async function openSession(init: SessionInit, signal: AbortSignal): Promise<Session> {
  const { name, clock } = init;
  const stream = await openSocket(init, signal);
  const asked = new Map<string, Asked>();
  const watching = new AbortController();

  const onStanza = (stanza: Xml) => {
    if (stanza.name !== "iq") {
      if (stanza.name === "message" || stanza.name === "presence") init.onStanza(stanza);
      return;
    }
    const { id = "", type = "", from } = stanza.attrs;
    if (type === "get" || type === "set") return reply(stanza, id, from, type);
    const question = asked.get(id);
    if (question === undefined || !answers(from, question.to, jid)) return;
    asked.delete(id);
    if (type === "result") question.resolve(stanza);
    else question.reject(refusal(name, stanza, question.to ?? init.domain));
  };

  const reply = (question: Xml, id: string, to: string | undefined, type: string) => {
    const [payload] = elements(question);
    const result = payload && init.answer(payload, type);
    if (result !== undefined) {
      const content = result === true ? undefined : result;
      return stream.send(xml("iq", { type: "result", id, to }, content));
    }
    // Every question has an answer (RFC 6120 §8.2.3).
    const no = xml("service-unavailable", { xmlns: NS.stanzaErrors });
    stream.send(xml("iq", { type: "error", id, to }, xml("error", { type: "cancel" }, no)));
  };

  const ask: Session["ask"] = async (type, payload, to, options = {}) => {
    if (asked.size >= ASKED_AT_MOST) throw new MicroError("unavailable", `${name}: the server answers nothing`);
    using limit = deadline(options, 10_000, `${name}: ${to ?? init.domain}`);
    const id = randomUUID();
    const answer = new Promise<Xml>((resolve, reject) => asked.set(id, { to, resolve, reject }));
    try {
      stream.send(xml("iq", { type, id, to }, payload));
      return await limit.race(answer);
    } finally {
      asked.delete(id);
    }
  };

  const ping = async (options: CallOptions): Promise<void> => {
    try {
      await ask("get", xml("ping", { xmlns: NS.ping }), undefined, options);
    } catch (error) {
      // "I know no ping" is an answer as well.
      if (MicroError.from(error).code !== "invalid_argument") throw error;
    }
  };

  let settling: Promise<void> | undefined;
  let settlingNext: Promise<void> | undefined;
  const settled = (): Promise<void> => {
    if (settling === undefined) {
      settling = ping({}).finally(() => {
        settling = undefined;
      });
      return settling;
    }
    const next = () => {
      settlingNext = undefined;
      return settled();
    };
    // What is under way was asked too early for this one.
    settlingNext ??= settling.then(next, next);
    return settlingNext;
  };

  const watch = async () => {
    for (;;) {
      await clock.sleep(init.pingEveryMs, { signal: watching.signal });
      const answered = new AbortController();
      const late = clock.sleep(init.pingWithinMs, { signal: answered.signal }).then(
        () => stream.fail(new MicroError("unavailable", `${name}: ${init.domain} gives no sign of life`)),
        () => {},
      );
      await ping({ timeoutMs: 0, signal: watching.signal }).catch(() => {});
      answered.abort();
      await late;
    }
  };

  let jid = "";
  try {
    jid = await negotiate(stream, init, signal);
    stream.listen(onStanza);
  } catch (error) {
    await stream.close();
    throw error;
  }
  const over = stream.over.then((error) => {
    watching.abort();
    for (const question of asked.values()) question.reject(error);
    asked.clear();
    return error;
  });
  const watched = watch().catch(() => {});

  return {
    jid,
    send: stream.send,
    ask,
    settled,
    read: stream.read,
    over,
    ...closable(async () => {
      watching.abort();
      await stream.close();
      await watched;
    }),
  };
}

/** From an open socket to a JID of our own. */
async function negotiate(stream: Stream, init: SessionInit, signal: AbortSignal): Promise<string> {
  const { name, domain } = init;
  const first = await stream.open(signal);
  if (!offers(first, "starttls", NS.tls)) {
    // Also what somebody in between would make us believe.
    throw new MicroError("unavailable", `${name}: ${domain} offers no TLS, and the bot does not speak without`);
  }
  stream.send(xml("starttls", { xmlns: NS.tls }));
  const go = await stream.next(signal);
  if (go.name !== "proceed" || go.ns !== NS.tls) {
    throw new MicroError("unavailable", `${name}: ${domain} offers TLS and then refuses it`);
  }
  await stream.secure(signal);
  const given = await init.authenticate(stream, await stream.open(signal), signal);
  if (given !== undefined) return given;
  const features = await stream.open(signal);
  if (!offers(features, "bind", NS.bind)) {
    throw new MicroError("unavailable", `${name}: ${domain} gives the bot no address`);
  }
  // The server chooses the resource, if nobody else does: one of our choosing might throw another bot out.
  const wanted = init.resource === undefined ? undefined : xml("resource", {}, init.resource);
  stream.send(xml("iq", { type: "set", id: "bind" }, xml("bind", { xmlns: NS.bind }, wanted)));
  const bound = await stream.next(signal);
  const answer = child(bound, "bind", NS.bind);
  const jid = answer && child(answer, "jid", NS.bind);
  if (bound.attrs["type"] !== "result" || jid === undefined) {
    const why = inWords(stanzaComplaint(bound));
    throw new MicroError("unavailable", `${name}: ${domain} gives the bot no address (${why})`);
  }
  return textOf(jid);
}

/** Whether who answers is who was asked; our own server signs with several names (RFC 6120 §8.1.2.1). */
function answers(from: string | undefined, to: string | undefined, jid: string): boolean {
  if (to !== undefined) return from === to;
  const bare = jid.slice(0, jid.indexOf("/"));
  return from === undefined || from === jid || from === bare || from === bare.slice(bare.indexOf("@") + 1);
}

function refusal(name: string, stanza: Xml, whom: string): MicroError {
  return sendError(name, `asking ${whom}`, stanzaComplaint(stanza));
}
