import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { closable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import { createHold } from "../hold.ts";
import type { ConnectOptions, InputConnection } from "../input.ts";
import { createWaiting } from "../waiting.ts";
import { answerTo } from "../xmpp/answers.ts";
import { remember } from "../xmpp/connection.ts";
import { parseJid } from "../xmpp/jid.ts";
import { watchRooms } from "../xmpp/self-ping.ts";
import { openSession, type Session } from "../xmpp/session.ts";
import { type Xml, xml } from "../xmpp/xml.ts";
import { authenticate, type Hosts } from "./auth.ts";
import { invitation } from "./invite.ts";
import { joinedRooms } from "./joined.ts";
import { listRooms, wantedRooms } from "./list.ts";
import { heard } from "./message.ts";
import { HC } from "./names.ts";
import { createNotifier } from "./notify.ts";
import { createPeople } from "./people.ts";
import { poster } from "./post.ts";
import { readProfile, readRoster } from "./profile.ts";
import { type Account, apiOf, confOf } from "./settings.ts";

export interface ConnectionInit {
  readonly account: Account;
  /** Names or JIDs; none: all. */
  readonly rooms: readonly string[];
  /** Where the bot was invited to, on this link and those before. */
  readonly invited: Set<string>;
  readonly ca: string | undefined;
  readonly pingEveryMs: number;
  readonly pingWithinMs: number;
  readonly rejoinMs: number;
  readonly refreshMs: number;
  readonly checkRoomsMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** How many stanzas may come before the bot is ready for them, and of how many messages it is known when they came first. */
const REMEMBERED = 1000;

const INVITED_AT_MOST = 1000;

/** A roster comes in one element, and organisations are large. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * One link: logs in, asks who is who, goes into the rooms, translates.
 *
 * @throws MicroError `unauthenticated`, `unavailable`, and the signal's reason
 */
export async function hipchatConnection(
  init: ConnectionInit,
  options: ConnectOptions & { readonly signal: AbortSignal },
): Promise<InputConnection> {
  const { account, clock, log, invited } = init;
  const { signal } = options;
  const closing = new AbortController();
  const people = createPeople(account.domain);
  const numbers = new Map<string, string>();
  let hosts: Hosts = {};
  let missed: readonly string[] = [];
  // Stanzas may come as soon as the server knows us, before we know who is who.
  const early: Xml[] = [];
  let onStanza = (stanza: Xml): void => {
    if (early.length < REMEMBERED) early.push(stanza);
  };
  let onRoster = () => {};

  const answer = (payload: Xml, type: string): Xml | true | undefined => {
    if (type !== "set") return answerTo(payload, type);
    // Whoever says so, it is only a reason to ask the server anew.
    if (payload.ns === HC.roster) onRoster();
    return payload.ns === HC.roster || payload.ns?.startsWith(HC.own) ? true : undefined;
  };
  const session: Session = await openSession(
    {
      ...account,
      ...init,
      name: "hipchat",
      maxBytes: MAX_BYTES,
      authenticate: (stream, features, within) =>
        authenticate(
          stream,
          features,
          account,
          (told) => {
            hosts = told;
          },
          within,
        ),
      onStanza: (stanza) => onStanza(stanza),
      answer,
    },
    signal,
  );
  // The server does not hear from us, either, that it is alive: half of its time for a ping.
  const hold = createHold(clock, init.pingWithinMs / 2, session.read);
  const waiting = createWaiting({ name: "hipchat", log, options, hold });
  const over = session.over.then((error) => {
    closing.abort();
    waiting.end(error);
    return error;
  });

  try {
    const me = parseJid(session.jid);
    const conf = account.conf ?? hosts.muc ?? confOf(account.domain);
    await readRoster(session, people, signal);
    const profile = await readProfile(session, people, me, signal);
    const base = account.api ?? (hosts.api ? `https://${hosts.api}` : apiOf(account));
    const notifier = account.token
      ? await createNotifier({ base, token: account.token, ca: init.ca, now: () => clock.now() })
      : undefined;
    void over.then(() => notifier?.close());

    const rooms = joinedRooms({ ...init, name: "hipchat", nick: profile.nick, session }, closing.signal);
    const post = poster({
      session,
      rooms,
      domain: account.domain,
      notifier,
      numberOf: (room) => numbers.get(room),
      log,
    });
    void over.then((error) => post.end(error));
    const firstHeard = remember(REMEMBERED);
    const hearing = { me, rooms, people, conf, mention: profile.mention, homes: HOMES, stanzaIds: false };

    const enter = async (within: AbortSignal) => {
      const listed = await listRooms(session, conf, within).catch((error: unknown) => {
        const known = MicroError.from(error);
        if (known.code !== "invalid_argument") throw known;
        return [];
      });
      for (const { jid, id } of listed) if (id !== undefined) numbers.set(jid, id);
      const unknown = init.rooms.filter((room) => wantedRooms(listed, [room]).length === 0);
      if (unknown.length > 0 && unknown.join() !== missed.join()) {
        log.warn({ rooms: unknown }, "hipchat: the server lists no such rooms; those that appear are entered");
      }
      missed = unknown;
      await rooms.enter([...wantedRooms(listed, init.rooms), ...invited], within);
    };
    const refresh = async () => {
      for (;;) {
        await clock.sleep(init.refreshMs, { signal: closing.signal });
        await readRoster(session, people, closing.signal).catch(unread);
        await enter(closing.signal).catch(unread);
      }
    };
    const unread = (error: Error) => {
      log.debug({ reason: error.message }, "hipchat: rooms or people could not be asked for; later again");
    };

    onRoster = onceAtATime(() => readRoster(session, people, closing.signal).catch(unread));

    const onMessage = (stanza: Xml) => {
      const room = invitation(stanza, conf);
      if (room !== undefined) {
        if (invited.size < INVITED_AT_MOST) invited.add(room);
        log.info({ room }, "hipchat: invited into a room");
        rooms.enter([room], closing.signal).catch(unread);
        return;
      }
      if (post.take(stanza) || rooms.take(stanza)) return;
      const said = heard(stanza, { ...hearing, now: clock.now() });
      if (said !== undefined) waiting.take({ ...said, sentAt: firstHeard(said.id, said.sentAt) });
    };
    onStanza = (stanza) => {
      if (stanza.name === "message") onMessage(stanza);
      else rooms.take(stanza);
    };
    for (const stanza of early.splice(0)) onStanza(stanza);
    session.send(xml("presence", {}, xml("show", {}, "chat"), xml("c", { xmlns: HC.caps, node: HC.bot, ver: "1" })));
    await enter(signal);
    refresh().catch(() => {});
    watchRooms(rooms, session, clock, init.checkRoomsMs, closing.signal).catch(() => {});
    log.info({ jid: me.bare, conf, nick: profile.nick, mention: profile.mention }, "hipchat: logged in");

    return {
      [Symbol.asyncIterator]: () => waiting[Symbol.asyncIterator](),
      lost: over,
      send: post.post,
      ...closable(async () => {
        closing.abort();
        waiting.close();
        post.end(new MicroError("unavailable", "hipchat: the connection is closed"));
        await notifier?.close();
        await session.close();
        await over;
      }),
    };
  } catch (error) {
    closing.abort();
    await session.close();
    await over;
    throw error;
  }
}

/** Does it, and once more when it was asked for meanwhile. */
function onceAtATime(work: () => Promise<void>): () => void {
  let asked = 0;
  return () => {
    asked += 1;
    if (asked > 1) return;
    void (async () => {
      for (let done = 0; done < asked; ) {
        done = asked;
        await work();
      }
      asked = 0;
    })();
  };
}

/** Who is a stranger is not told by domains here. */
const HOMES: ReadonlySet<string> = new Set();
