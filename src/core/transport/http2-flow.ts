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
  #waiting: Waiting | undefined;
  #failure: MicroError | undefined;
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

  /** What the last reading threw. */
  get failure(): MicroError | undefined {
    return this.#failure;
  }

  /** The other side has said everything: `undefined`; or something went wrong. What came before is still read. */
  end(error?: MicroError): void {
    if (this.#over) return;
    this.#over = { error };
    this.#serve();
    this.#roomy();
  }

  /** Nobody reads any more. */
  drop(): void {
    this.#over ??= { error: undefined };
    this.#reader.clear();
    this.#serve();
    this.#roomy();
    if (!this.#stream.destroyed) this.#stream.resume();
  }

  /**
   * The next message, for one reader: a second question waits for the answer to the first. No `async`, because a suspended
   * function is most of what an idle stream would hold. @throws MicroError why it ended, or what `decode` throws
   */
  read<T>(decode: (message: Uint8Array) => T): Promise<IteratorResult<T, undefined>> {
    const earlier = this.#waiting?.promise;
    if (earlier) return earlier.then(() => this.read(decode));
    const promise = new Promise<IteratorResult<T, undefined>>((resolve, reject) => {
      this.#waiting = {
        decode,
        resolve: resolve as (result: IteratorResult<unknown, undefined>) => void,
        reject,
        promise: undefined,
      };
    });
    if (this.#waiting) this.#waiting.promise = promise;
    this.#serve();
    return promise;
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
    if (this.#waiting) this.#serve();
    if (this.#reader.size >= HELD && this.#reader.ready) this.#stream.pause();
  }

  /** Answers who waits, if it can. */
  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    let result: IteratorResult<unknown, undefined>;
    try {
      const message = this.#reader.next();
      if (message === undefined && this.#over === undefined) {
        if (this.#stream.isPaused()) this.#stream.resume();
        return;
      }
      if (message === undefined) {
        if (this.#over?.error) throw this.#over.error;
        if (!this.#reader.empty) throw CUT;
      } else if (this.#reader.size < HELD / 2 && this.#stream.isPaused()) this.#stream.resume();
      result = message === undefined ? END : { done: false, value: waiting.decode(message) };
    } catch (error) {
      this.#waiting = undefined;
      if (error instanceof MicroError) this.#failure = error;
      waiting.reject(error);
      return;
    }
    this.#waiting = undefined;
    waiting.resolve(result);
  }

  #roomy(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

interface Waiting {
  readonly decode: (message: Uint8Array) => unknown;
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: unknown) => void;
  promise: Promise<unknown> | undefined;
}

const END = { done: true, value: undefined } as const;

/** So much waits before the other side is held back, unless it is one message. */
const HELD = 128 << 10;
const ROOM = Promise.resolve();
const CUT = new MicroError("internal", "the stream ended in the middle of a message");
