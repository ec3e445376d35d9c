import type { MicroError } from "../errors.ts";
import type { Inbox } from "./inbox.ts";
import type { Frame } from "./transport.ts";

/** How much may wait unread. */
export interface BacklogLimits {
  /** @default 50000 */
  readonly frames?: number;
  /** Of bodies. @default 64 MiB */
  readonly bytes?: number;
}

/**
 * What has arrived over a network that cannot be held back, where all that is left is to say no: `take` gives `false` for a
 * frame that was not taken, because nobody reads what came before it.
 */
export function createBacklog({ frames = 50_000, bytes = 64 << 20 }: BacklogLimits = {}): Inbox {
  let direct: { onFrame: (frame: Frame) => void; onEnd: (error: MicroError | undefined) => void } | undefined;
  let over: { error: MicroError | undefined } | undefined;
  let unread: Frame[] = [];
  /** How many of `unread` have been read: to shift each of them would move all that follow. */
  let read = 0;
  let unreadBytes = 0;
  let wake: (() => void) | undefined;

  const rouse = () => {
    const waiting = wake;
    wake = undefined;
    waiting?.();
  };
  const next = (): Frame | undefined => {
    const frame = unread[read];
    if (frame === undefined) return undefined;
    unreadBytes -= frame.body.length;
    read++;
    if (read === unread.length || read === 1000) {
      unread = unread.slice(read);
      read = 0;
    }
    return frame;
  };

  return {
    take: (frame) => {
      if (over) return true;
      if (direct) {
        direct.onFrame(frame);
        return true;
      }
      if (unread.length - read >= frames || unreadBytes + frame.body.length > bytes) return false;
      unread.push(frame);
      unreadBytes += frame.body.length;
      rouse();
      return true;
    },
    end: (error) => {
      if (over) return;
      over = { error };
      direct?.onEnd(error);
      rouse();
    },
    receive: (onFrame, onEnd) => {
      direct = { onFrame, onEnd };
      for (let frame = next(); frame; frame = next()) onFrame(frame);
      if (over) onEnd(over.error);
    },
    [Symbol.asyncIterator]: () => ({
      next: async (): Promise<IteratorResult<Frame, undefined>> => {
        for (;;) {
          const frame = next();
          if (frame) return { done: false, value: frame };
          if (over?.error) throw over.error;
          if (over) return { done: true, value: undefined };
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
    }),
  };
}
