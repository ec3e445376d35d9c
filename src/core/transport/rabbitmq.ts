import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { AsyncMessage } from "rabbitmq-client";
import { MicroError } from "../errors.ts";
import { closable } from "../lifecycle.ts";
import { frameName, goName } from "./header-names.ts";
import { createLanes, type Lane, type LanesInit } from "./lanes.ts";
import { DIRECT_REPLY_TO, EXCHANGE, type RabbitmqInit, type RabbitmqSession, rabbitmqLink } from "./rabbitmq-link.ts";
import { type Frame, type Transport, UNDELIVERED } from "./transport.ts";

export interface RabbitmqTransportInit extends RabbitmqInit {
  /** How long a connection may be silent in both directions. @default 60000, as in Go */
  readonly idleMs?: number;
  /** How many connections there may be, dialled ones and those of each listener. @default 10000 */
  readonly maxConnections?: number;
}

/** Until a listener whose server was lost tries again; doubled each time. */
const AGAIN_MS = { first: 100, most: 5000 };

/**
 * go-micro's `rabbitmq` transport (`wire.md §3.4`). A node's address is the name of a queue; who listens at `""` or at port 0
 * gets a UUID. The correlation id of a client is a connection. All of them share one connection to RabbitMQ.
 *
 * Nobody is told that the other side is gone: a connection ends when it was silent for `idleMs`, when there is no such queue,
 * and when RabbitMQ itself is lost. The headers of a message must fit into 128 KiB.
 */
export function rabbitmqTransport(init: RabbitmqTransportInit = {}): Transport {
  const limits: LanesInit = {
    ...(init.idleMs === undefined ? {} : { idleMs: init.idleMs }),
    ...(init.maxConnections === undefined ? {} : { max: init.maxConnections }),
  };
  const dialled = createLanes(limits);
  const link = rabbitmqLink(init, {
    answer: (message) => {
      const lane = dialled.get(message.correlationId ?? "");
      if (lane) hear(lane, message);
    },
    returned: ({ correlationId = "", routingKey }) => {
      dialled
        .get(correlationId)
        ?.end(new MicroError("unavailable", `nobody listens at ${routingKey}`, { details: { [UNDELIVERED]: true } }));
    },
  });
  const listening = new Set<string>();
  return {
    kind: "rabbitmq",
    dial: async (address, options) => {
      checkQueue(address);
      const session = await link.join(options);
      const correlationId = randomUUID();
      const unfollow = session.onLoss((error) => lane.end(error));
      const to = { exchange: EXCHANGE, routingKey: address, correlationId, replyTo: DIRECT_REPLY_TO, mandatory: true };
      const lane: Lane = dialled.open(correlationId, {
        remote: address,
        send: ({ header, body }) => session.publish({ ...to, headers: spelt(header) }, body),
        onEnd: () => {
          unfollow();
          return session.leave().catch(() => {});
        },
      });
      return lane.connection;
    },
    listen: async (asked, handler) => {
      const address = asked === "" || asked.endsWith(":0") ? randomUUID() : asked;
      checkQueue(address);
      // Others cannot be seen: RabbitMQ would deal the messages out to both.
      if (listening.has(address)) throw new MicroError("unavailable", `cannot listen at ${address}: it is taken`);
      listening.add(address);
      const lanes = createLanes(limits);
      const closed = new AbortController();

      const attach = async (): Promise<Attached> => {
        const session = await link.join({ signal: closed.signal });
        try {
          const stop = await session.consume(address, (message) => {
            const { replyTo, correlationId = "" } = message;
            // What cannot be answered is no question.
            if (!replyTo) return;
            const name = `${correlationId} ${replyTo}`;
            let lane = lanes.get(name);
            if (lane === undefined) {
              const made = lanes.open(name, answering(session, replyTo, correlationId));
              (async () => handler(made.connection))().catch(() => made.end());
              lane = made;
            }
            hear(lane, message);
          });
          const lost = new Promise<void>((resolve) => {
            session.onLoss((error) => {
              lanes.endAll(error);
              resolve();
            });
          });
          return { session, stop, lost };
        } catch (error) {
          await session.leave();
          throw error;
        }
      };

      let attached: Attached | undefined;
      /** Listens again after a loss, until it is closed. */
      const keep = async () => {
        for (let waitMs = AGAIN_MS.first; !closed.signal.aborted; ) {
          await attached?.lost;
          attached = undefined;
          if (closed.signal.aborted) return;
          try {
            const again = await attach();
            if (closed.signal.aborted) await detach(again);
            else attached = again;
            waitMs = AGAIN_MS.first;
          } catch {
            // Nobody is there yet.
            await sleep(waitMs, undefined, { signal: closed.signal, ref: false }).catch(() => {});
            waitMs = Math.min(waitMs * 2, AGAIN_MS.most);
          }
        }
      };
      try {
        attached = await attach();
      } catch (error) {
        listening.delete(address);
        throw error;
      }
      void keep();
      return {
        address,
        ...closable(async () => {
          closed.abort();
          listening.delete(address);
          if (attached) await detach(attached);
          lanes.endAll();
        }),
      };
    },
  };
}

interface Attached {
  readonly session: RabbitmqSession;
  readonly stop: () => Promise<void>;
  readonly lost: Promise<void>;
}

async function detach({ session, stop }: Attached): Promise<void> {
  await stop();
  await session.leave();
}

/** How a server answers. After a long silence it asks whether its client is still there. */
function answering(session: RabbitmqSession, replyTo: string, correlationId: string) {
  let asking = false;
  const ask = async (lane: Lane) => {
    asking = true;
    if (await session.isThere(replyTo).catch(() => true)) lane.heard();
    else lane.end(new MicroError("unavailable", `${replyTo} is gone`));
    asking = false;
  };
  const to = { exchange: "", routingKey: replyTo, correlationId };
  return {
    remote: replyTo,
    send: ({ header, body }: Frame, lane: Lane): Promise<void> => {
      if (lane.unheard && !asking) void ask(lane);
      return session.publish({ ...to, headers: spelt(header) }, body);
    },
  };
}

function spelt(header: Readonly<Record<string, string>>): Record<string, string> {
  const names: Record<string, string> = {};
  for (const name in header) names[goName(name)] = header[name] as string;
  return names;
}

/** Any value is taken as its text, as in Go; the library has read bodies whose content type says that they are text. */
function hear(lane: Lane, { headers, body }: AsyncMessage): void {
  const header: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (typeof value === "string") header[frameName(name)] = value;
    else if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") {
      header[frameName(name)] = String(value);
    }
  }
  lane.take({ header, body: bytesOf(body) });
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === "string" ? body : (JSON.stringify(body) ?? ""));
}

/** @throws MicroError `invalid_argument` */
function checkQueue(name: string): void {
  if (name !== "" && Buffer.byteLength(name) <= 255 && !/[*#\s]/.test(name) && !name.startsWith("amq.")) return;
  throw new MicroError("invalid_argument", `"${name}" is no address on RabbitMQ: write the name of a queue`);
}
