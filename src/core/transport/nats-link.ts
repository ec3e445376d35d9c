import {
  type ConnectionOptions,
  connect,
  createInbox,
  type Msg,
  type NatsConnection,
  type Subscription,
  type TlsOptions,
} from "@nats-io/transport-node";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";

export interface NatsInit {
  /** `host:port`, `nats://user:password@host:port`, `tls://…`. @default ["127.0.0.1:4222"] */
  readonly addresses?: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** For a server that asks for it; PEM text. `{}`: TLS, or nothing. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** What the server shows of us. */
  readonly name?: string;
  /** The first part of inbox subjects, where permissions ask for one. @default "_INBOX" */
  readonly inboxPrefix?: string;
}

/** One connection to NATS for all who need one; it is there as long as somebody does. */
export interface NatsLink {
  /** For people: `nats at 127.0.0.1:4222`. Carries no secret. */
  readonly where: string;
  /** @throws MicroError `unavailable`, `cancelled` */
  join(options?: CallOptions): Promise<NatsSession>;
}

export interface NatsSession {
  /** The library's own, for what it builds on one: JetStream. Not to be closed. */
  readonly connection: NatsConnection;
  /**
   * A new subject below an inbox that is subscribed to already; what comes there is given to `onMessage`. Once it is forgotten,
   * what comes with a reply subject is answered with nothing.
   */
  expect(onMessage: (message: Msg) => void): { readonly subject: string; forget(): void };
  subscribe(subject: string, onMessage: (message: Msg) => void, queue?: string): Subscription;
  /** The server is there, as far as is known. */
  readonly up: boolean;
  /** Resolves when there is room. @throws MicroError `unavailable`, or `invalid_argument` for what is too large */
  publish(subject: string, bytes: Uint8Array, reply?: string): Promise<void>;
  /** Resolves when what was sent so far has reached the server. @throws MicroError `unavailable`, and the signal's reason */
  confirm(signal: AbortSignal): Promise<void>;
  /** What was sent so far has reached the server, or time is over. */
  settle(timeoutMs: number): Promise<void>;
  /** Calls back when the server is lost, which loses messages; the session itself comes back. */
  onLoss(callback: (error: MicroError) => void): () => void;
  /** To be called once for each `join`. */
  leave(): Promise<void>;
}

const PING_MS = 20_000;
const CONNECT_MS = 5000;
/** How long a `join` waits for a server that was there a moment ago. */
const PATIENCE_MS = 1000;
/** So many bytes are sent without knowing that the server has read any; it is asked a good while before. */
const UNREAD_BYTES = 1 << 20;
const ASKED_BYTES = 256 << 10;
/** So many are handed to the library without waiting for the end of the turn. */
const ENOUGH_BYTES = 16 << 10;

export function natsLink(init: NatsInit): NatsLink {
  const options = connectionOptions(init);
  const where = (options.servers as readonly string[]).join(", ");
  let current: Promise<OwnSession> | undefined;

  const open = (): Promise<OwnSession> => {
    const opening = (async () => {
      const nats = await connect(options);
      return createSession(nats, init.inboxPrefix, where, () => {
        if (current === opening) current = undefined;
      });
    })();
    opening.catch(() => {
      if (current === opening) current = undefined;
    });
    return opening;
  };

  return {
    where: `nats at ${where}`,
    join: async (callOptions = {}) => {
      using limit = deadline(callOptions, CONNECT_MS, `connecting to NATS at ${where}`);
      limit.check();
      current ??= open();
      const opening = current;
      try {
        const session = await orAbort(opening, limit.signal);
        await session.joined(limit.signal);
        return session;
      } catch (thrown) {
        // Who gave up may have been the only one.
        opening.then((session) => session.leaveIfUnused()).catch(() => {});
        const error = MicroError.from(thrown, "unavailable");
        if (callOptions.signal?.aborted) throw limit.signal.reason;
        throw new MicroError("unavailable", `NATS at ${where} cannot be reached: ${error.message}`, { cause: error });
      }
    },
  };
}

/** A session as the link sees it. */
interface OwnSession extends NatsSession {
  /** Counts one more who needs it, once the server is there. */
  joined(signal: AbortSignal): Promise<void>;
  leaveIfUnused(): Promise<void>;
}

function createSession(
  nats: NatsConnection,
  inboxPrefix: string | undefined,
  where: string,
  onClose: () => void,
): OwnSession {
  const inbox = `${createInbox(inboxPrefix)}.`;
  const expected = new Map<string, (message: Msg) => void>();
  const losers = new Set<(error: MicroError) => void>();
  let tokens = 0;
  let users = 0;
  let up = true;
  let closed: Promise<void> | undefined;
  let unread = 0;
  let waiting: Outgoing[] = [];
  let waitingBytes = 0;
  let flushing: Promise<void> | undefined;
  let flushed = () => {};
  const wakers: (() => void)[] = [];

  const lost = () => {
    up = false;
    flushed();
    const error = new MicroError("unavailable", `the connection to NATS at ${where} is lost`);
    for (const tell of [...losers]) tell(error);
  };
  const follow = async () => {
    for await (const { type } of nats.status()) {
      if (type === "disconnect") lost();
      if (type !== "reconnect") continue;
      up = true;
      for (const wake of wakers.splice(0)) wake();
    }
    lost();
    onClose();
  };
  const publishAll = () => {
    const all = waiting;
    waiting = [];
    waitingBytes = 0;
    try {
      for (const { subject, bytes, reply } of all)
        nats.publish(subject, bytes, reply === undefined ? undefined : { reply });
    } catch {
      // It was closed just now, of which all are told anyway.
    }
  };
  const room = (): Promise<void> => {
    if (flushing !== undefined) return flushing;
    unread = 0;
    publishAll();
    flushing = new Promise<void>((resolve) => {
      const done = () => {
        flushing = undefined;
        resolve();
      };
      flushed = done;
      nats.flush().then(done, done);
    });
    return flushing;
  };

  const session: OwnSession = {
    connection: nats,
    joined: async (signal) => {
      if (!up) {
        const back = new Promise<void>((resolve) => wakers.push(resolve));
        using patience = deadline({ signal }, PATIENCE_MS, "the lost connection");
        await orAbort(back, patience.signal);
      }
      if (closed) throw new MicroError("unavailable", "the connection was just closed");
      users++;
    },
    leave: async () => {
      users--;
      await session.leaveIfUnused();
    },
    leaveIfUnused: async () => {
      if (users > 0) return;
      onClose();
      closed ??= (async () => {
        await session.settle(200);
        await nats.close();
      })();
      await closed;
    },
    expect: (onMessage) => {
      const token = (tokens++).toString(36);
      expected.set(token, onMessage);
      return { subject: inbox + token, forget: () => void expected.delete(token) };
    },
    get up() {
      return up;
    },
    subscribe: (subject, onMessage, queue) =>
      nats.subscribe(subject, {
        ...(queue === undefined ? {} : { queue }),
        callback: (error, message) => {
          if (error === null) onMessage(message);
        },
      }),
    publish: (subject, bytes, reply) => {
      const most = nats.info?.max_payload ?? Number.POSITIVE_INFINITY;
      if (bytes.length > most) {
        const text = `a message of ${bytes.length} bytes is too large for NATS at ${where}, which takes ${most}`;
        return Promise.reject(new MicroError("invalid_argument", text));
      }
      if (closed) return Promise.reject(new MicroError("unavailable", "the connection to NATS is closed"));
      if (waiting.length === 0) process.nextTick(publishAll);
      waiting.push({ subject, bytes, reply });
      waitingBytes += bytes.length;
      if (waitingBytes >= ENOUGH_BYTES) publishAll();
      unread += bytes.length;
      if (unread < ASKED_BYTES) return ROOM;
      const read = room();
      return unread < UNREAD_BYTES ? ROOM : read;
    },
    confirm: async (signal) => {
      publishAll();
      try {
        await orAbort(nats.flush(), signal);
      } catch (error) {
        throw MicroError.from(error, "unavailable");
      }
    },
    settle: async (timeoutMs) => {
      if (!up) return;
      publishAll();
      using limit = deadline({ timeoutMs }, timeoutMs, "NATS");
      await orAbort(nats.flush(), limit.signal).catch(() => {});
    },
    onLoss: (callback) => {
      losers.add(callback);
      return () => void losers.delete(callback);
    },
  };

  session.subscribe(`${inbox}*`, (message) => {
    const expecting = expected.get(message.subject.slice(inbox.length));
    if (expecting) expecting(message);
    // Who asks for an answer there wants to know whether somebody is.
    else if (message.reply) nats.publish(message.reply);
  });
  void follow();
  return session;
}

/** What is sent in one turn of the loop goes out with one write; the library alone would write several times. */
interface Outgoing {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly reply: string | undefined;
}

/** What `publish` returns when there is nothing to wait for. */
export const ROOM = Promise.resolve();

function connectionOptions(init: NatsInit): ConnectionOptions {
  const servers: string[] = [];
  let { user, password, tls } = init;
  for (const address of init.addresses?.length ? init.addresses : ["127.0.0.1:4222"]) {
    const match =
      /^(?:(nats|tls):\/\/)?(?:([^:@/]*)(?::([^@/]*))?@)?((?:\[[^\]]+\]|[^:/@[\]\s]+)(?::\d{1,5})?)\/?$/.exec(address);
    if (match === null) {
      // The address is not repeated: there may be a password in it.
      throw new MicroError("invalid_argument", "an address of NATS is none: write nats://host:port");
    }
    servers.push(match[4] as string);
    if (match[1] === "tls") tls ??= {};
    if (match[2] !== undefined) user ??= decodeURIComponent(match[2]);
    if (match[3] !== undefined) password ??= decodeURIComponent(match[3]);
  }
  return {
    servers,
    // It never gives up by itself: listeners live on it.
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    pingInterval: PING_MS,
    timeout: CONNECT_MS,
    ...(init.name === undefined ? {} : { name: init.name }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(init.token === undefined ? {} : { token: init.token }),
    ...(init.inboxPrefix === undefined ? {} : { inboxPrefix: init.inboxPrefix }),
    ...(tls === undefined ? {} : { tls: tls as TlsOptions }),
  };
}
