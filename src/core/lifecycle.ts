/** Options that every asynchronous method takes as its last argument. Times are whole milliseconds. */
export interface CallOptions {
  /** Gives up early; the promise rejects with code `cancelled`. */
  readonly signal?: AbortSignal;
  /** Default is the method's own; `0` means none. The promise rejects with code `timeout`. */
  readonly timeoutMs?: number;
}

/**
 * Something with a beginning and an end. `stop()` without `start()`, and twice, does nothing; after it no timer, socket
 * or listener is left.
 */
export interface Startable {
  start(options?: CallOptions): Promise<void>;
  stop(): Promise<void>;
}

/** Something open. `await using x = …` closes it at the end of the block; closing twice is closing once. */
export interface Closable extends AsyncDisposable {
  close(): Promise<void>;
}

/** A `Closable` out of the one function that closes it; later calls wait for the first. */
export function closable(close: () => Promise<void> | void): Closable {
  let closed: Promise<void> | undefined;
  const once = (): Promise<void> => {
    closed ??= Promise.resolve(close());
    return closed;
  };
  return { close: once, [Symbol.asyncDispose]: once };
}
