import type { MicroError } from "../errors.ts";
import { type Connection, type Frame, UNDELIVERED } from "../transport/transport.ts";
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
   * details: true if the question was surely not read; `invalid_argument` for what its network does not carry
   */
  exchange(id: string, frame: Frame, limit: Limit): Promise<Frame>;
  /** Ends a call on it, each once. A line that is not well takes no other call, and is closed after its last one. */
  done(well: boolean): void;
}

interface Waiting {
  /** Of the call; empty on a line with one call at most. */
  readonly id: string;
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: MicroError) => void;
  readonly limit: Limit;
}

function isUndelivered(error: MicroError | undefined): boolean {
  return error?.details[UNDELIVERED] === true;
}

/** @param done ends a call, as `Line.done` @param onEnd the connection has ended */
export function lineOver(
  connection: Connection,
  shared: boolean,
  done: (well: boolean) => void,
  onEnd: () => void,
): Line {
  /**
   * Who waits, in the order of the questions, in which most answers come. No `Map`: one whose members come and go leaves
   * work for full collections (see `Alarms`).
   */
  const waiting: Waiting[] = [];
  let over: { error: MicroError | undefined } | undefined;

  const ended = (unread: boolean) => {
    const error = over?.error;
    return failure("unavailable", "go.micro.client.transport", 500, error?.message ?? "EOF", {
      cause: error,
      [NOT_BEGUN]: unread && (error === undefined || isUndelivered(error) || /reset|closed/.test(error.message)),
    });
  };

  /** Takes a call out of those that wait. */
  const take = (id: string | undefined): Waiting | undefined => {
    const at = waiting.findIndex((call) => call.id === id);
    return at === 0 ? waiting.shift() : at > 0 ? waiting.splice(at, 1)[0] : undefined;
  };

  connection.receive(
    (frame) => {
      const id = shared ? frame.header["micro-id"] : "";
      const call = take(id);
      if (call) {
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
      // Whether a question was read cannot be known, as a service that reads it and dies looks the same; but a queue says
      // that the one message there was has been given to nobody.
      const undelivered = waiting.length === 1 && isUndelivered(error);
      for (const call of waiting.splice(0)) {
        call.limit.onOver = undefined;
        call.reject(ended(undelivered));
      }
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
        waiting.push({ id, resolve, reject, limit });
        const giveUp = (error: MicroError) => {
          take(id);
          limit.onOver = undefined;
          reject(error);
        };
        limit.onOver = () => giveUp(limit.reason as MicroError);
        connection.send(frame).catch((error) => {
          // What this network carries for nobody: its connection is well, and another node would not get it either.
          if (error.code === "invalid_argument") {
            giveUp(failure("invalid_argument", "go.micro.client.transport", 400, error.message, { cause: error }));
            return;
          }
          over ??= { error };
          giveUp(ended(true));
        });
      }),
  };
}
