import { randomUUID } from "node:crypto";
import type { IncomingMessage as HttpRequest } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/** An event on its way; Slack sends it again, at most three times, until one of its envelopes is acknowledged. */
interface Delivery {
  readonly payload: { readonly event_id: string };
  attempt: number;
  acked: boolean;
  timer?: NodeJS.Timeout;
}

/** Slack's clients take a link for dead that has not been pinged for 30 s. */
const PING_MS = 10_000;

/** Slack's side of Socket Mode (`chat.md §3`): tickets, hello, envelopes, acks, redelivery, disconnect frames. */
export interface SlackSockets {
  /** A one-time address, as `apps.connections.open` gives. */
  ticket(): string;
  upgrade(request: HttpRequest, socket: Duplex, head: Buffer): void;
  /** To one of the open sockets in turn, or to the next one that opens. */
  deliver(payload: { readonly event_id: string }): void;
  /** Every event that was not acknowledged, once more and now, as after a timeout. */
  redeliver(): void;
  /** The same event again on another envelope, though it may have been acknowledged. */
  duplicate(eventId: string): void;
  /** A slash command or something pressed: to one socket, once. Gives the envelope's id. */
  hand(type: string, payload: object): string;
  /** What envelopes were acknowledged with, by id. */
  readonly answers: ReadonlyMap<string, unknown>;
  /** Any frame, to all sockets: `{ type: "disconnect", reason: "warning" }`. */
  frame(frame: object): void;
  /** Events that were acknowledged, in order. */
  readonly acked: readonly string[];
  /** `retry_attempt` of each envelope sent, by event. */
  readonly attempts: ReadonlyMap<string, readonly number[]>;
  /** Open sockets that have been greeted. */
  readonly open: number;
  /** The open sockets answer nothing from now on, as when a machine on the way died. New ones work. */
  freeze(): void;
  /** Every socket is cut. */
  cut(): void;
  close(): void;
}

export function slackSockets(
  address: () => string,
  settings: { readonly ackMs: number; readonly hello: () => boolean },
) {
  const server = new WebSocketServer({ noServer: true });
  const tickets = new Set<string>();
  const sockets = new Set<WebSocket>();
  const leaving = new WeakSet<WebSocket>();
  const frozen = new WeakSet<WebSocket>();
  const envelopes = new Map<string, Delivery>();
  const deliveries = new Map<string, Delivery>();
  const waiting: Delivery[] = [];
  const acked: string[] = [];
  const attempts = new Map<string, number[]>();
  const answers = new Map<string, unknown>();
  let turn = 0;
  let closed = false;

  const send = (delivery: Delivery) => {
    const ready = [...sockets].filter((socket) => !leaving.has(socket) && socket.readyState === socket.OPEN);
    const socket = ready[turn++ % Math.max(1, ready.length)];
    if (socket === undefined) {
      waiting.push(delivery);
      return;
    }
    const envelope = {
      envelope_id: randomUUID(),
      type: "events_api",
      accepts_response_payload: false,
      payload: delivery.payload,
      retry_attempt: delivery.attempt,
      retry_reason: delivery.attempt > 0 ? "timeout" : "",
    };
    envelopes.set(envelope.envelope_id, delivery);
    const id = delivery.payload.event_id;
    attempts.set(id, [...(attempts.get(id) ?? []), delivery.attempt]);
    if (!frozen.has(socket)) socket.send(JSON.stringify(envelope));
    clearTimeout(delivery.timer);
    delivery.timer = setTimeout(() => again(delivery), settings.ackMs);
    delivery.timer.unref();
  };

  const again = (delivery: Delivery) => {
    clearTimeout(delivery.timer);
    if (delivery.acked || delivery.attempt >= 3 || closed) return;
    delivery.attempt += 1;
    send(delivery);
  };

  const hear = (data: string) => {
    const { envelope_id, payload } = JSON.parse(data) as { envelope_id: string; payload?: unknown };
    answers.set(envelope_id, payload);
    const delivery = envelopes.get(envelope_id);
    if (delivery === undefined || delivery.acked) return;
    delivery.acked = true;
    clearTimeout(delivery.timer);
    acked.push(delivery.payload.event_id);
  };

  const greet = (socket: WebSocket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("message", (data) => hear(String(data)));
    if (!settings.hello()) return;
    socket.send(JSON.stringify({ type: "hello", num_connections: sockets.size, connection_info: { app_id: "A1" } }));
    const ping = () => {
      if (!frozen.has(socket) && socket.readyState === socket.OPEN) socket.ping("Ping from slack");
    };
    ping();
    const pinging = setInterval(ping, PING_MS).unref();
    socket.once("close", () => clearInterval(pinging));
    for (const delivery of waiting.splice(0)) send(delivery);
  };

  const sides: SlackSockets = {
    ticket: () => {
      const ticket = randomUUID();
      tickets.add(ticket);
      return `${address().replace("http", "ws")}/link/?ticket=${ticket}&app_id=A1`;
    },
    upgrade: (request, socket, head) => {
      const ticket = new URL(request.url ?? "/", address()).searchParams.get("ticket") ?? "";
      if (!tickets.delete(ticket)) socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      else server.handleUpgrade(request, socket, head, greet);
    },
    deliver: (payload) => {
      const delivery = { payload, attempt: 0, acked: false };
      deliveries.set(payload.event_id, delivery);
      send(delivery);
    },
    redeliver: () => {
      for (const delivery of [...deliveries.values()]) again(delivery);
    },
    duplicate: (eventId) => {
      const delivery = deliveries.get(eventId);
      if (delivery) send({ payload: delivery.payload, attempt: 1, acked: false });
    },
    hand: (type, payload) => {
      const envelope_id = randomUUID();
      const [socket] = [...sockets].filter((one) => !leaving.has(one) && one.readyState === one.OPEN);
      socket?.send(JSON.stringify({ type, envelope_id, payload, accepts_response_payload: true }));
      return envelope_id;
    },
    answers,
    frame: (frame) => {
      for (const socket of sockets) {
        socket.send(JSON.stringify(frame));
        if ("type" in frame && frame.type === "disconnect") leaving.add(socket);
      }
    },
    acked,
    attempts,
    get open() {
      return sockets.size;
    },
    freeze: () => {
      for (const socket of sockets) {
        frozen.add(socket);
        leaving.add(socket);
        socket.pause();
      }
    },
    cut: () => {
      for (const socket of sockets) socket.terminate();
    },
    close: () => {
      closed = true;
      for (const delivery of deliveries.values()) clearTimeout(delivery.timer);
      for (const socket of sockets) socket.terminate();
      server.close();
    },
  };
  return sides;
}
