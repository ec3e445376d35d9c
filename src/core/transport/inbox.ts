import type { MicroError } from "../errors.ts";
import { createQueue, type Queue } from "../queue.ts";
import type { Connection, Frame } from "./transport.ts";

/** What has arrived on a connection: handed to a callback where there is one, kept for an iteration where there is not. */
export interface Inbox extends Pick<Connection, "receive" | typeof Symbol.asyncIterator> {
  /** `false`: nobody reads and it is full; the connection should stop reading for a while. */
  take(frame: Frame): boolean;
  end(error?: MicroError): void;
}

/** @param max frames that wait unread */
export function createInbox(max = 1000): Inbox {
  let direct: { onFrame: (frame: Frame) => void; onEnd: (error: MicroError | undefined) => void } | undefined;
  let over: { error: MicroError | undefined } | undefined;
  const early: Frame[] = [];
  let queue: Queue<Frame> | undefined;
  return {
    take: (frame) => {
      if (direct) direct.onFrame(frame);
      else if (queue) return queue.push(frame) && queue.size < max;
      else return early.push(frame) < max;
      return true;
    },
    end: (error) => {
      if (over) return;
      over = { error };
      direct?.onEnd(error);
      queue?.end(error);
    },
    receive: (onFrame, onEnd) => {
      direct = { onFrame, onEnd };
      for (const frame of early.splice(0)) onFrame(frame);
      if (over) onEnd(over.error);
    },
    [Symbol.asyncIterator]: () => {
      queue ??= createQueue<Frame>();
      for (const frame of early.splice(0)) queue.push(frame);
      if (over) queue.end(over.error);
      return queue[Symbol.asyncIterator]();
    },
  };
}
