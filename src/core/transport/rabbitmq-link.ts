import { type AsyncMessage, type Channel, Connection, type ReturnedMessage } from "rabbitmq-client";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";

export interface RabbitmqInit {
  /** `amqp://user:password@host:port/vhost`, `amqps://…`. With several, any that answers. @default ["amqp://guest:guest@127.0.0.1:5672"] */
  readonly addresses?: readonly string[];
  /** For `amqps`; PEM text. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** One connection to RabbitMQ for all who need one; it is there as long as somebody does, and is made anew when it was lost. */
export interface RabbitmqLink {
  /** @throws MicroError `unavailable`, `cancelled` */
  join(options?: CallOptions): Promise<RabbitmqSession>;
}

export interface Publication {
  readonly exchange: string;
  readonly routingKey: string;
  readonly correlationId: string;
  readonly replyTo?: string;
  /** Whether it is given back when there is no queue for it. */
  readonly mandatory?: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/** From connecting to the loss of the connection, after which there is no more to do with it than to leave it. */
export interface RabbitmqSession {
  /** Resolves when handed to the system. @throws MicroError `unavailable`, or `invalid_argument` for headers that are too large */
  publish(to: Publication, body: Uint8Array): Promise<void>;
  onLoss(callback: (error: MicroError) => void): () => void;
  /** Reads a queue of that name, declared as Go does, until it is closed. @throws MicroError */
  consume(queue: string, onMessage: (message: AsyncMessage) => void): Promise<() => Promise<void>>;
  /** Whether a client still reads its answers. */
  isThere(replyTo: string): Promise<boolean>;
  /** To be called once for each `join`. */
  leave(): Promise<void>;
}

/** Who is told what comes in, on whatever connection. */
export interface RabbitmqEars {
  /** An answer to what was published with `DIRECT_REPLY_TO`. */
  answer(message: AsyncMessage): void;
  /** What came back because nobody has such a queue. */
  returned(message: ReturnedMessage): void;
}

/** go-micro's exchange (`wire.md §3.4`). */
export const EXCHANGE = "micro";
/** RabbitMQ's own way to answer without a queue. */
export const DIRECT_REPLY_TO = "amq.rabbitmq.reply-to";

const CONNECT_MS = 5000;
const CLOSE_MS = 1000;
const HEARTBEAT_S = 20;
/** What RabbitMQ allows unless it is configured; all headers of a message must fit into one frame. */
const FRAME_BYTES = 131_072;
const MAX_HEADER_BYTES = FRAME_BYTES - 2048;

export function rabbitmqLink({ addresses, tls }: RabbitmqInit, ears: RabbitmqEars): RabbitmqLink {
  const urls = (addresses?.length ? addresses : ["amqp://guest:guest@127.0.0.1:5672"]).map(readAddress);
  const where = urls.map(({ host }) => host).join(", ");
  let turn = 0;
  let current: Promise<RabbitmqSession & Joinable> | undefined;

  const open = (): Promise<RabbitmqSession & Joinable> => {
    const opening = (async () => {
      let failure: unknown;
      for (let tries = 0; tries < urls.length; tries++) {
        const { href } = urls[turn++ % urls.length] as URL;
        try {
          return await openSession(href, where, tls, ears, () => {
            if (current === opening) current = undefined;
          });
        } catch (error) {
          failure = error;
        }
      }
      throw failure;
    })();
    opening.catch(() => {
      if (current === opening) current = undefined;
    });
    return opening;
  };

  return {
    join: async (options = {}) => {
      using limit = deadline(options, CONNECT_MS, `connecting to RabbitMQ at ${where}`);
      limit.check();
      current ??= open();
      const opening = current;
      try {
        const session = await orAbort(opening, limit.signal);
        session.join();
        return session;
      } catch (thrown) {
        // Who gave up may have been the only one.
        opening.then((session) => session.leaveIfUnused()).catch(() => {});
        if (options.signal?.aborted) throw limit.signal.reason;
        const { message } = MicroError.from(thrown, "unavailable");
        throw new MicroError(
          "unavailable",
          `RabbitMQ at ${where} cannot be reached: ${message.replace(/^undefined: /, "")}`,
          { cause: thrown },
        );
      }
    },
  };
}

interface Joinable {
  join(): void;
  leaveIfUnused(): Promise<void>;
}

async function openSession(
  url: string,
  where: string,
  tls: RabbitmqInit["tls"],
  ears: RabbitmqEars,
  onOver: () => void,
): Promise<RabbitmqSession & Joinable> {
  const connection = new Connection({
    url,
    frameMax: FRAME_BYTES,
    heartbeat: HEARTBEAT_S,
    connectionTimeout: CONNECT_MS,
    acquireTimeout: CONNECT_MS,
    noDelay: true,
    ...(tls === undefined ? {} : { tls }),
  });
  const losers = new Set<(error: MicroError) => void>();
  let users = 0;
  let leaving: Promise<void> | undefined;
  let lost: MicroError | undefined;
  let channel: Channel;

  /** It would connect again by itself, but then nobody would know what was lost. */
  const lose = (cause?: unknown) => {
    if (lost || leaving) return;
    lost = new MicroError("unavailable", `the connection to RabbitMQ at ${where} is lost`, { cause });
    onOver();
    connection.unsafeDestroy();
    for (const tell of [...losers]) tell(lost);
  };

  let refused: (error: Error) => void = () => {};
  const refusal = new Promise<never>((_, reject) => {
    refused = reject;
  });
  refusal.catch(() => {});
  connection.on("error", (error) => {
    refused(error);
    lose(error);
  });
  try {
    channel = await Promise.race([connection.acquire(), refusal]);
    channel.on("close", () => lose());
    channel.on("basic.return", ears.returned);
    await channel.exchangeDeclare({ exchange: EXCHANGE, type: "topic", durable: false });
    await channel.basicConsume({ queue: DIRECT_REPLY_TO, noAck: true }, ears.answer);
  } catch (error) {
    connection.unsafeDestroy();
    throw error;
  }

  const session: RabbitmqSession & Joinable = {
    publish: ({ headers, ...to }, body) => {
      if (lost) return Promise.reject(lost);
      if (!channel.active || !connection.ready) {
        return Promise.reject(new MicroError("unavailable", `RabbitMQ at ${where} takes no messages just now`));
      }
      const tooLarge = checkHeaders(headers);
      if (tooLarge) return Promise.reject(tooLarge);
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      return channel.basicPublish({ ...to, headers }, bytes).catch((error) => {
        throw MicroError.from(error, "unavailable");
      });
    },
    onLoss: (callback) => {
      losers.add(callback);
      return () => void losers.delete(callback);
    },
    consume: async (queue, onMessage) => {
      const reader = await connection.acquire();
      try {
        await reader.queueDeclare({ queue, durable: false, autoDelete: true });
        await reader.queueBind({ exchange: EXCHANGE, queue, routingKey: queue });
        const { consumerTag } = await reader.basicConsume({ queue, noAck: true }, onMessage);
        let stopped = false;
        const gone = () => stopped || lose();
        reader.on("basic.cancel", gone);
        reader.on("close", gone);
        return async () => {
          stopped = true;
          if (lost) return;
          await within(reader.basicCancel({ consumerTag }).then(() => reader.close()));
        };
      } catch (error) {
        await within(reader.close());
        throw MicroError.from(error, "unavailable");
      }
    },
    isThere: async (replyTo) => {
      const asking = await connection.acquire();
      try {
        await asking.queueDeclare({ queue: replyTo, passive: true });
        return true;
      } catch {
        return false;
      } finally {
        await within(asking.close());
      }
    },
    join: () => {
      if (lost || leaving) throw new MicroError("unavailable", "the connection was just closed");
      users++;
    },
    leave: async () => {
      users--;
      await session.leaveIfUnused();
    },
    leaveIfUnused: async () => {
      if (users > 0 || lost) return;
      onOver();
      leaving ??= (async () => {
        await within(channel.close().then(() => connection.close()));
        connection.unsafeDestroy();
      })();
      await leaving;
    },
  };
  return session;
}

/** Closing waits for the server, which may not answer. */
async function within(closing: Promise<unknown>): Promise<void> {
  using limit = deadline({}, CLOSE_MS, "closing");
  await orAbort(closing, limit.signal).catch(() => {});
}

/** What the library would only find out when it has begun to write, which costs the channel. */
function checkHeaders(headers: Readonly<Record<string, string>>): MicroError | undefined {
  let bytes = 0;
  for (const name in headers) {
    const length = Buffer.byteLength(name);
    if (length > 255) return new MicroError("invalid_argument", "a header's name is too long for RabbitMQ: 255 bytes");
    bytes += length + Buffer.byteLength(headers[name] as string) + 6;
  }
  if (bytes <= MAX_HEADER_BYTES) return undefined;
  return new MicroError("invalid_argument", `headers of ${bytes} bytes are too large for RabbitMQ`);
}

/** The address is not repeated in an error: there may be a password in it. */
function readAddress(address: string): URL {
  const full = /^[a-z]+:\/\//.test(address) ? address : `amqp://${address}`;
  if (/^amqps?:\/\//.test(full) && URL.canParse(full)) {
    const url = new URL(full);
    if (url.username === "") [url.username, url.password] = ["guest", "guest"];
    return url;
  }
  throw new MicroError("invalid_argument", "an address of RabbitMQ is none: write amqp://host:port");
}
