import { gunzipSync } from "node:zlib";
import { MicroError } from "../errors.ts";
import { createJoiner, type Joiner } from "../transport/joiner.ts";

/** Go's limit for one message, both ways (`wire.md §7`). */
export const MAX_MESSAGE = 4 << 20;

/** What gRPC puts before every message: a flag for compression and the length, big-endian. */
const HEAD = 5;

/** One message as it stands in DATA frames. @throws MicroError `exhausted` if the other side would not take it */
export function writeMessage(payload: Uint8Array, limit = MAX_MESSAGE): Buffer {
  if (payload.length > limit) throw tooLarge(payload.length, limit, "to be sent");
  const bytes = Buffer.allocUnsafe(HEAD + payload.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(payload.length, 1);
  bytes.set(payload, HEAD);
  return bytes;
}

/** What all streams of one connection may hold of messages that are not complete or not read yet. */
export interface Budget {
  left: number;
}

/**
 * Finds the messages in the chunks of a stream, whatever their borders. One for every call, so it is a class. Nothing is
 * allocated because of what a length says, only because of what has arrived.
 */
export class MessageReader {
  readonly #limit: number;
  /** The header `grpc-encoding`. */
  encoding = "identity";
  readonly #budget: Budget | undefined;
  #unread: Buffer = NOTHING;
  #join: Joiner | undefined;

  constructor(limit: number, budget?: Budget) {
    this.#limit = limit;
    this.#budget = budget;
  }

  /** Whether everything that came was whole messages, all of them taken. */
  get empty(): boolean {
    return this.#unread.length === 0;
  }

  /** Whether `next` has one, or something to complain about. */
  get ready(): boolean {
    return (
      this.#unread.length >= HEAD && this.#unread.length - HEAD >= Math.min(this.#unread.readUInt32BE(1), this.#limit)
    );
  }

  get size(): number {
    return this.#unread.length;
  }

  /** @throws MicroError `exhausted` when its connection holds too much already */
  push(chunk: Buffer): void {
    this.#spend(chunk.length);
    if (this.#unread.length === 0) {
      this.#unread = chunk;
      return;
    }
    this.#join ??= createJoiner();
    this.#unread = this.#join(this.#unread, chunk);
  }

  /** @throws MicroError `exhausted` for one beyond the limit, `unimplemented` or `internal` for one that cannot be unpacked */
  next(): Uint8Array | undefined {
    const unread = this.#unread;
    if (unread.length < HEAD) return undefined;
    const length = unread.readUInt32BE(1);
    if (length > this.#limit) throw tooLarge(length, this.#limit, "that came");
    const end = HEAD + length;
    if (unread.length < end) return undefined;
    this.#unread = unread.length === end ? NOTHING : unread.subarray(end);
    this.#spend(-end);
    const message = unread.subarray(HEAD, end);
    if (unread[0] === 0) return message;
    return this.#unpack(unread[0] as number, message);
  }

  /** Nothing of it is needed any more. */
  clear(): void {
    this.#spend(-this.#unread.length);
    this.#unread = NOTHING;
    this.#join = undefined;
  }

  #spend(bytes: number): void {
    const budget = this.#budget;
    if (budget === undefined) return;
    if (bytes > budget.left) throw new MicroError("exhausted", "too much waits on this connection to be read");
    budget.left -= bytes;
  }

  #unpack(flag: number, message: Buffer): Uint8Array {
    if (flag !== 1) throw new MicroError("internal", `not a gRPC message: it begins with ${flag}`);
    if (this.encoding === "identity") {
      throw new MicroError("internal", "a message says that it is compressed, and the call does not say how");
    }
    if (this.encoding !== "gzip") {
      throw new MicroError("unimplemented", `messages compressed with ${this.encoding.slice(0, 40)} are not read here`);
    }
    try {
      return gunzipSync(message, { maxOutputLength: this.#limit });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
        throw new MicroError("exhausted", `a message is larger than ${this.#limit} bytes when it is unpacked`);
      }
      throw new MicroError("internal", `a message is not gzip: ${(error as Error).message}`, { cause: error });
    }
  }
}

const NOTHING = Buffer.alloc(0);

function tooLarge(length: number, limit: number, which: string): MicroError {
  return new MicroError("exhausted", `the message ${which} has ${length} bytes; the limit is ${limit}`);
}
