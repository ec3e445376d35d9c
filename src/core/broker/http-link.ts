import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { createFrameReader } from "../transport/http-framing.ts";
import { createOutbox } from "../transport/outbox.ts";
import { createGate } from "./gate.ts";
import type { Target } from "./http-eras.ts";

/**
 * The way to one subscriber: requests go out one behind the other without waiting for answers (HTTP/1.1 pipelining, RFC 9112
 * §9.3.2), because to wait for each costs more than all the rest. Answers are counted only, as in Go (`wire.md §8.1`).
 */
export interface Link<M> {
  /** `false`: it is gone, or its subscriber is stuck and has enough already. */
  send(message: M, envelope: Buffer): boolean;
  /** `undefined`: there is room. */
  room(): Promise<void> | undefined;
  /** What was sent is still answered, for so long at most. */
  close(patienceMs: number): Promise<void>;
}

export interface LinkInit<M> {
  readonly target: Target;
  readonly tls: ConnectionOptions;
  readonly clock: Clock;
  readonly log: Log;
  /** Nobody could be reached: these were never sent. */
  readonly onUnreachable: (unsent: readonly M[]) => void;
  readonly onGone: () => void;
}

/** Requests without an answer yet, after which the sender waits. */
const MAX_UNANSWERED = 512;
/** Beyond that, what is sent to a subscriber that reads nothing is dropped. */
const MAX_WAITING_BYTES = 16 << 20;
/** What may wait for a connection. */
const MAX_UNSENT = 1000;
const CONNECT_MS = 5000;
const IDLE_MS = 60_000;
const ANSWER_LIMITS = { headerBytes: 64 << 10, bodyBytes: 1 << 20 };

export function createLink<M>(init: LinkInit<M>): Link<M> {
  const { target, log, clock } = init;
  const { host, port } = hostAndPort(target.address);
  const socket: Socket = target.secure
    ? connectTls({ servername: isName(host) ? host : "", ...init.tls, host, port })
    : connect({ host, port, noDelay: true });
  const outbox = createOutbox(socket);
  const answers = createFrameReader(ANSWER_LIMITS);
  const gate = createGate(clock);
  const headStart = `POST ${target.path} HTTP/1.1\r\nHost: ${target.address}\r\nContent-Type: application/json\r\nContent-Length: `;
  let head: { readonly length: number; readonly bytes: Buffer } | undefined;
  let unsent: { readonly message: M; readonly envelope: Buffer }[] | undefined = [];
  let unsentBytes = 0;
  let unanswered = 0;
  let gone = false;
  let idle: (() => void) | undefined;

  const write = (envelope: Buffer) => {
    if (head?.length !== envelope.length) {
      head = { length: envelope.length, bytes: Buffer.from(`${headStart}${envelope.length}\r\n\r\n`, "latin1") };
    }
    outbox.add(head.bytes);
    outbox.add(envelope);
    unanswered++;
    if (unanswered >= MAX_UNANSWERED || socket.writableNeedDrain) gate.shut();
  };
  const roomAgain = () => {
    if (unsent === undefined && unanswered < MAX_UNANSWERED / 2 && !socket.writableNeedDrain) gate.open();
  };
  const leave = () => {
    if (gone) return;
    gone = true;
    gate.open();
    idle?.();
    init.onGone();
    if (unsent !== undefined) init.onUnreachable(unsent.map(({ message }) => message));
    else if (unanswered > 0) {
      log.warn({ subscriber: target.id, lost: unanswered }, "a subscriber went away without answering");
    }
    unsent = undefined;
  };

  gate.shut();
  socket.once(target.secure ? "secureConnect" : "connect", () => {
    const first = unsent ?? [];
    unsent = undefined;
    for (const { envelope } of first) write(envelope);
    socket.setTimeout(IDLE_MS);
    roomAgain();
  });
  socket.setTimeout(CONNECT_MS);
  // Idle, or frozen.
  socket.on("timeout", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    try {
      for (const { startLine } of answers.push(chunk)) {
        unanswered--;
        if (!startLine.includes(" 200")) {
          log.warn({ subscriber: target.id, answer: startLine.slice(0, 100) }, "a subscriber refused an event");
        }
      }
    } catch {
      socket.destroy(); // it speaks no HTTP
      return;
    }
    roomAgain();
    if (unanswered === 0) idle?.();
  });
  socket.on("drain", roomAgain);
  socket.on("error", (error) => {
    log.debug({ subscriber: target.id, address: target.address, reason: error.message }, "cannot reach a subscriber");
  });
  socket.on("end", () => socket.destroy());
  socket.on("close", leave);

  return {
    send: (message, envelope) => {
      if (gone) return false;
      if (unsent !== undefined) {
        if (unsent.length >= MAX_UNSENT || unsentBytes > MAX_WAITING_BYTES) return false;
        unsent.push({ message, envelope });
        unsentBytes += envelope.length;
        return true;
      }
      if ((gate.stuck && unanswered >= MAX_UNANSWERED) || socket.writableLength > MAX_WAITING_BYTES) return false;
      write(envelope);
      return true;
    },
    room: gate.wait,
    close: async (patienceMs) => {
      if (gone) return;
      if (unsent?.length || unanswered > 0) {
        outbox.flush();
        const enough = new AbortController();
        const answered = new Promise<void>((resolve) => {
          idle = resolve;
        });
        await Promise.race([answered, clock.sleep(patienceMs, { signal: enough.signal }).catch(() => {})]);
        enough.abort();
      }
      if (gone) return;
      const closed = new Promise<void>((resolve) => {
        socket.once("close", () => resolve());
      });
      socket.destroy();
      await closed;
    },
  };
}

/** Node wants no address as a server's name (RFC 6066 §3). */
function isName(host: string): boolean {
  return !/^[\d.]+$/.test(host) && !host.includes(":");
}

function hostAndPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  const port = Number(address.slice(colon + 1));
  // What is no address is refused by the system, as one where nobody is.
  return {
    host: host === "" ? "127.0.0.1" : host,
    port: Number.isInteger(port) && port > 0 && port < 65_536 ? port : 1,
  };
}
