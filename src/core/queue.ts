import type { MicroError } from "./errors.ts";

/** Turns pushes into an async iteration, with a bound. One reader. */
export interface Queue<T> extends AsyncIterable<T> {
  /** `false` when the queue is full or over and the item was not taken. */
  push(item: T): boolean;
  /** What is in it is still read, then the iteration ends; with an error it throws instead. */
  end(error?: MicroError): void;
  /** Nothing of what is in it is read any more: the iteration throws. */
  fail(error: MicroError): void;
  readonly size: number;
}

/** @param max how many unread items it holds before `push` says no */
export function createQueue<T>(max = 10_000): Queue<T> {
  const items: T[] = [];
  let over: { error: MicroError | undefined } | undefined;
  let wake: (() => void) | undefined;
  const rouse = () => {
    const waiting = wake;
    wake = undefined;
    waiting?.();
  };
  return {
    get size() {
      return items.length;
    },
    push: (item) => {
      if (over !== undefined || items.length >= max) return false;
      items.push(item);
      rouse();
      return true;
    },
    end: (error) => {
      over ??= { error };
      rouse();
    },
    fail: (error) => {
      over ??= { error };
      items.length = 0;
      rouse();
    },
    [Symbol.asyncIterator]: () => ({
      next: async (): Promise<IteratorResult<T, undefined>> => {
        for (;;) {
          if (items.length > 0) return { done: false, value: items.shift() as T };
          if (over?.error) throw over.error;
          if (over) return { done: true, value: undefined };
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
      return: async () => {
        over ??= { error: undefined };
        items.length = 0;
        rouse();
        return { done: true, value: undefined };
      },
    }),
  };
}
