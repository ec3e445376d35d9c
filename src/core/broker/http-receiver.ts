import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { MicroError } from "../errors.ts";
import { type Closable, closable } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import { createFrameReader, type Message } from "../transport/http-framing.ts";
import { createOutbox } from "../transport/outbox.ts";
import { decodeEnvelope } from "../wire/envelope.ts";
import { errorRecord, errorText } from "../wire/error.ts";
import type { Delivery } from "./delivery.ts";
import { ourName } from "./message.ts";

/** Listens for what publishers POST (`wire.md §8.1`). */
export interface Receiver extends Closable {
  readonly address: string;
  /** Delivers what is sent to any of these node ids, if it is of that topic. */
  add(topic: string, ids: readonly string[], delivery: Delivery): Closable;
}

interface Subscription {
  readonly topic: string;
  readonly delivery: Delivery;
}

const OK = answer(200, "OK", "");
const WRONG_METHOD = answer(405, "Method Not Allowed", "");

export async function startReceiver(address: string, log: Log): Promise<Receiver> {
  const byId = new Map<string, Subscription>();
  const open = new Set<Socket>();

  /** What is to be answered; delivers on the way. */
  const take = ({ startLine, frame }: Message, full: Delivery[]): Buffer => {
    if (!startLine.startsWith("POST ")) return WRONG_METHOD;
    let envelope: ReturnType<typeof decodeEnvelope>;
    try {
      envelope = decodeEnvelope(frame.body, ourName);
    } catch (error) {
      const { message } = MicroError.from(error);
      log.warn({ reason: message }, "dropped what was no event");
      return refusal(message);
    }
    const { header, body } = envelope;
    const topic = header[":topic"] || header["micro-topic"];
    if (!topic) {
      log.warn({}, "dropped an event without a topic");
      return refusal("Topic not found");
    }
    delete header[":topic"];
    const subscription = byId.get(idOf(startLine));
    if (subscription?.topic === topic) {
      const { delivery } = subscription;
      delivery.push({ topic, header, body });
      if (delivery.room() !== undefined && !full.includes(delivery)) full.push(delivery);
    }
    return OK;
  };

  const serve = (socket: Socket): void => {
    const reader = createFrameReader();
    const outbox = createOutbox(socket);
    open.add(socket);
    socket.on("data", (chunk: Buffer) => {
      const full: Delivery[] = [];
      let last = false;
      try {
        for (const message of reader.push(chunk)) {
          if (last) break;
          outbox.add(take(message, full));
          last = message.frame.header["connection"] === "close" || !message.startLine.endsWith("/1.1");
        }
      } catch (error) {
        outbox.add(refusal(MicroError.from(error).message));
        last = true;
      }
      if (last) {
        outbox.flush();
        socket.end();
        return;
      }
      // Who sends is held back while the handler is behind, and while it does not read our answers.
      const waits = [...full.map((delivery) => delivery.room()), socket.writableNeedDrain ? outbox.room() : undefined];
      if (waits.every((wait) => wait === undefined)) return;
      socket.pause();
      void Promise.all(waits).then(() => socket.resume());
    });
    socket.on("error", () => {}); // publishers come and go
    socket.on("close", () => open.delete(socket));
  };

  const server = createServer({ noDelay: true }, serve);
  const { host, port } = listenAt(address);
  server.listen({ port, ...(host === "" ? {} : { host }) });
  try {
    await once(server, "listening");
  } catch (error) {
    throw new MicroError("unavailable", `cannot listen at ${address} for events: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const bound = server.address() as AddressInfo;
  const boundHost = host === "" ? bound.address : host;
  return {
    address: `${boundHost.includes(":") ? `[${boundHost}]` : boundHost}:${bound.port}`,
    add: (topic, ids, delivery) => {
      const subscription = { topic, delivery };
      for (const id of ids) byId.set(id, subscription);
      return closable(() => {
        for (const id of ids) byId.delete(id);
      });
    },
    ...closable(async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    }),
  };
}

/** The `id` of a request's query: of any path (`/_sub?id=…`, `/?id=…`). */
function idOf(startLine: string): string {
  const known = knownIds.get(startLine);
  if (known !== undefined) return known;
  const target = startLine.split(" ")[1] ?? "";
  const at = target.indexOf("?");
  const id = at === -1 ? "" : (new URLSearchParams(target.slice(at + 1)).get("id") ?? "");
  if (knownIds.size >= 1000) knownIds.clear();
  if (startLine.length < 1000) knownIds.set(startLine, id);
  return id;
}

/** A publisher's requests all begin alike. */
const knownIds = new Map<string, string>();

function refusal(reason: string): Buffer {
  return answer(500, "Internal Server Error", errorText(errorRecord("go.micro.broker", 500, reason)));
}

function answer(status: number, phrase: string, body: string): Buffer {
  return Buffer.from(
    `HTTP/1.1 ${status} ${phrase}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    "utf8",
  );
}

/** @throws MicroError `invalid_argument` */
function listenAt(address: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address);
  if (match === null || Number(match[3]) > 65_535) {
    throw new MicroError("invalid_argument", `"${address}" is no address to listen at: write host:port`);
  }
  return { host: match[1] ?? match[2] ?? "", port: Number(match[3]) };
}
