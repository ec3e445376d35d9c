import { type Clock, systemClock } from "../../core/clock.ts";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { closable } from "../../core/lifecycle.ts";
import { type Log, silent } from "../../core/log.ts";
import { plainText } from "../../core/plain-text.ts";
import { createQueue } from "../../core/queue.ts";
import type { IncomingMessage, Input, InputConnection } from "../input.ts";
import { checkPath, openDoor } from "./door.ts";
import { ANSWER_TEXT } from "./protocol.ts";
import { type Ears, type Session, serve } from "./session.ts";
import { checkShare, isForeign } from "./share.ts";
import { userName } from "./users.ts";

export interface LocalInit {
  /** Of the socket. */
  readonly path: string;
  /**
   * Other users of the machine may come, as far as the permissions of the socket's folder let them. Default: only the user
   * that this process runs as, and root.
   */
  readonly shared?: boolean;
  /** What may stand in place of a line's last word. */
  readonly complete?: ((line: string, user: string) => Promise<readonly string[]>) | undefined;
  /** How long who comes may take to prove who they are, in milliseconds. @default 10000 */
  readonly handshakeMs?: number;
  /** How long an answer waits for somebody who does not read; then they are hung up on. @default 10000 */
  readonly stalledMs?: number;
  /** How many sessions other users than ours and root may have, all together; each of them a quarter at most. @default 64 */
  readonly sessions?: number;
}

/** So many may be about to prove who they are; then the one that has taken longest is hung up on. */
const ARRIVING = 64;

/**
 * Users of this machine, over a unix socket: `micro chat`, here or through SSH, when the chat networks are away.
 *
 * Who speaks is the OS user as the kernel knows it (`proof.ts`), whatever they say; each session is a room of its own.
 *
 * @throws MicroError `invalid_argument` for a path that is too long; from `connect()` `invalid_argument` and `conflict`,
 * where nobody can listen
 */
export function localInput(init: LocalInit): (parts?: { readonly clock?: Clock; readonly log?: Log }) => Input {
  checkPath(init.path);
  return ({ clock = systemClock, log = silent } = {}) => ({
    name: "local",
    limits: { textLength: ANSWER_TEXT, files: false, edits: false, buttons: false, pictures: false },
    replays: false,
    hides: true,
    everyLine: true,
    connect: async (options = {}) => {
      if (options.signal?.aborted) throw new MicroError("cancelled", "local: cancelled while connecting");
      return open(init, clock, log);
    },
  });
}

async function open(init: LocalInit, clock: Clock, log: Log): Promise<InputConnection> {
  const { path, shared = false, handshakeMs = 10_000, stalledMs = 10_000, sessions: most = 64 } = init;
  const heard = createQueue<IncomingMessage>();
  const closing = new AbortController();
  const arriving = new Set<() => void>();
  const sessions = new Map<string, { readonly session: Session; readonly uid: number }>();
  const serving = new Set<Promise<void>>();

  const door = await openDoor(path, shared, (socket) => {
    if (closing.signal.aborted) return void socket.destroy();
    const leave = () => void socket.destroy();
    arriving.add(leave);
    const [oldest] = arriving;
    if (arriving.size > ARRIVING) oldest?.();
    let user = "";
    let came: string | undefined;
    const ears: Ears = {
      admit: async (session, uid) => {
        const name = await userName(uid);
        if (isForeign(uid)) checkShare(uid, [...sessions.values()].map((other) => other.uid).filter(isForeign), most);
        if (closing.signal.aborted) throw leaving();
        arriving.delete(leave);
        user = name;
        came = session.id;
        sessions.set(session.id, { session, uid });
        log.info({ session: session.id, user, uid }, "somebody came to `micro chat`");
        return user;
      },
      said: (session, id, text) => {
        const message: IncomingMessage = {
          id: `${session.id}-${id}`,
          from: { id: user, name: user, guest: false },
          place: { room: `${user}/${session.id}`, session: session.id, line: String(id) },
          text,
          addressed: true,
          sentAt: clock.now(),
        };
        if (!heard.push(message))
          session.end(new MicroError("exhausted", "too much is said at once; say it again later"));
      },
      complete: async (line) => init.complete?.(line, user) ?? [],
    };
    const served: Promise<void> = serve({ socket, proofs: door.proofs, clock, handshakeMs }, ears).then(() => {
      arriving.delete(leave);
      serving.delete(served);
      if (came === undefined) return;
      sessions.delete(came);
      log.info({ session: came, user }, "somebody left `micro chat`");
    });
    serving.add(served);
  });

  return {
    [Symbol.asyncIterator]: async function* () {
      for await (const message of heard) {
        if (closing.signal.aborted) return;
        yield message;
      }
    },
    send: async (message, options = {}) => {
      if (closing.signal.aborted) throw new MicroError("unavailable", "local: it is closed");
      const { session: id = "", line } = message.place;
      const session = sessions.get(id)?.session;
      const drop = (why: string) => log.info({ session: id, room: message.place.room }, `an answer is dropped: ${why}`);
      if (session === undefined) return drop("the session has ended");
      // It ends up on a screen, whatever program shows it there.
      const parts = message.parts.map((part) => ({ ...part, text: plainText(part.text) }));
      using limit = deadline(options, stalledMs, "local: writing");
      try {
        const there = await orAbort(session.answer(Number(line), { ...message, parts }, limit.signal), closing.signal);
        if (!there) drop("the session has ended");
      } catch (error) {
        if (closing.signal.aborted) throw new MicroError("unavailable", "local: it is closed", { cause: error });
        if (options.timeoutMs !== undefined || options.signal?.aborted) throw error;
        session.cut();
        drop("nobody reads it; the session is ended");
      }
    },
    ...closable(async () => {
      closing.abort();
      heard.end();
      for (const leave of arriving) leave();
      for (const { session } of sessions.values()) session.end(leaving());
      await Promise.all([...serving, door.close()]);
    }),
  };
}

function leaving(): MicroError {
  return new MicroError("unavailable", "the bot is leaving");
}
