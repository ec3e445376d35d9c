import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { createServer, isIP, isIPv6, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";
import { joinAddress, splitAddress } from "../wire/record.ts";
import type { GossipCipher } from "./gossip-crypt.ts";
import { ipBytes, ipText, type MemberAddress } from "./gossip-packet.ts";
import { encodeStream, type StreamMessage } from "./gossip-state.ts";
import { readMessage, STREAM_MS } from "./gossip-stream.ts";

/** A member's two sockets, UDP and TCP, which have one port. */
export interface GossipLink extends Closable {
  /** What others are told. */
  readonly address: MemberAddress;
  /** Sends a packet; what cannot be sent is lost, as UDP goes. Resolves when the system has it. */
  send(packet: Buffer, to: MemberAddress): Promise<void>;
}

export interface GossipLinkInit {
  /** `host:port`; port 0 is any. */
  readonly bind: string;
  readonly cipher: GossipCipher | undefined;
  onPacket(packet: Buffer, from: MemberAddress): void;
  /** One message came over TCP; what is returned goes back. */
  onStream(message: StreamMessage, from: string): StreamMessage | undefined;
  /** A socket broke. */
  onLost(error: MicroError): void;
}

/** Streams read at once; Go takes 128. */
const MAX_STREAMS = 64;
/** UDP may have a port that TCP has not. */
const TRIES = 10;
const RECEIVE_BYTES = 1 << 20;

/** @throws MicroError `unavailable` (the port is taken), `invalid_argument` (no such address) */
export async function openGossipLink(init: GossipLinkInit): Promise<GossipLink> {
  const { host, port } = splitAddress(init.bind);
  const ip = isIP(host) !== 0 ? host : (await lookup(host).catch((error: unknown) => fail(init.bind, error))).address;
  for (let tries = 1; ; tries++) {
    const udp = createSocket({ type: isIPv6(ip) ? "udp6" : "udp4", ipv6Only: isIPv6(ip) });
    try {
      udp.bind({ address: ip, port, exclusive: true });
      await once(udp, "listening");
      const server = createServer();
      server.listen({ host: ip, port: udp.address().port, exclusive: true, ipv6Only: true });
      await once(server, "listening");
      return serve(udp, server, ip, init);
    } catch (error) {
      await closeUdp(udp);
      if (port !== 0 || tries >= TRIES) fail(init.bind, error);
    }
  }
}

function fail(bind: string, cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new MicroError("unavailable", `gossip cannot listen on ${bind}: ${why}`, { cause });
}

function serve(udp: UdpSocket, server: Server, ip: string, init: GossipLinkInit): GossipLink {
  const { port } = udp.address();
  const open = new Set<Socket>();
  const closing = new AbortController();
  const lost = (error: Error) =>
    init.onLost(new MicroError("unavailable", `gossip socket: ${error.message}`, { cause: error }));
  try {
    udp.setRecvBufferSize(RECEIVE_BYTES);
  } catch {
    // The system grants what it grants.
  }
  udp.on("error", lost);
  udp.on("message", (packet, from) => init.onPacket(packet, { bytes: ipBytes(from.address), port: from.port }));
  server.on("error", lost);
  server.on("connection", (socket) => {
    socket.on("error", () => {}); // the one who reads hears of it
    if (open.size >= MAX_STREAMS) {
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    answer(socket, init, closing.signal).catch(() => socket.destroy());
  });
  return {
    address: { bytes: ipBytes(advertised(ip)), port },
    send: (packet, to) =>
      new Promise((resolve) => {
        try {
          udp.send(packet, to.port, ipText(to.bytes), () => resolve());
        } catch {
          resolve(); // no such port, or too long
        }
      }),
    ...closable(async () => {
      closing.abort(new MicroError("unavailable", "gossip was stopped"));
      for (const socket of open) socket.destroy();
      await Promise.all([closeUdp(udp), new Promise<void>((resolve) => server.close(() => resolve()))]);
    }),
  };
}

async function answer(socket: Socket, { cipher, onStream }: GossipLinkInit, signal: AbortSignal): Promise<void> {
  const from = joinAddress(socket.remoteAddress ?? "", socket.remotePort ?? 0);
  using limit = deadline({ signal }, STREAM_MS, from);
  limit.signal.addEventListener("abort", () => socket.destroy(), { once: true });
  const message = await readMessage(socket, from, limit.signal, cipher);
  const reply = onStream(message, from);
  const written = once(socket, "close", { signal: limit.signal });
  socket.resume();
  if (reply === undefined) socket.end();
  else socket.end(encodeStream(reply, cipher));
  await written;
}

/** The address that others can use: of a wildcard, the first that leads out, else loopback. */
function advertised(ip: string): string {
  if (ip !== "0.0.0.0" && ip !== "::") return ip;
  const all = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "127.0.0.1";
}

async function closeUdp(socket: UdpSocket): Promise<void> {
  await new Promise<void>((resolve) => {
    try {
      socket.close(() => resolve());
    } catch {
      resolve(); // it was never bound
    }
  });
}
