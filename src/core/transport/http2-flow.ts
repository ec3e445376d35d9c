import type { Http2Stream } from "node:http2";
import { MicroError } from "../errors.ts";
import { type Budget, MessageReader } from "../wire/grpc-messages.ts";

/**
 * The messages of a stream, one after the other, for one reader; and its writing end. Nothing is taken out of the chunks
 * that arrive before it is asked for, so that what waits are some bytes, and the other side is held back when they become
 * many. One for every stream, idle ones too, so it is a class.
 */
export class Http2Flow {
  readonly #stream: Http2Stream;
  readonly #reader: MessageReader;
  #over: { readonly error: MicroError | undefined } | undefined;
  #wake: (() => void) | undefined;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(stream: Http2Stream, limit: number, budget?: Budget) {
    this.#stream = stream;
    this.#reader = new MessageReader(limit, budget);
    stream.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  /** The header `grpc-encoding`, when it is known. */
  set encoding(encoding: string | undefined) {
    this.#reader.encoding = encoding ?? "identity";
  }

  /** The other side has said everything: `undefined`; or something went wrong. What came before is still read. */
  end(error?: MicroError): void {
    if (this.#over) return;
    this.#over = { error };
    this.#rouse();
    this.#roomy();
  }

  /** Nobody reads any more. */
  drop(): void {
    this.#over ??= { error: undefined };
    this.#reader.clear();
    this.#rouse();
    this.#roomy();
    if (!this.#stream.destroyed) this.#stream.resume();
  }

  /** The next message; `undefined`: there are no more. @throws MicroError why it ended */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const message = this.#reader.next();
      if (message !== undefined) {
        if (this.#reader.size < HELD / 2 && this.#stream.isPaused()) this.#stream.resume();
        return message;
      }
      if (this.#over?.error) throw this.#over.error;
      if (this.#over) {
        if (!this.#reader.empty) throw CUT;
        return undefined;
      }
      if (this.#stream.isPaused()) this.#stream.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when there is room for another, also when the stream is gone. */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#stream.write(bytes) || this.#stream.destroyed) return ROOM;
    if (this.#room === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>((resolved) => {
        resolve = resolved;
      });
      this.#room = { promise, resolve };
      this.#stream.once("drain", () => this.#roomy());
    }
    return this.#room.promise;
  }

  #take(chunk: Buffer): void {
    if (this.#over) return;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#reader.clear();
      this.end(MicroError.from(error));
      return;
    }
    if (this.#wake) this.#rouse();
    else if (this.#reader.size >= HELD && this.#reader.ready) this.#stream.pause();
  }

  #rouse(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #roomy(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

/** So much waits before the other side is held back, unless it is one message. */
const HELD = 128 << 10;
const ROOM = Promise.resolve();
const CUT = new MicroError("internal", "the stream ended in the middle of a message");
