import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { closable } from "../../core/lifecycle.ts";
import { createQueue } from "../../core/queue.ts";
import type { IncomingMessage, InputConnection, Mark, OutgoingMessage, Place } from "../input.ts";

/** One link of a chat in memory. */
export interface MemoryLink extends InputConnection {
  push(message: IncomingMessage): void;
  end(error?: MicroError): void;
}

export function memoryLink(
  name: string,
  to: {
    acknowledge(message: IncomingMessage): void;
    /** Resolves, when the network is ready, to what says it. */
    send(message: OutgoingMessage): Promise<() => void>;
    mark(place: Place, mark: Mark): void;
  },
): MemoryLink {
  const queue = createQueue<IncomingMessage>();
  const closing = new AbortController();
  const gone = new MicroError("unavailable", `${name}: the connection is closed`);
  let lost = false;

  async function* messages(): AsyncGenerator<IncomingMessage> {
    for await (const message of queue) {
      if (closing.signal.aborted) return;
      yield message;
      // Over a link that broke nothing is acknowledged any more, so the message comes again.
      if (!lost) to.acknowledge(message);
    }
  }

  return {
    push: (message) => void queue.push(message),
    end: (error) => {
      lost = error !== undefined;
      queue.end(error);
    },
    [Symbol.asyncIterator]: messages,
    send: async (message, options = {}) => {
      using limit = deadline(options, 10_000, `${name}: sending`);
      const say = await orAbort(orAbort(to.send(message), limit.signal), closing.signal);
      say();
    },
    mark: async (place, mark) => {
      closing.signal.throwIfAborted();
      to.mark(place, mark);
    },
    ...closable(() => {
      closing.abort(gone);
      queue.end();
    }),
  };
}
