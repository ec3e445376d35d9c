import { MicroError } from "../errors.ts";
import type { Connection, Frame } from "../transport/transport.ts";
import type { Limit } from "./limit.ts";

/**
 * One connection as a client uses it: a question out, its answer in. Go's servers get one call at a time, because their
 * answers say nothing that could be trusted about whose they are (`wire.md §3.1`, §11 trap 2). A server that promises to
 * answer with the `Micro-Id` of the question (`MULTIPLEX`) gets many.
 */
export interface Line {
  readonly shared: boolean;
  /** It has carried a call before, so its other end may have closed it meanwhile. */
  readonly used: boolean;
  /**
   * @throws MicroError the limit's reason; `unavailable` when the connection ends without an answer, with
   * `details.unanswered` true if the question cannot have been read
   */
  exchange(id: string, frame: Frame, limit: Limit): Promise<Frame>;
  /** Ends a call on it, each once. A line that is not well takes no other call, and is closed after its last one. */
  done(well: boolean): void;
}

interface Waiting {
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: MicroError) => void;
  readonly limit: Limit;
  /** How much had been read when this question was sent, if it was the only one; else -1. */
  readonly readBefore: number;
}

/** @param free how a well line is given back, and whether it was taken */
export function lineOver(
  connection: Connection,
  shared: boolean,
  free: (well: boolean) => void,
  onEnd: () => void,
): Line {
  /** Who waits, by id; without ids there is one at most. */
  const waiting = new Map<string, Waiting>();
  let read = 0;
  let over: { error: MicroError | undefined } | undefined;

  const ended = (unread: boolean) =>
    new MicroError("unavailable", over?.error?.message ?? "EOF", {
      cause: over?.error,
      details: { unanswered: unread && (over?.error === undefined || /reset|closed/.test(over.error.message)) },
    });

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
        call.reject(ended(call.readBefore === read));
      }
      waiting.clear();
    },
  );

  return {
    shared,
    get used() {
      return read > 0;
    },
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
        connection.send(frame).catch(giveUp);
      }),
    done: free,
  };
}
