import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, createServer as createTcpServer, connect as dialTcp, type Socket } from "node:net";
import { createServer as createTlsServer, connect as dialTls } from "node:tls";
import { deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { type CallOptions, type Closable, closable } from "../lifecycle.ts";

/** What a client believes about certificates. */
export interface ClientTls {
  /** PEM; instead of those that the system trusts. */
  readonly ca?: string | Buffer;
  /** Any certificate is believed, as Go's services make their own. @default false */
  readonly insecure?: boolean;
}

/** PEM. */
export interface ServerTls {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
}

/** So much may be on the way in one stream; memory is taken by what comes, not by what may come. */
const WINDOW = 256 << 10;
/** And in all streams of a connection. */
const ALL_WINDOWS = 8 << 20;

/**
 * A session with a server that has shown that it speaks HTTP/2. Default 5000 ms.
 *
 * @param address `host:port` in the clear; with TLS where the port is 443, there is none, or it begins with `https://`
 * (`wire.md §7`)
 * @throws MicroError `unavailable`, `timeout`, `cancelled`, `invalid_argument`
 */
export async function connectHttp2(
  address: string,
  options: CallOptions = {},
  tls: ClientTls = {},
): Promise<ClientHttp2Session> {
  const { host, port, secure } = target(address);
  using limit = deadline(options, 5000, `connecting to ${address}`);
  limit.check();
  const socket = secure
    ? dialTls({
        host,
        port,
        ALPNProtocols: ["h2"],
        servername: /^[\d.]+$|:/.test(host) ? "" : host,
        rejectUnauthorized: !tls.insecure,
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      })
    : dialTcp({ host, port });
  let session: ClientHttp2Session | undefined;
  try {
    socket.setNoDelay(true);
    // Who vanishes without a word is found out by the system.
    socket.setKeepAlive(true, 30_000);
    await once(socket, secure ? "secureConnect" : "connect", { signal: limit.signal });
    session = connect(`${secure ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: WINDOW, maxHeaderListSize: 256 << 10 },
      maxSessionMemory: 64,
    });
    // Its settings are the first thing that a server says; without them nobody knows what is there.
    await spoken(session, limit.signal);
    session.setLocalWindowSize(ALL_WINDOWS);
    session.on("error", () => {});
    return session;
  } catch (error) {
    socket.on("error", () => {});
    session?.on("error", () => {});
    session?.destroy();
    socket.destroy();
    limit.check();
    const { message, code } = error as NodeJS.ErrnoException;
    throw new MicroError("unavailable", `dial tcp ${address}: ${message || code}`, { cause: error });
  }
}

function spoken(session: ClientHttp2Session, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: unknown) => {
      session.off("remoteSettings", well);
      session.off("close", ended);
      signal.removeEventListener("abort", aborted);
      if (error === undefined) resolve();
      else reject(error);
    };
    const well = () => done();
    const ended = () => done(new Error("it does not speak HTTP/2"));
    const aborted = () => done(signal.reason);
    session.on("remoteSettings", well);
    session.on("close", ended);
    session.on("error", () => {});
    signal.addEventListener("abort", aborted, { once: true });
    if (signal.aborted) aborted();
  });
}

export interface Http2ListenInit {
  readonly tls?: ServerTls | undefined;
  /** Of one connection. @default 10000 */
  readonly maxStreams?: number | undefined;
}

export type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/**
 * Listens for HTTP/2. Whoever says anything else first is told so in HTTP/1.1.
 *
 * @param accept takes a connection, and gives what takes its streams
 * @throws MicroError `unavailable`
 */
export async function listenHttp2(
  address: string,
  { tls, maxStreams = 10_000 }: Http2ListenInit,
  accept: (session: ServerHttp2Session, remote: string) => OnStream,
): Promise<Closable & { readonly address: string }> {
  const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address);
  if (match === null) throw new MicroError("invalid_argument", `"${address}" is no address: write host:port`);
  const host = match[1] ?? match[2] ?? "";
  const sockets = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  // It never listens itself: sockets are handed to it when they have said what they speak.
  const http2 = createServer({
    settings: { maxConcurrentStreams: maxStreams, initialWindowSize: WINDOW, maxHeaderListSize: 64 << 10 },
    maxSessionMemory: 64,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
  });
  http2.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => {});
    session.setLocalWindowSize(ALL_WINDOWS);
    const { remoteAddress, remotePort } = session.socket;
    session.on("stream", accept(session, joinHostPort(remoteAddress ?? "", remotePort ?? 0)));
  });
  http2.on("sessionError", () => {});
  const taken = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.setTimeout(FIRST_WORD_MS, () => socket.destroy());
    socket.once("data", (head: Buffer) => {
      socket.setTimeout(0);
      socket.pause();
      if (!PREFACE.subarray(0, head.length).equals(head.subarray(0, PREFACE.length))) {
        socket.end(REFUSAL);
        return;
      }
      socket.removeAllListeners("timeout");
      socket.unshift(head);
      http2.emit("connection", socket);
    });
  };
  const server = tls ? createTlsServer({ ...tls, ALPNProtocols: ["h2"] }, taken) : createTcpServer(taken);
  if (tls) server.on("tlsClientError", () => {});
  server.listen({ port: Number(match[3]), ...(host === "" ? {} : { host }) });
  try {
    await once(server, "listening");
  } catch (error) {
    throw new MicroError("unavailable", `cannot listen at ${address}: ${(error as Error).message}`, { cause: error });
  }
  const bound = server.address() as AddressInfo;
  return {
    address: joinHostPort(host === "" ? bound.address : host, bound.port),
    ...closable(async () => {
      const closed = once(server, "close");
      server.close();
      // What was written is still sent; who does not read it in time loses it.
      for (const session of sessions) session.close();
      const impatient = setTimeout(() => {
        for (const session of sessions) session.destroy();
        for (const socket of sockets) socket.destroy();
      }, PATIENCE_MS);
      if (sessions.size === 0) for (const socket of sockets) socket.destroy();
      await closed;
      clearTimeout(impatient);
    }),
  };
}

/** Whether an answer can still go out: Node throws where the other side was quicker. */
export function isOpen(stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.closed;
}

/** Sends what is asked for by `wantTrailers`. */
export function sendTrailers(stream: ServerHttp2Stream, trailers: OutgoingHttpHeaders): void {
  if (!isOpen(stream)) return;
  stream.sendTrailers(trailers);
  letGo(stream);
}

/** An answer of one frame. */
export function respondOnly(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  if (!isOpen(stream) || stream.headersSent) return;
  stream.respond(headers, { endStream: true });
  letGo(stream);
}

/** Who has an answer and goes on sending is told to stop; gRPC counts that as no error. */
function letGo(stream: ServerHttp2Stream): void {
  if (stream.readableEnded) return;
  stream.resume();
  setImmediate(() => {
    if (!stream.readableEnded && isOpen(stream)) stream.close(constants.NGHTTP2_NO_ERROR);
  });
}

/** For the first bytes of a connection. */
const FIRST_WORD_MS = 30_000;
const PATIENCE_MS = 200;
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const REFUSED = "this port speaks gRPC, which needs HTTP/2\n";
const REFUSAL = `HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Type: text/plain\r\nContent-Length: ${REFUSED.length}\r\nConnection: close\r\n\r\n${REFUSED}`;

function target(address: string): { host: string; port: number; secure: boolean } {
  const match = /^(https?:\/\/)?(?:\[([0-9a-fA-F:.%a-z]+)\]|([^:[\]/]+))(?::(\d{1,5}))?$/.exec(address);
  const host = match?.[2] ?? match?.[3] ?? "";
  const port = Number(match?.[4] ?? (match?.[1] === "http://" ? 80 : 443));
  if (host === "" || port === 0 || port > 65_535) {
    throw new MicroError("invalid_argument", `"${address}" is no address: write host:port`);
  }
  return { host, port, secure: match?.[1] === "https://" || (match?.[1] === undefined && port === 443) };
}

function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
