import { createInbox, type Msg } from "@nats-io/transport-node";
import { MicroError } from "../errors.ts";
import { closable } from "../lifecycle.ts";
import { decodeEnvelope, encodeEnvelope } from "../wire/envelope.ts";
import { frameName, goName } from "./header-names.ts";
import { createLanes, type Lane, type LanesInit } from "./lanes.ts";
import { type NatsInit, type NatsSession, natsLink } from "./nats-link.ts";
import { type Frame, type Transport, UNDELIVERED } from "./transport.ts";

export interface NatsTransportInit extends NatsInit {
  /** How long a connection may be silent in both directions. @default 60000, as in Go */
  readonly idleMs?: number;
  /** How many connections there may be, dialled ones and those of each listener. @default 10000 */
  readonly maxConnections?: number;
}

/**
 * go-micro's `nats` transport (`wire.md §3.3`). A node's address is a bare subject; who listens at `""` or at port 0 gets a
 * fresh inbox. A reply subject is a connection. All of them share one connection to NATS, which is there as long as one of
 * them is.
 *
 * Nobody is told that the other side is gone: a connection ends when it was silent for `idleMs`, when the server says that
 * nobody listens (NATS 2.2 and later), and when NATS itself is lost. A message is a third larger on the way, and must fit into
 * the server's `max_payload` (1 MiB unless configured).
 */
export function natsTransport(init: NatsTransportInit = {}): Transport {
  const link = natsLink(init);
  const limits: LanesInit = {
    ...(init.idleMs === undefined ? {} : { idleMs: init.idleMs }),
    ...(init.maxConnections === undefined ? {} : { max: init.maxConnections }),
  };
  const dialled = createLanes(limits);
  const listening = new Set<string>();
  return {
    kind: "nats",
    dial: async (address, options) => {
      checkSubject(address);
      const session = await link.join(options);
      const inbox = session.expect((message) => {
        if (isRefusal(message))
          lane.end(new MicroError("unavailable", `nobody listens at ${address}`, { details: { [UNDELIVERED]: true } }));
        else hear(message, () => lane);
      });
      const unfollow = session.onLoss((error) => lane.end(error));
      const left = () => {
        inbox.forget();
        unfollow();
        return session.leave().catch(() => {});
      };
      const send = (frame: Frame) => session.publish(address, envelope(frame), inbox.subject);
      const lane: Lane = dialled.open(inbox.subject, { remote: address, send, onEnd: left });
      return lane.connection;
    },
    listen: async (asked, handler) => {
      const address = asked === "" || asked.endsWith(":0") ? createInbox(init.inboxPrefix) : asked;
      checkSubject(address);
      // Others cannot be seen: NATS would give every message to both.
      if (listening.has(address)) throw new MicroError("unavailable", `cannot listen at ${address}: it is taken`);
      listening.add(address);
      const lanes = createLanes(limits);
      try {
        const session = await link.join();
        const accept = (reply: string): Lane => {
          const lane = lanes.open(reply, answering(session, reply));
          (async () => handler(lane.connection))().catch(() => lane.end());
          return lane;
        };
        const subscription = session.subscribe(address, (message) => {
          const { reply } = message;
          // What cannot be answered is no question.
          if (reply) hear(message, (readable) => lanes.get(reply) ?? (readable ? accept(reply) : undefined));
        });
        const unfollow = session.onLoss((error) => lanes.endAll(error));
        await session.settle(5000);
        return {
          address,
          ...closable(async () => {
            listening.delete(address);
            subscription.unsubscribe();
            unfollow();
            lanes.endAll();
            await session.leave();
          }),
        };
      } catch (error) {
        listening.delete(address);
        throw error;
      }
    },
  };
}

/**
 * How a server answers. What Go's send has no reply subject; after a long silence ours has one, at which NATS can say that the
 * client is gone. Go's clients do not look at it.
 */
function answering(session: NatsSession, reply: string) {
  let probe: ReturnType<NatsSession["expect"]> | undefined;
  return {
    remote: reply,
    send: (frame: Frame, lane: Lane): Promise<void> => {
      if (!lane.unheard) return session.publish(reply, envelope(frame));
      // From the server or from a client of ours: whatever comes here says the same.
      probe ??= session.expect(() => lane.end(new MicroError("unavailable", `${reply} is gone`)));
      return session.publish(reply, envelope(frame), probe.subject);
    },
    onEnd: () => probe?.forget(),
  };
}

function envelope({ header, body }: Frame): Uint8Array {
  const spelt: Record<string, string> = {};
  for (const name in header) spelt[goName(name)] = header[name] as string;
  return encodeEnvelope(spelt, body);
}

/** What cannot be read ends its connection, as in Go, and begins none. */
function hear(message: Msg, laneOf: (readable: boolean) => Lane | undefined): void {
  let frame: Frame;
  try {
    frame = decodeEnvelope(message.data, frameName);
  } catch (error) {
    laneOf(false)?.end(MicroError.from(error));
    return;
  }
  laneOf(true)?.take(frame);
}

/** What the server sends in the place of an answer when nobody listens. */
function isRefusal(message: Msg): boolean {
  return message.data.length === 0 && message.headers?.code === 503;
}

/** @throws MicroError `invalid_argument` */
function checkSubject(subject: string): void {
  if (/^[^\s.*>]+(\.[^\s.*>]+)*$/.test(subject)) return;
  throw new MicroError("invalid_argument", `"${subject}" is no address on NATS: write a subject without wildcards`);
}
