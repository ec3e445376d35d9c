import type { Http2Stream } from "node:http2";
import { MicroError } from "../errors.ts";
import { closable } from "../lifecycle.ts";
import { decodeFrame, encodeFrame } from "../wire/grpc-frame.ts";
import { type Budget, MessageReader, writeMessage } from "../wire/grpc-messages.ts";
import { createInbox } from "./inbox.ts";
import type { Connection, Frame } from "./transport.ts";

export interface GrpcConnectionInit {
  readonly remote: string;
  readonly stream: Http2Stream;
  readonly limit: number;
  readonly encoding?: string | undefined;
  /** Of the session. */
  readonly budget?: Budget;
  onSend?(bytes: Buffer): void;
  /** Ends the stream from this side. */
  leave(): Promise<void> | void;
}

export interface GrpcConnection extends Connection {
  readonly stream: Http2Stream;
  /** Goes on, on another stream. */
  moved(stream: Http2Stream): void;
  encoding(encoding: string | undefined): void;
  /** The other side has said everything, or the stream broke. What came before is still read. */
  over(error: MicroError | undefined): void;
}

/** Frames on one HTTP/2 stream. */
export function grpcConnection(init: GrpcConnectionInit): GrpcConnection {
  const { remote, limit } = init;
  const inbox = createInbox();
  const reader = new MessageReader(limit, init.budget);
  reader.encoding = init.encoding ?? "identity";
  let { stream } = init;
  let ended: { readonly error: MicroError | undefined } | undefined;
  let failure: MicroError | undefined;
  /** By who reads. */
  let held = false;
  /** Because nobody reads. */
  let full = false;
  let closed = false;
  let waiting: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  const roomy = () => {
    waiting?.resolve();
    waiting = undefined;
  };
  /** Takes no more out of what came than somebody reads, because a chunk may hold thousands of frames. */
  const drain = (chunk?: Buffer) => {
    if (failure) return;
    try {
      if (chunk) reader.push(chunk);
      for (let message = full ? undefined : reader.next(); message; message = full ? undefined : reader.next()) {
        full = !inbox.take(decodeFrame(message));
      }
    } catch (error) {
      failure = new MicroError("unavailable", `${remote}: ${MicroError.from(error).message}`, { cause: error });
      reader.clear();
      inbox.end(failure);
      void closing.close();
      return;
    }
    if (full || held) stream.pause();
    else if (stream.isPaused()) stream.resume();
    if (ended && !full) {
      const cut = reader.empty ? undefined : new MicroError("unavailable", `${remote}: unexpected EOF`);
      inbox.end(ended.error ?? cut);
    }
  };
  const listen = () => {
    stream.on("data", (chunk: Buffer) => {
      if (!closed) drain(chunk);
    });
    stream.on("drain", roomy);
    stream.on("close", () => {
      roomy();
      if (closed) reader.clear();
    });
  };
  listen();

  const iterate = inbox[Symbol.asyncIterator];
  const closing = closable(async () => {
    closed = true;
    reader.clear();
    inbox.end(failure);
    stream.resume();
    await init.leave();
  });
  return {
    remote,
    get stream() {
      return stream;
    },
    moved: (next) => {
      stream = next;
      listen();
    },
    encoding: (encoding) => {
      reader.encoding = encoding ?? "identity";
    },
    over: (error) => {
      if (ended) return;
      ended = { error };
      roomy();
      drain();
    },
    receive: (onFrame, onEnd) => {
      full = false;
      inbox.receive(onFrame, onEnd);
      drain();
    },
    hold: (still) => {
      held = still;
      drain();
    },
    [Symbol.asyncIterator]: () => {
      const frames = iterate();
      return {
        next: () => {
          if (full) {
            full = false;
            queueMicrotask(() => drain());
          }
          return frames.next();
        },
        // Who leaves the loop is done with the connection; what they sent still goes out.
        return: async () => {
          await closing.close();
          return { done: true, value: undefined };
        },
      } as AsyncIterator<Frame>;
    },
    send: (frame) => {
      if (closed || ended || stream.destroyed || !stream.writable) {
        const cause = failure ?? ended?.error;
        return Promise.reject(new MicroError("unavailable", `the connection to ${remote} is closed`, { cause }));
      }
      let bytes: Buffer;
      try {
        bytes = writeMessage(encodeFrame(frame), limit);
      } catch (error) {
        return Promise.reject(error);
      }
      init.onSend?.(bytes);
      if (stream.write(bytes)) return ROOM;
      if (waiting === undefined) {
        let resolve = () => {};
        const promise = new Promise<void>((resolved) => {
          resolve = resolved;
        });
        waiting = { promise, resolve };
      }
      return waiting.promise;
    },
    ...closing,
  };
}

const ROOM = Promise.resolve();
