import type { ClientHttp2Session } from "node:http2";
import { sharedAbort } from "../abort.ts";
import { MicroError } from "../errors.ts";
import { type ClientTls, connectHttp2 } from "../transport/http2.ts";

/** One connection with its calls. */
export interface GrpcLine {
  readonly address: string;
  readonly session: ClientHttp2Session;
  calls: number;
  /** How many it takes at once. */
  limit: number;
  /** Takes no other call, and is closed after the last one. */
  retired: boolean;
  /** The last stream that the server takes care of, when it has said that it goes. */
  lastStream: number | undefined;
}

/** Connections by address: one, and another one while all that there are have as many calls as the server takes. */
export interface GrpcPool {
  /** A line for one call, which ends with `done`. Waits for a new connection at most 5000 ms. */
  take(address: string): GrpcLine | Promise<GrpcLine>;
  done(line: GrpcLine): void;
  /** No other call should go there: it may be dead. */
  retire(line: GrpcLine): void;
  close(): Promise<void>;
}

/** Then calls wait for each other. */
const MAX_LINES = 16;

export function createGrpcPool(tls: ClientTls | undefined, idleMs: number): GrpcPool {
  const lines = new Map<string, GrpcLine[]>();
  const dialling = new Map<string, Promise<void>>();
  const all = new Set<ClientHttp2Session>();
  const closing = sharedAbort();

  const retire = (line: GrpcLine) => {
    line.retired = true;
    const there = lines.get(line.address);
    const at = there?.indexOf(line) ?? -1;
    if (at !== -1) there?.splice(at, 1);
    if (there?.length === 0) lines.delete(line.address);
    if (line.calls === 0) line.session.close();
  };

  const dial = async (address: string): Promise<void> => {
    const session = await connectHttp2(address, { timeoutMs: 5000, signal: closing.signal }, tls);
    if (closing.signal.aborted) {
      session.destroy();
      throw new MicroError("unavailable", "the client is closed");
    }
    all.add(session);
    const limit = session.remoteSettings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
    const line: GrpcLine = { address, session, calls: 0, limit, retired: false, lastStream: undefined };
    session.on("remoteSettings", ({ maxConcurrentStreams }) => {
      if (maxConcurrentStreams !== undefined) line.limit = maxConcurrentStreams;
    });
    session.on("goaway", (_code, lastStream) => {
      line.lastStream = lastStream;
      retire(line);
    });
    session.on("close", () => {
      all.delete(session);
      retire(line);
    });
    session.setTimeout(idleMs, () => {
      if (line.calls === 0) retire(line);
    });
    const there = lines.get(address);
    if (there) there.push(line);
    else lines.set(address, [line]);
  };

  const free = (address: string): GrpcLine | undefined => {
    const there = lines.get(address);
    if (there === undefined) return undefined;
    let idlest: GrpcLine | undefined;
    for (const line of there) {
      if (idlest === undefined || line.calls < idlest.calls) idlest = line;
    }
    return idlest && (idlest.calls < idlest.limit || there.length >= MAX_LINES) ? idlest : undefined;
  };

  const dialled = async (address: string): Promise<GrpcLine> => {
    for (let tries = 0; tries <= MAX_LINES; tries++) {
      let there = dialling.get(address);
      if (there === undefined) {
        there = dial(address).finally(() => dialling.delete(address));
        dialling.set(address, there);
      }
      await there;
      const line = free(address);
      if (line === undefined) continue;
      line.calls++;
      return line;
    }
    throw new MicroError("unavailable", `${address} takes connections and ends them at once`);
  };

  return {
    retire,
    take: (address) => {
      const line = free(address);
      if (line === undefined) return dialled(address);
      line.calls++;
      return line;
    },
    done: (line) => {
      line.calls--;
      if (line.retired && line.calls === 0) line.session.close();
    },
    close: async () => {
      closing.abort();
      lines.clear();
      await Promise.all(
        [...all].map(
          (session) =>
            new Promise<void>((resolve) => {
              if (session.destroyed) resolve();
              session.once("close", resolve);
              session.destroy();
            }),
        ),
      );
    },
  };
}
