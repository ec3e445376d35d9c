import type { MicroError } from "../errors.ts";
import type { Connection, Frame } from "../transport/transport.ts";
import { failure, NOT_BEGUN } from "./failure.ts";
import type { Limit } from "./limit.ts";

/**
 * One connection as a client uses it: a question out, its answer in. Go's servers get one call at a time, because their
 * answers say nothing that could be trusted about whose they are (`wire.md §3.1`, §11 trap 2). A server that promises to
 * answer with the `Micro-Id` of the question (`MULTIPLEX`) gets many.
 */
export interface Line {
  /**
   * @throws MicroError the limit's reason; `unavailable` when the connection ends without an answer, with `NOT_BEGUN` in its
   * details: true if the question was surely not read
   */
  exchange(id: string, frame: Frame, limit: Limit): Promise<Frame>;
  /** Ends a call on it, each once. A line that is not well takes no other call, and is closed after its last one. */
  done(well: boolean): void;
}

interface Waiting {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: MicroError) => void;
  readonly limit: Limit;
  /** How many answers had come when this question was sent, if it was the only one; else -1. */
  readonly readBefore: number;
}

/** @param done ends a call, as `Line.done` @param onEnd the connection has ended */
export function lineOver(
  connection: Connection,
  shared: boolean,
  done: (well: boolean) => void,
  onEnd: () => void,
): Line {
  /** Who waits, by id; without ids there is one at most. */
  const waiting = new Map<string, Waiting>();
  let read = 0;
  let over: { error: MicroError | undefined } | undefined;

  const ended = (unread: boolean) => {
    const error = over?.error;
    return failure("unavailable", "go.micro.client.transport", 500, error?.message ?? "EOF", {
      cause: error,
      [NOT_BEGUN]: unread && (error === undefined || /reset|closed/.test(error.message)),
    });
  };

  connection.receive(
    (frame) => {
      read++;
      const id = shared ? frame.header["micro-id"] : "";
      const call = id === undefined ? undefined : waiting.get(id);
      if (call) {
        waiting.delete(id as string);
        call.limit.onOver = undefined;
        call.resolve(frame);
      } else if (!shared || id === undefined) {
        // What nobody asked for would be taken for the answer to the next call.
        void connection.close();
      }
    },
    (error) => {
      over = { error };
      onEnd();
      for (const call of waiting.values()) {
        call.limit.onOver = undefined;
        // A kept connection that its other end had closed meanwhile.
        call.reject(ended(read > 0 && call.readBefore === read));
      }
      waiting.clear();
    },
  );

  return {
    done,
    exchange: (callId, frame, limit) =>
      new Promise((resolve, reject) => {
        if (over) {
          reject(ended(true));
          return;
        }
        const id = shared ? callId : "";
        waiting.set(id, { resolve, reject, limit, readBefore: waiting.size === 0 ? read : -1 });
        const giveUp = (error: MicroError) => {
          waiting.delete(id);
          limit.onOver = undefined;
          reject(error);
        };
        limit.onOver = () => giveUp(limit.reason as MicroError);
        connection.send(frame).catch((error) => {
          over ??= { error };
          giveUp(ended(true));
        });
      }),
  };
}
