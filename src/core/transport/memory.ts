import { MicroError } from "../errors.ts";
import { closable } from "../lifecycle.ts";
import { createInbox, type Inbox } from "./inbox.ts";
import type { Connection, Frame, Transport } from "./transport.ts";

/**
 * A network in a variable: who listens on it can be dialled through it. Nothing else is left out: frames are copied, and
 * everything above it is the real thing. Two of them do not see each other.
 */
export function memoryTransport(): Transport {
  const listeners = new Map<string, Listener>();
  let ports = 0;
  return {
    kind: "memory",
    dial: async (address, options = {}) => {
      if (options.signal?.aborted) throw new MicroError("cancelled", `connecting to ${address}: cancelled`);
      const listener = listeners.get(address);
      if (listener === undefined) throw new MicroError("unavailable", `dial memory ${address}: connection refused`);
      const [here, there] = pipe(address, `memory:${++ports}`, () => listener.open.delete(there));
      listener.open.add(there);
      listener.accept(there);
      return here;
    },
    listen: async (asked, handler) => {
      const address = asked === "" || asked.endsWith(":0") ? `memory:${++ports}` : asked;
      if (listeners.has(address)) throw new MicroError("unavailable", `cannot listen at ${address}: it is taken`);
      const open = new Set<Connection>();
      listeners.set(address, {
        open,
        accept: (connection) => void handler(connection).catch(() => connection.close()),
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

interface Listener {
  readonly open: Set<Connection>;
  accept(connection: Connection): void;
}

/** The two ends of one connection. @param onClose either was closed */
function pipe(server: string, client: string, onClose: () => void): readonly [Connection, Connection] {
  const link = { open: true, onClose };
  const toClient = createDirection();
  const toServer = createDirection();
  return [end(link, toClient, toServer, server), end(link, toServer, toClient, client)];
}

/** What goes one way. Who sends waits while nobody reads, as a socket would make them. */
interface Direction {
  readonly inbox: Inbox;
  /** In order, when there is room. */
  send(frame: Frame): Promise<void>;
  /** Somebody reads on, or nobody ever will. */
  free(): void;
}

function createDirection(): Direction {
  const inbox = createInbox();
  let room: Promise<void> | undefined;
  let free = () => {};
  let last = Promise.resolve();
  return {
    inbox,
    send: (frame) => {
      last = last.then(async () => {
        await room;
        if (inbox.take(frame)) return;
        room = new Promise((resolve) => {
          free = resolve;
        });
      });
      return last;
    },
    free: () => {
      room = undefined;
      free();
    },
  };
}

function end(
  link: { open: boolean; onClose: () => void },
  mine: Direction,
  theirs: Direction,
  remote: string,
): Connection {
  const iterate = mine.inbox[Symbol.asyncIterator];
  return {
    remote,
    receive: (onFrame, onEnd) => {
      mine.inbox.receive(onFrame, onEnd);
      mine.free();
    },
    [Symbol.asyncIterator]: () => {
      const frames = iterate();
      return {
        ...frames,
        next: () => {
          mine.free();
          return frames.next();
        },
      };
    },
    send: async (frame) => {
      if (!link.open) throw new MicroError("unavailable", `the connection to ${remote} is closed`);
      await theirs.send({ header: lowerCased(frame.header), body: frame.body.slice() });
    },
    ...closable(() => {
      link.open = false;
      link.onClose();
      mine.inbox.end();
      for (const direction of [mine, theirs]) direction.free();
      // What was sent before is still read.
      queueMicrotask(() => queueMicrotask(() => theirs.inbox.end()));
    }),
  };
}

function lowerCased(header: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(header).map(([name, value]) => [name.toLowerCase(), value]));
}
