import { connect, type Socket } from "node:net";
import { type Deadline, deadline } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import { splitAddress } from "../wire/record.ts";
import type { GossipCipher } from "./gossip-crypt.ts";
import { decodeStream, encodeStream, MAX_STREAM_BYTES, missingBytes, type StreamMessage } from "./gossip-state.ts";

/** How long one exchange may take. Go gives it one second on a local network, ten elsewhere. */
export const STREAM_MS = 5000;

/**
 * Sends one message over TCP; `reply`: and reads the one that comes back.
 * @param address `host:port`
 * @throws MicroError `unavailable` (nobody there, it hung up), `timeout`, `cancelled`, `invalid_argument` (no gossip)
 */
export async function ask(
  address: string,
  message: StreamMessage,
  options: CallOptions & { readonly cipher?: GossipCipher | undefined; readonly reply: boolean },
): Promise<StreamMessage | undefined> {
  using limit = deadline(options, STREAM_MS, `the gossip member at ${address}`);
  limit.check();
  const { host, port } = splitAddress(address);
  const socket = connect({ host, port });
  try {
    await connected(socket, address, limit);
    const bytes = encodeStream(message, options.cipher);
    if (!options.reply) {
      await new Promise<void>((resolve, reject) => {
        socket.once("error", (error) => reject(hungUp(address, error)));
        socket.once("close", () => resolve());
        limit.signal.addEventListener("abort", () => reject(limit.signal.reason), { once: true });
        // The peer hangs up when it has read it all.
        socket.end(bytes);
        socket.resume();
      });
      return undefined;
    }
    socket.write(bytes);
    return await readMessage(socket, address, limit.signal, options.cipher);
  } finally {
    socket.destroy();
    socket.on("error", () => {});
  }
}

/** Members that `tellEach` speaks to at the same time. */
const AT_ONCE = 16;

/** A user message over TCP to each of them; who cannot be reached keeps nobody else from it. */
export async function tellEach(
  addresses: readonly string[],
  body: Buffer,
  options: CallOptions & { readonly cipher: GossipCipher | undefined },
): Promise<{ readonly reached: number; readonly failed?: unknown }> {
  const left = [...addresses];
  let reached = 0;
  let failed: unknown;
  const worker = async () => {
    for (let to = left.shift(); to !== undefined; to = left.shift()) {
      try {
        await ask(to, { type: "user", body }, { ...options, reply: false });
        reached += 1;
      } catch (error) {
        failed = error;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { reached, failed };
}

/** Reads one message off a socket that somebody opened. @throws MicroError as `ask` */
export async function readMessage(
  socket: Socket,
  who: string,
  signal: AbortSignal,
  cipher: GossipCipher | undefined,
): Promise<StreamMessage> {
  const chunks: Buffer[] = [];
  let size = 0;
  let need = 1;
  return new Promise((resolve, reject) => {
    const done = (settle: () => void) => {
      socket.off("data", take).off("error", failed).off("close", closed).off("end", closed);
      signal.removeEventListener("abort", aborted);
      socket.pause();
      settle();
    };
    const failed = (error: Error) => done(() => reject(hungUp(who, error)));
    const closed = () => done(() => reject(hungUp(who)));
    const aborted = () => done(() => reject(MicroError.from(signal.reason)));
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size < need) return;
      const all = Buffer.concat(chunks);
      try {
        const message = decodeStream(all, cipher);
        done(() => resolve(message));
      } catch (error) {
        const missing = missingBytes(error);
        if (missing === undefined || size > MAX_STREAM_BYTES) return done(() => reject(error));
        chunks.splice(0, chunks.length, all);
        need = missing;
      }
    };
    if (signal.aborted) return reject(MicroError.from(signal.reason));
    signal.addEventListener("abort", aborted, { once: true });
    socket.on("data", take).on("error", failed).on("close", closed).on("end", closed);
  });
}

function connected(socket: Socket, address: string, limit: Deadline): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => settle(() => reject(limit.signal.reason));
    const failed = (error: Error) => settle(() => reject(hungUp(address, error)));
    const settle = (action: () => void) => {
      socket.off("error", failed);
      limit.signal.removeEventListener("abort", aborted);
      action();
    };
    socket.once("error", failed);
    socket.once("connect", () => settle(resolve));
    limit.signal.addEventListener("abort", aborted, { once: true });
  });
}

function hungUp(who: string, cause?: Error): MicroError {
  const why = cause === undefined ? "hung up" : `cannot be reached (${cause.message})`;
  return new MicroError("unavailable", `the gossip member at ${who} ${why}`, { cause });
}
