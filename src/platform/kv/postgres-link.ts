import type { Client, Pool, PoolClient, QueryConfig } from "pg";
import { parseAddresses } from "../../core/addresses.ts";
import type { Clock } from "../../core/clock.ts";
import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";

export interface PostgresLinkInit {
  readonly address: string;
  readonly channel: string;
  readonly clock: Clock;
}

/** Connections to one PostgreSQL, opened as they are needed and again after they were lost. */
export interface PostgresLink {
  /** For people, without a secret. */
  readonly where: string;
  /** From here on connections are made. */
  open(): void;
  /** @throws MicroError `unavailable`, and the signal's reason */
  query(query: QueryConfig, signal: AbortSignal): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Resolves once everything that is notified of from here on is heard. One connection serves all who listen. */
  listen(heard: (payload: string) => void, signal: AbortSignal): Promise<Listening>;
  close(): Promise<void>;
}

export interface Listening {
  /** Rejects when something may not have been heard. */
  readonly lost: Promise<never>;
  leave(): Promise<void>;
}

const CONNECTIONS = 8;
const CONNECT_MS = 5000;
/** A statement that nobody waits for any more ends by then. */
const STATEMENT_MS = 30_000;
/** How often the connection that listens is asked whether it still is, and how long it has to say so. */
const PING_MS = 10_000;
const PONG_MS = 5000;
/** How long the server has to take leave. */
const GOODBYE_MS = 500;

export function createPostgresLink({ address, channel, clock }: PostgresLinkInit): PostgresLink {
  const spelled = /^[a-z]+:\/\//.test(address) ? address : `postgres://${address}`;
  const { where } = parseAddresses("postgres", [spelled], { schemes: ["postgres", "postgresql"], port: 5432 });
  const settings = {
    connectionString: spelled,
    application_name: "micro-bot",
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    keepAlive: true,
  };
  const clients = new Set<Client>();
  let isOpen = false;
  let pool: Promise<Pool> | undefined;
  let ear: Promise<Ear> | undefined;

  const pooled = (): Promise<Pool> => {
    if (!isOpen) throw new MicroError("unavailable", `the store (${where}) is not started`);
    pool ??= import("pg").then(({ default: pg }) => {
      const made = new pg.Pool({ ...settings, max: CONNECTIONS, idleTimeoutMillis: 30_000, allowExitOnIdle: true });
      made.on("error", () => {}); // an idle connection was lost; it is out of the pool
      made.on("connect", (client) => {
        clients.add(client);
        client.on("end", () => clients.delete(client));
        // While somebody has it the pool does not listen, and an error that nobody hears ends the process.
        client.on("error", () => {});
      });
      return made;
    });
    return pool;
  };
  const borrow = async (signal: AbortSignal): Promise<PoolClient> => {
    const connecting = (await pooled()).connect();
    try {
      return await orAbort(connecting, signal);
    } catch (error) {
      connecting.then((client) => client.release()).catch(() => {}); // it came too late
      throw error;
    }
  };

  const openEar = async (): Promise<Ear> => {
    const { default: pg } = await import("pg");
    const client = new pg.Client(settings);
    const over = new AbortController();
    const heard = new Set<(payload: string) => void>();
    let lose: (error: MicroError) => void = () => {};
    const lost = new Promise<never>((_, reject) => {
      lose = (error) => {
        if (ear === opening) ear = undefined;
        over.abort();
        reject(error);
      };
    });
    lost.catch(() => {});
    const opening = ear;
    const gone = (error?: Error) =>
      lose(new MicroError("unavailable", `${where} ended a connection${error ? `: ${error.message}` : ""}`));
    client.on("error", gone);
    client.on("end", () => {
      clients.delete(client);
      gone();
    });
    client.on("notification", ({ payload = "" }) => {
      for (const tell of [...heard]) tell(payload);
    });
    clients.add(client);
    const ping = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(PING_MS, { signal: over.signal });
        using limit = deadline({}, PONG_MS, where);
        await limit.race(client.query("SELECT 1"));
      }
    };
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
    } catch (error) {
      destroy(client);
      throw explain(error, where);
    }
    ping().catch((error: unknown) => {
      if (over.signal.aborted) return;
      lose(explain(error, where));
      destroy(client);
    });
    const close = async () => {
      lose(new MicroError("unavailable", `the store (${where}) was stopped`));
      await farewell(() => client.end(), [client]);
    };
    return { heard, lost, close };
  };

  return {
    where,
    open: () => {
      isOpen = true;
    },
    query: async (query, signal) => {
      let client: PoolClient | undefined;
      // A connection that still waits for an answer is of no use to others.
      const drop = () => {
        client?.release(true);
        client = undefined;
      };
      try {
        client = await borrow(signal);
        signal.addEventListener("abort", drop, { once: true });
        const { rows } = await orAbort(client.query(query), signal);
        return rows ?? [];
      } catch (error) {
        if (signal.aborted) throw error;
        if (!isAnswer(error)) drop();
        throw explain(error, where);
      } finally {
        signal.removeEventListener("abort", drop);
        client?.release();
      }
    },
    listen: async (heard, signal) => {
      if (!isOpen) throw new MicroError("unavailable", `the store (${where}) is not started`);
      if (ear === undefined) {
        // Assigned before it begins, as it looks whether it is the one.
        const opening = Promise.resolve().then(openEar);
        ear = opening;
        opening.catch(() => {
          if (ear === opening) ear = undefined;
        });
      }
      const mine = await orAbort(ear, signal);
      mine.heard.add(heard);
      return {
        lost: mine.lost,
        leave: async () => {
          mine.heard.delete(heard);
        },
      };
    },
    close: async () => {
      isOpen = false;
      const [wasEar, wasPool] = [ear, pool];
      ear = undefined;
      pool = undefined;
      await (await wasEar?.catch(() => undefined))?.close();
      const last = await wasPool;
      if (last) await farewell(() => last.end(), clients);
    },
  };
}

interface Ear {
  readonly heard: Set<(payload: string) => void>;
  readonly lost: Promise<never>;
  close(): Promise<void>;
}

/** Takes leave of the server, and hangs up when it does not answer. */
async function farewell(end: () => Promise<void>, clients: Iterable<Client>): Promise<void> {
  using limit = deadline({}, GOODBYE_MS, "postgres");
  await limit.race(end()).catch(() => {
    for (const client of [...clients]) destroy(client);
  });
}

function destroy(client: Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/** The server said no, as opposed to nothing, and stays (class 57P: it is being shut down). The connection is fine. */
function isAnswer(error: unknown): boolean {
  const { severity, code } = (error ?? {}) as { severity?: unknown; code?: unknown };
  return typeof severity === "string" && !String(code).startsWith("57P");
}

function explain(error: unknown, where: string): MicroError {
  if (error instanceof MicroError) return error;
  const { code, message = String(error) } = (error ?? {}) as { code?: string; message?: string };
  const said = message || code || "no answer";
  return new MicroError("unavailable", `${where} cannot be used now (${said})`, { cause: error });
}
