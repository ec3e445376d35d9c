import type { Socket } from "node:net";

/**
 * What is sent on a socket in one turn of the loop goes out with one write, because the system call costs more than
 * everything else that a small message costs.
 */
export interface Outbox {
  add(bytes: Buffer): void;
  /** Writes now what has been added. */
  flush(): void;
  /** Resolves when there is room again, at once if there is; also when the socket is gone. */
  room(): Promise<void>;
}

/** So much is written without waiting for the end of the turn. */
const ENOUGH_BYTES = 64 << 10;

export function createOutbox(socket: Socket): Outbox {
  let added: Buffer[] = [];
  let bytes = 0;
  let waiting: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  const wake = () => {
    waiting?.resolve();
    waiting = undefined;
  };
  socket.on("drain", wake);
  socket.on("close", wake);

  const flush = () => {
    if (bytes === 0) return;
    const all = added.length === 1 ? (added[0] as Buffer) : Buffer.concat(added, bytes);
    added = [];
    bytes = 0;
    if (socket.writable) socket.write(all);
  };
  return {
    flush,
    add: (more) => {
      if (bytes === 0) process.nextTick(flush);
      added.push(more);
      bytes += more.length;
      if (bytes >= ENOUGH_BYTES) flush();
    },
    room: () => {
      if (!socket.writableNeedDrain || socket.destroyed) return ROOM;
      if (waiting === undefined) {
        let resolve = () => {};
        const promise = new Promise<void>((resolved) => {
          resolve = resolved;
        });
        waiting = { promise, resolve };
      }
      return waiting.promise;
    },
  };
}

const ROOM = Promise.resolve();
