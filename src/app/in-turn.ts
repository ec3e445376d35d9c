import type { Clock } from "../core/clock.ts";
import type { Input } from "../inputs/input.ts";

/** Longer than any command may take, one that goes on (`Command.maxMs`) among them, so it ends only a wait for an answer that never comes. */
const PATIENCE_MS = 70 * 60_000;

/**
 * An input whose messages come one at a time, each when the one before has been answered. What comes out of a pipe is a
 * script: its answers are expected in the order of its lines, and a long one must not pile up.
 */
export function inTurn(input: Input, clock: Clock): Input {
  return {
    ...input,
    connect: async (options) => {
      const connection = await input.connect(options);
      /** Ends the wait after a message: it was answered, or the link is over. */
      let goOn = new AbortController();
      let over = false;
      const close = () => {
        over = true;
        goOn.abort();
        return connection.close();
      };
      return {
        async *[Symbol.asyncIterator]() {
          for await (const message of connection) {
            goOn = new AbortController();
            yield message;
            if (over) return;
            await clock.sleep(PATIENCE_MS, { signal: goOn.signal }).catch(() => {});
          }
        },
        send: async (message, options) => {
          await connection.send(message, options);
          if (message.progress?.last !== false) goOn.abort();
        },
        close,
        [Symbol.asyncDispose]: close,
      };
    },
  };
}
