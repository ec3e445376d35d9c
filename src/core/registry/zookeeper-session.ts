import type { Socket } from "node:net";
import zookeeper, { type Client, type Stat } from "node-zookeeper-client";
import { sharedAbort } from "../abort.ts";
import { MicroError } from "../errors.ts";

/** One connection to one ZooKeeper server. It ends for good when it breaks or its session expires. */
export interface ZookeeperSession {
  /** Aborted, with an `unavailable` MicroError as the reason, when the connection is over. */
  readonly lost: AbortSignal;
  /** Names below `path`; `undefined` when there is no such znode. `onChange` is called once, at the first change. */
  children(path: string, onChange?: () => void): Promise<readonly string[] | undefined>;
  /** What the znode holds; `undefined` when there is none. `onChange` as above. */
  read(path: string, onChange?: () => void): Promise<Buffer | undefined>;
  /** Whether the znode is there; `onChange` also when it comes. */
  exists(path: string, onChange?: () => void): Promise<boolean>;
  /** Creates the persistent znode, and those above it, or sets what it holds. */
  write(path: string, data: Buffer): Promise<void>;
  /** No error when it is not there. */
  remove(path: string): Promise<void>;
  close(): Promise<void>;
}

const { CONNECTION_LOSS, SESSION_EXPIRED, NO_NODE, NODE_EXISTS, NO_AUTH, AUTH_FAILED, BAD_ARGUMENTS } =
  zookeeper.Exception;
/** How long the server keeps the session of a client that is silent; the client pings every third of it. */
const SESSION_MS = 30_000;
/** How long the server has to say goodbye. */
const CLOSE_MS = 500;

/**
 * Connects to one server, within `timeoutMs`.
 *
 * The package reconnects by itself, for ever, and leaves calls unanswered meanwhile. Nothing here is bound to a session (no
 * ephemeral znodes), so a broken connection is the end of this one and whoever needs more opens another.
 *
 * @param server `host:port`
 * @throws MicroError `unavailable`
 */
export async function openZookeeper(server: string, timeoutMs: number): Promise<ZookeeperSession> {
  const client = zookeeper.createClient(server, { sessionTimeout: SESSION_MS, retries: 0 });
  const inside = (client as unknown as { readonly connectionManager: Inside }).connectionManager;
  const where = `zookeeper at ${server}`;
  const lost = sharedAbort();
  const end = (why: string) => {
    if (lost.signal.aborted) return;
    lost.abort(new MicroError("unavailable", `${where} ${why}`));
    drop(inside);
  };

  const receive = inside.onSocketData.bind(inside);
  inside.onSocketData = (bytes) => {
    try {
      receive(bytes);
    } catch {
      end("answered something that is not ZooKeeper's protocol");
    }
  };
  const connected = new Promise<void>((resolve, reject) => {
    client.once("connected", resolve);
    client.once("disconnected", () => end("closed the connection"));
    client.once("expired", () => end("let the session expire"));
    client.once("authenticationFailed", () => end("refused the credentials"));
    lost.signal.addEventListener("abort", () => reject(lost.signal.reason), { once: true });
  });
  client.connect();
  inside.connect = () => end("cannot be reached");
  const timer = setTimeout(() => end(`did not answer within ${timeoutMs} ms`), timeoutMs);
  try {
    await connected;
  } finally {
    clearTimeout(timer);
  }
  return session(client, inside, lost.signal, end);
}

/** The package's own parts that its types leave out. */
interface Inside {
  socket?: Socket;
  connectTimeoutHandler: NodeJS.Timeout | null;
  connect(): void;
  onSocketData(bytes: Buffer): void;
}

function drop(inside: Inside): void {
  if (inside.connectTimeoutHandler !== null) clearTimeout(inside.connectTimeoutHandler);
  inside.socket?.destroy();
}

type Answer<T> = (error: unknown, value: T) => void;

function session(client: Client, inside: Inside, lost: AbortSignal, end: (why: string) => void): ZookeeperSession {
  /** One call; over when the connection is, since the package never answers what it could not send. */
  const ask = <T>(use: (answer: Answer<T>) => void): Promise<T> =>
    new Promise((resolve, reject) => {
      if (lost.aborted) return reject(lost.reason);
      const over = () => reject(lost.reason);
      lost.addEventListener("abort", over, { once: true });
      try {
        use((error, value) => {
          lost.removeEventListener("abort", over);
          if (error) reject(error);
          else resolve(value);
        });
      } catch (error) {
        lost.removeEventListener("abort", over);
        reject(new MicroError("invalid_argument", `zookeeper cannot hold this: ${String(error)}`, { cause: error }));
      }
    });
  const set = (path: string, data: Buffer) => ask<Stat>((answer) => client.setData(path, data, answer));
  const write = async (path: string, data: Buffer): Promise<void> => {
    try {
      await set(path, data);
      return;
    } catch (error) {
      if (codeOf(error) !== NO_NODE) throw error;
    }
    try {
      await ask<string>((answer) => client.mkdirp(parentOf(path), answer));
      await ask<string>((answer) => client.create(path, data, answer));
    } catch (error) {
      if (codeOf(error) !== NODE_EXISTS) throw error;
      await set(path, data); // somebody else was quicker
    }
  };

  return {
    lost,
    children: (path, onChange) =>
      explained(
        ask<string[]>((answer) => {
          if (onChange) client.getChildren(path, () => onChange(), answer);
          else client.getChildren(path, answer);
        }),
      ),
    read: (path, onChange) =>
      explained(
        ask<Buffer>((answer) => {
          // A znode without data has none.
          const read: Answer<Buffer | undefined> = (error, data) => answer(error, data ?? Buffer.alloc(0));
          if (onChange) client.getData(path, () => onChange(), read);
          else client.getData(path, read);
        }),
      ),
    exists: async (path, onChange) => {
      const stat = ask<Stat | null>((answer) => {
        if (onChange) client.exists(path, () => onChange(), answer);
        else client.exists(path, answer);
      });
      return Boolean(await explained(stat));
    },
    write: (path, data) => explained(write(path, data)) as Promise<void>,
    remove: (path) => explained(ask<void>((answer) => client.remove(path, (error) => answer(error, undefined)))),
    close: async () => {
      if (lost.aborted) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, CLOSE_MS);
        inside.socket?.once("close", () => {
          clearTimeout(timer);
          resolve();
        });
        client.close();
      });
      end("was left");
    },
  };
}

/** The answer; `undefined` when there is no such znode. @throws MicroError */
async function explained<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (codeOf(error) === NO_NODE) return undefined;
    throw explain(error);
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function codeOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "number" ? code : undefined;
}

/** What went wrong, for people. */
function explain(error: unknown): MicroError {
  if (error instanceof MicroError) return error;
  const options = { cause: error };
  const said = error instanceof Error ? error.name : String(error);
  switch (codeOf(error)) {
    case CONNECTION_LOSS:
    case SESSION_EXPIRED:
      return new MicroError("unavailable", "zookeeper lost the connection during a call; try again", options);
    case NO_AUTH:
    case AUTH_FAILED:
      return new MicroError("permission_denied", "zookeeper refused: the znode's ACL does not allow it", options);
    case BAD_ARGUMENTS:
      return new MicroError("invalid_argument", "zookeeper does not accept such a name", options);
    default:
      return new MicroError("unavailable", `zookeeper said ${said}`, options);
  }
}
