import { MicroError } from "../errors.ts";
import { closable } from "../lifecycle.ts";
import { createInbox, type Inbox } from "./inbox.ts";
import type { Connection, Frame, Transport } from "./transport.ts";

/**
 * A network in a variable: who listens on it can be dialled through it. Nothing else is left out: frames are copied, and
 * everything above it is the real thing. Two of them do not see each other.
 */
export function memoryTransport(): Transport {
  const listeners = new Map<string, (connection: Connection) => void>();
  let ports = 0;
  return {
    kind: "memory",
    dial: async (address, options = {}) => {
      if (options.signal?.aborted) throw new MicroError("cancelled", `connecting to ${address}: cancelled`);
      const accept = listeners.get(address);
      if (accept === undefined) throw new MicroError("unavailable", `dial memory ${address}: connection refused`);
      const [here, there] = pipe(address, `memory:${++ports}`);
      accept(there);
      return here;
    },
    listen: async (asked, handler) => {
      const address = asked === "" || asked.endsWith(":0") ? `memory:${++ports}` : asked;
      if (listeners.has(address)) throw new MicroError("unavailable", `cannot listen at ${address}: it is taken`);
      const open = new Set<Connection>();
      listeners.set(address, (connection) => {
        open.add(connection);
        handler(connection).catch(() => connection.close());
      });
      return {
        address,
        ...closable(async () => {
          listeners.delete(address);
          await Promise.all([...open].map((connection) => connection.close()));
        }),
      };
    },
  };
}

/** The two ends of one connection. */
function pipe(server: string, client: string): readonly [Connection, Connection] {
  const toClient = createInbox();
  const toServer = createInbox();
  const link = { open: true };
  return [end(link, toClient, toServer, server), end(link, toServer, toClient, client)];
}

function end(link: { open: boolean }, mine: Inbox, theirs: Inbox, remote: string): Connection {
  return {
    remote,
    receive: mine.receive,
    [Symbol.asyncIterator]: mine[Symbol.asyncIterator],
    send: async (frame) => {
      if (!link.open) throw new MicroError("unavailable", `the connection to ${remote} is closed`);
      const copy: Frame = { header: lowerCased(frame.header), body: frame.body.slice() };
      queueMicrotask(() => theirs.take(copy));
    },
    ...closable(() => {
      link.open = false;
      mine.end();
      queueMicrotask(() => theirs.end());
    }),
  };
}

function lowerCased(header: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(header).map(([name, value]) => [name.toLowerCase(), value]));
}
