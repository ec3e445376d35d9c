import { once } from "node:events";
import { type AddressInfo, connect, createServer, isIP, type Socket } from "node:net";
import { createServer as createTlsServer, connect as tlsConnect } from "node:tls";
import { deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { closable } from "../lifecycle.ts";
import { createFrameReader, DEFAULT_LIMITS, type FrameLimits, type Message, writeFrame } from "./http-framing.ts";
import { createInbox } from "./inbox.ts";
import { createOutbox } from "./outbox.ts";
import { dialOptions, isDistrust, listenOptions, type TlsInit } from "./tls.ts";
import type { Connection, Frame, Transport } from "./transport.ts";

export interface HttpTransportInit {
  readonly limits?: Partial<FrameLimits>;
  /**
   * Dials and listens with TLS. Nothing in a registry tells that a service does, so all who are to meet agree on it. (`secure`
   * in Go.) @default plain
   */
  readonly tls?: TlsInit;
}

/** What Go's servers and clients of this framing agree on (`wire.md §3.1`). */
const ALPN = ["http/1.1"];

/**
 * go-micro's `http` transport: HTTP/1.1 as a framing on sockets, in both roles, with TLS or without (`wire.md §3.1`). `node:http` is not
 * used, because it pairs one response with one request, and a stream has many.
 */
export function httpTransport(init: HttpTransportInit = {}): Transport {
  const limits = { ...DEFAULT_LIMITS, ...init.limits };
  return {
    kind: "http",
    dial: async (address, options = {}) => {
      const { host, port } = splitAddress(address);
      using limit = deadline(options, 5000, `connecting to ${address}`);
      limit.check();
      const socket = init.tls ? secured(init.tls, host, port) : connect({ host, port, noDelay: true });
      try {
        await once(socket, init.tls ? "secureConnect" : "connect", { signal: limit.signal });
      } catch (error) {
        socket.destroy();
        limit.check();
        const advice = isDistrust(error) ? " (give who vouches for it as ca)" : "";
        throw new MicroError("unavailable", `dial tcp ${address}: ${(error as Error).message}${advice}`, {
          cause: error,
        });
      }
      return httpConnection(socket, clientRole(address), limits);
    },
    listen: async (address, handler) => {
      const { host, port } = splitAddress(address, true);
      const open = new Set<Connection>();
      /** Those, too, that are still shaking hands. */
      const sockets = new Set<Socket>();
      const welcome = (socket: Socket) => {
        const connection = httpConnection(socket, SERVER_ROLE, limits);
        open.add(connection);
        socket.on("close", () => open.delete(connection));
        handler(connection).catch(() => connection.close());
      };
      const server = init.tls
        ? createTlsServer({ ...listenOptions(init.tls, host), ALPNProtocols: ALPN, noDelay: true }, welcome)
        : createServer({ noDelay: true }, welcome);
      server.on("connection", (socket: Socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
      });
      server.listen({ port, ...(host === "" ? {} : { host }) });
      try {
        await once(server, "listening");
      } catch (error) {
        throw new MicroError("unavailable", `cannot listen at ${address}: ${(error as Error).message}`, {
          cause: error,
        });
      }
      const bound = server.address() as AddressInfo;
      return {
        address: joinAddress(host === "" ? bound.address : host, bound.port),
        ...closable(async () => {
          const closed = once(server, "close");
          server.close();
          await Promise.all([...open].map((connection) => connection.close()));
          for (const socket of sockets) socket.destroy();
          await closed;
        }),
      };
    },
  };
}

function secured(tls: TlsInit, host: string, port: number): Socket {
  const name = isIP(host) ? {} : { servername: host };
  return tlsConnect({ ...dialOptions(tls), ...name, host, port, ALPNProtocols: ALPN }).setNoDelay(true);
}

/** What is different in the two directions. */
interface Role {
  /** Of what we write. */
  readonly startLine: string;
  /**
   * No more is read while what was written waits to be sent, so that who asks and never reads cannot fill our memory. On one
   * side only, or two ends could wait for each other.
   */
  readonly readsAfterWriting: boolean;
  /** Says what is wrong with what the other side wrote. */
  check(message: Message): MicroError | undefined;
}

const SERVER_ROLE: Role = {
  // Errors too: any other status is a transport error to a Go client.
  startLine: "HTTP/1.1 200 OK",
  readsAfterWriting: true,
  // Go accepts every method and path; only what is no request at all is refused.
  check: ({ startLine }) =>
    / HTTP\/1\.[01]$/.test(startLine) ? undefined : new MicroError("invalid_argument", "that was no HTTP/1.1 request"),
};

function clientRole(address: string): Role {
  return {
    startLine: `POST / HTTP/1.1\r\nHost: ${address}`,
    readsAfterWriting: false,
    check: ({ startLine, frame }) => {
      if (/^HTTP\/1\.[01] 200(?: |$)/.test(startLine)) return undefined;
      const status = startLine.replace(/^HTTP\/1\.[01] /, "").slice(0, 100);
      const body = Buffer.from(frame.body.subarray(0, 200)).toString("utf8").trim();
      return new MicroError("unavailable", `${address} answered ${status}${body && `: ${body}`}`);
    },
  };
}

function httpConnection(socket: Socket, role: Role, limits: FrameLimits): Connection {
  const reader = createFrameReader(limits);
  const inbox = createInbox();
  const outbox = createOutbox(socket);
  const remote = joinAddress(socket.remoteAddress ?? "", socket.remotePort ?? 0);
  let failure: MicroError | undefined;
  let ended = false;
  let leaving = false;
  let held = false;

  const fail = (error: MicroError) => {
    failure ??= error;
    socket.destroy();
  };
  socket.on("data", (chunk: Buffer) => {
    try {
      for (const message of reader.push(chunk)) {
        const wrong = role.check(message);
        if (wrong) return fail(wrong);
        if (!inbox.take(message.frame)) socket.pause();
      }
    } catch (error) {
      fail(MicroError.from(error));
    }
    if (role.readsAfterWriting && socket.writableNeedDrain && !socket.isPaused()) {
      socket.pause();
      socket.once("drain", () => held || socket.resume());
    }
  });
  socket.on("error", (error) => {
    failure ??= new MicroError("unavailable", `${remote}: ${error.message}`, { cause: error });
  });
  socket.on("end", () => {
    ended = true;
    if (!reader.idle) failure ??= new MicroError("unavailable", `${remote}: unexpected EOF`);
    outbox.flush();
    socket.end();
  });
  socket.on("close", () => {
    if (!ended && !leaving) failure ??= new MicroError("unavailable", `${remote}: connection reset`);
    inbox.end(failure);
  });

  const closed = () => new MicroError("unavailable", `the connection to ${remote} is closed`, { cause: failure });
  const iterate = inbox[Symbol.asyncIterator];
  const closing = closable(async () => {
    leaving = true;
    if (socket.destroyed) return;
    const gone = once(socket, "close");
    // What was written is still sent; who does not read it in time loses it.
    outbox.flush();
    const impatient = setTimeout(() => socket.destroy(), 200);
    socket.destroySoon();
    await gone;
    clearTimeout(impatient);
  });
  return {
    remote,
    receive: inbox.receive,
    hold: (still) => {
      held = still;
      if (still) socket.pause();
      else socket.resume();
    },
    [Symbol.asyncIterator]: () => {
      const frames = iterate();
      return {
        next: () => {
          if (socket.isPaused()) socket.resume();
          return frames.next();
        },
        // Who leaves the loop is done with the connection; what they sent still goes out.
        return: async () => {
          await closing.close();
          return { done: true, value: undefined };
        },
      } as AsyncIterator<Frame>;
    },
    send: (frame) => {
      if (!socket.writable) return Promise.reject(failure ?? closed());
      outbox.add(writeFrame(role.startLine, frame));
      return outbox.room();
    },
    ...closing,
  };
}

/** `host:port`, `[v6]:port`; for listening also `:port`. @throws MicroError `invalid_argument` */
function splitAddress(address: string, listening = false): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  if (match === null || port > 65_535 || (!listening && (host === "" || port === 0))) {
    throw new MicroError("invalid_argument", `"${address}" is no address: write host:port`);
  }
  return { host, port };
}

function joinAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
