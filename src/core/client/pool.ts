import { type Clock, systemClock } from "../clock.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";
import type { Connection, Frame, Transport } from "../transport/transport.ts";

/** One connection for one call at a time: a question out, one answer in. */
export interface Line {
  /** It has carried a call before, so its other end may have closed it meanwhile. */
  readonly used: boolean;
  /** @throws MicroError `unavailable` when it ends without an answer; `details.unanswered` is true if nothing was read */
  exchange(frame: Frame): Promise<Frame>;
  close(): void;
}

export interface PoolInit {
  /** Idle connections kept per address. @default 100 */
  readonly poolSize?: number;
  /** How old a connection may become. Go's servers keep theirs for 60 s and more. @default 60000 */
  readonly poolTtlMs?: number;
}

/** Connections by address, last used first. */
export interface Pool {
  take(address: string, options: CallOptions): Line | Promise<Line>;
  /** Only after an answer without an error; every other line is closed. */
  give(address: string, line: Line): void;
  close(): Promise<void>;
}

interface PooledLine extends Line {
  readonly madeAt: number;
  used: boolean;
  readonly over: boolean;
}

export function createPool(transport: Transport, init: PoolInit = {}, clock: Clock = systemClock): Pool {
  const { poolSize = 100, poolTtlMs = 60_000 } = init;
  const idle = new Map<string, PooledLine[]>();
  const all = new Set<Connection>();
  let closed = false;

  const dial = async (address: string, options: CallOptions): Promise<Line> => {
    const connection = await transport.dial(address, options);
    if (closed) {
      await connection.close();
      throw new MicroError("unavailable", "the client is closed");
    }
    all.add(connection);
    return lineOver(connection, clock.now(), () => {
      all.delete(connection);
      const lines = idle.get(address);
      const at = lines?.findIndex((line) => line.over) ?? -1;
      if (at !== -1) lines?.splice(at, 1);
    });
  };

  return {
    take: (address, options) => {
      const lines = idle.get(address);
      for (let line = lines?.pop(); line; line = lines?.pop()) {
        if (!line.over && clock.now() - line.madeAt < poolTtlMs) return line;
        line.close();
      }
      return dial(address, options);
    },
    give: (address, given) => {
      const line = given as PooledLine;
      let lines = idle.get(address);
      if (lines === undefined) {
        lines = [];
        idle.set(address, lines);
      }
      line.used = true;
      if (closed || line.over || lines.length >= poolSize) line.close();
      else lines.push(line);
    },
    close: async () => {
      closed = true;
      idle.clear();
      await Promise.all([...all].map((connection) => connection.close()));
    },
  };
}

function lineOver(connection: Connection, madeAt: number, onEnd: () => void): PooledLine {
  let waiting: { resolve(frame: Frame): void; reject(error: MicroError): void } | undefined;
  let over: { error: MicroError | undefined } | undefined;
  const ended = () => {
    const error = over?.error;
    return new MicroError("unavailable", error?.message ?? "EOF", {
      cause: error,
      details: { unanswered: error === undefined || /reset|closed/.test(error.message) },
    });
  };
  connection.receive(
    (frame) => {
      const call = waiting;
      waiting = undefined;
      // What nobody asked for would be taken for the answer to the next call.
      if (call) call.resolve(frame);
      else void connection.close();
    },
    (error) => {
      over = { error };
      onEnd();
      waiting?.reject(ended());
      waiting = undefined;
    },
  );
  return {
    madeAt,
    used: false,
    get over() {
      return over !== undefined;
    },
    exchange: (frame) =>
      new Promise((resolve, reject) => {
        if (over) {
          reject(ended());
          return;
        }
        waiting = { resolve, reject };
        connection.send(frame).catch((error) => {
          waiting = undefined;
          reject(error);
        });
      }),
    close: () => void connection.close(),
  };
}
