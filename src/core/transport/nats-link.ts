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
/** So many bytes are sent without knowing that the server has read any. */
const UNREAD_BYTES = 1 << 20;

export function natsLink(init: NatsInit): NatsLink {
  const options = connectionOptions(init);
  const where = (options.servers as readonly string[]).join(", ");
  let current: Promise<Session> | undefined;

  const open = (): Promise<Session> => {
    const opening = (async () => {
      const nats = await connect(options);
      return new Session(nats, init.inboxPrefix, where, () => {
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
        await session.join(limit.signal);
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

class Session implements NatsSession {
  readonly #nats: NatsConnection;
  readonly #where: string;
  readonly #onClose: () => void;
  readonly #inbox: string;
  readonly #expected = new Map<string, (message: Msg) => void>();
  readonly #losers = new Set<(error: MicroError) => void>();
  #tokens = 0;
  #users = 0;
  #up = true;
  #closed: Promise<void> | undefined;
  #unread = 0;
  #waiting: Outgoing[] = [];
  #flushing: Promise<void> | undefined;
  #flushed = () => {};
  #wakers: (() => void)[] = [];

  constructor(nats: NatsConnection, inboxPrefix: string | undefined, where: string, onClose: () => void) {
    this.#nats = nats;
    this.#where = where;
    this.#onClose = onClose;
    this.#inbox = `${createInbox(inboxPrefix)}.`;
    this.subscribe(`${this.#inbox}*`, (message) => {
      const expecting = this.#expected.get(message.subject.slice(this.#inbox.length));
      if (expecting) expecting(message);
      // Who asks for an answer there wants to know whether somebody is.
      else if (message.reply) this.#nats.publish(message.reply);
    });
    void this.#follow();
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.#nats.status()) {
      if (type === "disconnect") this.#lost();
      if (type !== "reconnect") continue;
      this.#up = true;
      for (const wake of this.#wakers.splice(0)) wake();
    }
    this.#lost();
    this.#onClose();
  }

  #lost(): void {
    this.#up = false;
    this.#flushed();
    const error = new MicroError("unavailable", `the connection to NATS at ${this.#where} is lost`);
    for (const tell of [...this.#losers]) tell(error);
  }

  async join(signal: AbortSignal): Promise<void> {
    if (!this.#up) {
      const back = new Promise<void>((resolve) => this.#wakers.push(resolve));
      using patience = deadline({ signal }, PATIENCE_MS, "the lost connection");
      await orAbort(back, patience.signal);
    }
    if (this.#closed) throw new MicroError("unavailable", "the connection was just closed");
    this.#users++;
  }

  async leave(): Promise<void> {
    this.#users--;
    await this.leaveIfUnused();
  }

  async leaveIfUnused(): Promise<void> {
    if (this.#users > 0) return;
    this.#onClose();
    this.#closed ??= (async () => {
      await this.settle(200);
      await this.#nats.close();
    })();
    await this.#closed;
  }

  expect(onMessage: (message: Msg) => void): { readonly subject: string; forget(): void } {
    const token = (this.#tokens++).toString(36);
    this.#expected.set(token, onMessage);
    return { subject: this.#inbox + token, forget: () => void this.#expected.delete(token) };
  }

  get up(): boolean {
    return this.#up;
  }

  subscribe(subject: string, onMessage: (message: Msg) => void, queue?: string): Subscription {
    return this.#nats.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error === null) onMessage(message);
      },
    });
  }

  publish(subject: string, bytes: Uint8Array, reply?: string): Promise<void> {
    const most = this.#nats.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (bytes.length > most) {
      const text = `a message of ${bytes.length} bytes is too large for NATS at ${this.#where}, which takes ${most}`;
      return Promise.reject(new MicroError("invalid_argument", text));
    }
    if (this.#closed) return Promise.reject(new MicroError("unavailable", "the connection to NATS is closed"));
    if (this.#waiting.length === 0) process.nextTick(this.#publishAll);
    this.#waiting.push({ subject, bytes, reply });
    this.#unread += bytes.length;
    return this.#unread < UNREAD_BYTES ? ROOM : this.#room();
  }

  readonly #publishAll = (): void => {
    for (const { subject, bytes, reply } of this.#waiting.splice(0)) {
      try {
        this.#nats.publish(subject, bytes, reply === undefined ? undefined : { reply });
      } catch {
        // It was closed just now, of which all are told anyway.
        return;
      }
    }
  };

  #room(): Promise<void> {
    if (this.#flushing === undefined) {
      this.#unread = 0;
      this.#publishAll();
      this.#flushing = new Promise<void>((resolve) => {
        this.#flushed = () => {
          this.#flushing = undefined;
          resolve();
        };
        const flushed = this.#flushed;
        this.#nats.flush().then(flushed, flushed);
      });
    }
    return this.#flushing;
  }

  async confirm(signal: AbortSignal): Promise<void> {
    this.#publishAll();
    try {
      await orAbort(this.#nats.flush(), signal);
    } catch (error) {
      throw MicroError.from(error, "unavailable");
    }
  }

  async settle(timeoutMs: number): Promise<void> {
    if (!this.#up) return;
    this.#publishAll();
    using limit = deadline({ timeoutMs }, timeoutMs, "NATS");
    await orAbort(this.#nats.flush(), limit.signal).catch(() => {});
  }

  onLoss(callback: (error: MicroError) => void): () => void {
    this.#losers.add(callback);
    return () => void this.#losers.delete(callback);
  }
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
