import { EventEmitter } from "node:events";
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import Consul from "consul";
import { deadline, orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { CallOptions } from "../lifecycle.ts";

/** Where Consul's agents are and how to speak to them. */
export interface ConsulHttpInit {
  /** `host`, `host:port`, `http://…` or `https://…`; port 8500 unless said. The first that can be reached is used. */
  readonly addresses: readonly string[];
  readonly secure: boolean;
  readonly token: string | undefined;
  readonly timeoutMs: number;
  /** How many reads may wait at once. @default 2 */
  readonly waiting?: number;
}

/** What a read brings: JSON as bytes, and the index to wait from (0 when the agent did not say). */
export interface ConsulAnswer {
  readonly index: number;
  readonly bytes: Buffer;
}

/** `index` and `waitMs` make it a blocking query; `stale` allows any server to answer. */
interface ReadOptions extends CallOptions {
  readonly index?: number;
  readonly waitMs?: number;
  readonly stale?: boolean;
}

/** A service instance as `/v1/agent/service/register` takes it; durations in Go's notation. */
export interface ConsulRegistration {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tags: readonly string[];
  readonly check?: { readonly ttl: string; readonly deregistercriticalserviceafter: string };
}

/** What a key or prefix holds; without `bytes` there is nothing. */
export interface ConsulPairs {
  readonly index: number;
  readonly bytes: Buffer | undefined;
}

/** The calls of Consul's API that are needed, with a deadline and cancellation each. */
export interface ConsulHttp {
  /** For people; has no token in it. */
  readonly where: string;
  services(options?: ReadOptions): Promise<ConsulAnswer>;
  health(service: string, options?: ReadOptions): Promise<ConsulAnswer>;
  /** All critical checks. */
  critical(options?: ReadOptions): Promise<ConsulAnswer>;
  register(registration: ConsulRegistration, options?: CallOptions): Promise<void>;
  deregister(id: string, options?: CallOptions): Promise<void>;
  pass(checkId: string, options?: CallOptions): Promise<void>;
  /** A key, or all that begin so, as the leader has them. */
  pairs(key: string, options?: ReadOptions & { readonly recurse?: boolean }): Promise<ConsulPairs>;
  /** Writes a key if its index is still that one; not asked again once it may have arrived. @param cas 0: nothing is there */
  setPair(key: string, value: string, cas: number, flags: number, options?: CallOptions): Promise<boolean>;
  /** All of the operations or none, not asked again once they may have arrived; `undefined`: an index was no longer that one. */
  transact(operations: readonly object[], options?: CallOptions): Promise<Buffer | undefined>;
  /** Closes all connections; a later call opens new ones. */
  close(): void;
}

/** Connections for requests that are answered at once, beside those that wait. */
const REQUEST_SOCKETS = 8;
/** A bound for one answer; 10,000 services with tags are 13 MB. */
const MAX_ANSWER_BYTES = 256 << 20;

/**
 * The `consul` package, behind what it lacks: a deadline for every call, `AbortSignal`, answers cut off in the middle
 * noticed, the index of an answer, the bytes as they came.
 */
export function createConsulHttp(init: ConsulHttpInit): ConsulHttp {
  const { addresses, secure, token, timeoutMs, waiting: waitingSockets = 2 } = init;
  const agents = (addresses.length > 0 ? addresses : ["127.0.0.1"]).map((each) => parseAddress(each, secure));
  const where = `consul at ${agents.map(({ host, port }) => `${host}:${port}`).join(", ")}`;
  const clients = agents.map((agent) => createClients(agent, token, waitingSockets));
  /** The address that answered last. */
  let current = 0;

  /** Tries each address once, from the current one, until one can be reached. */
  const call = async <T>(
    use: (clients: Clients, ctx: Context) => Promise<T>,
    options: CallOptions,
    repeatable = true,
  ): Promise<T> => {
    using limit = deadline(options, timeoutMs, where);
    limit.check();
    // Why it is over, when it is: what the caller's signal says counts more than ours, which only says "cancelled".
    const over = (): MicroError | undefined => {
      if (options.signal?.aborted) return MicroError.from(options.signal.reason, "cancelled");
      return limit.signal.aborted ? limit.signal.reason : undefined;
    };
    let failure: unknown;
    for (let tries = 0; tries < clients.length; tries += 1) {
      try {
        return await once(use, clients[current] as Clients, limit.signal, repeatable);
      } catch (error) {
        failure = error;
        const ended = over();
        if (ended === undefined ? !isUnreachable(error) : ended.code !== "timeout") break;
        current = (current + 1) % clients.length;
        if (ended !== undefined) break;
        if (!repeatable && !NOT_SENT.has(codeOf(error))) break;
      }
    }
    throw over() ?? explain(failure, where);
  };
  const read = async (
    use: (consul: Consul, query: object) => Promise<unknown>,
    { index, waitMs, stale, ...options }: ReadOptions = {},
  ): Promise<ConsulPairs> => {
    const waits = index !== undefined && index > 0 && waitMs !== undefined;
    const query = { ...(waits && { index: String(index), wait: `${waitMs}ms` }), ...(stale && { stale: true }) };
    // Consul adds up to a sixteenth to the wait, so that not all come back at once.
    const patience = waits ? { ...options, timeoutMs: waitMs * 1.0625 + timeoutMs } : options;
    const answer = await call(
      ({ requests, waiting }, ctx) => use(waits ? waiting : requests, { ...query, ctx }),
      patience,
    );
    const [response, body] = answer as [IncomingMessage & { readonly body?: unknown }, unknown];
    const bytes = body ?? response.body;
    const told = Number(response.headers["x-consul-index"]);
    const now = Number.isSafeInteger(told) && told > 0 ? told : 0;
    if (response.statusCode === 404) return { index: now, bytes: undefined };
    if (!Buffer.isBuffer(bytes)) throw new MicroError("unavailable", `${where} answered without a body of JSON`);
    return { index: now, bytes };
  };
  const readAll = async (use: (consul: Consul, query: object) => Promise<unknown>, options?: ReadOptions) => {
    const { index, bytes } = await read(use, options);
    if (bytes === undefined) throw new MicroError("not_found", `${where} has no such thing`);
    return { index, bytes };
  };
  return {
    where,
    services: (options) => readAll((consul, q) => consul.catalog.service.list(q), options),
    health: (service, options) => readAll((consul, q) => consul.health.service({ service, ...q }), options),
    critical: (options) => readAll((consul, q) => consul.health.state({ state: "critical", ...q }), options),
    register: async (registration, options = {}) => {
      const body = { ...registration, tags: [...registration.tags] };
      await call(({ requests }, ctx) => requests.agent.service.register({ ...body, ctx } as never), options);
    },
    deregister: async (id, options = {}) => {
      await call(({ requests }, ctx) => requests.agent.service.deregister({ id, ctx } as never), options);
    },
    pass: async (id, options = {}) => {
      await call(({ requests }, ctx) => requests.agent.check.pass({ id, ctx } as never), options);
    },
    pairs: (key, { recurse = false, ...options } = {}) =>
      read((consul, q) => consul.kv.get({ key, recurse, consistent: true, ...q } as never), options),
    setPair: async (key, value, cas, flags, options = {}) => {
      const set = { key, value, cas, flags };
      const answer = await call(({ requests }, ctx) => requests.kv.set({ ...set, ctx } as never), options, false);
      return String((answer as unknown as [unknown, unknown])[1]).trim() === "true";
    },
    transact: async (operations, options = {}) => {
      try {
        const answer = await call(
          ({ requests }, ctx) => requests.transaction.create([...operations] as never, { ctx } as never),
          options,
          false,
        );
        return (answer as unknown as [unknown, Buffer])[1];
      } catch (error) {
        if (!(error instanceof MicroError) || error.code !== "conflict") throw error;
        const said = String((error.cause as { response?: { body?: unknown } } | undefined)?.response?.body ?? "");
        if (CONFLICT.test(said)) return undefined;
        const why = said.replace(/\s+/g, " ").slice(0, 300);
        throw new MicroError("permission_denied", `${where} refused (${why}); the token may lack a permission`);
      }
    },
    close: () => {
      for (const { requests, waiting } of clients) {
        requests.destroy();
        waiting.destroy();
      }
    },
  };
}

interface Clients {
  readonly requests: Consul;
  readonly waiting: Consul;
}

/** The package's own way to cancel, which its types do not know. */
type Context = EventEmitter & { includeResponse: true };

async function once<T>(
  use: (clients: Clients, ctx: Context) => Promise<T>,
  clients: Clients,
  signal: AbortSignal,
  repeatable: boolean,
): Promise<T> {
  const attempt = async (): Promise<T> => {
    const ctx: Context = Object.assign(new EventEmitter(), { includeResponse: true as const });
    const cancel = () => ctx.emit("cancel");
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await orAbort(use(clients, ctx), signal);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
  try {
    return await attempt();
  } catch (error) {
    // An idle connection that the agent closed just now.
    if (!repeatable || signal.aborted || codeOf(error) !== "ECONNRESET") throw error;
    return await attempt();
  }
}

function createClients(address: Address, token: string | undefined, waitingSockets: number): Clients {
  const client = (maxSockets: number): Consul => {
    const Agent = address.secure ? HttpsAgent : HttpAgent;
    const consul = new Consul({
      ...address,
      agent: new Agent({ keepAlive: true, maxSockets, maxFreeSockets: maxSockets }),
      ...(token !== undefined && { defaults: { token } }),
      // The package would parse JSON; large answers are decoded here, in slices, or not at all.
      ...({ decoders: { "application/json": (bytes: Buffer) => bytes } } as object),
    });
    (consul as unknown as Extensible)._ext("onRequest", (request, next) => {
      request.transport = watchfulTransport(request.transport);
      next();
    });
    return consul;
  };
  return { requests: client(REQUEST_SOCKETS), waiting: client(waitingSockets) };
}

interface Transport {
  request(options: object): ClientRequest;
}
interface Extensible {
  _ext(event: "onRequest", hook: (request: { transport: Transport }, next: () => void) => void): void;
}

/** The package waits for ever for the rest of an answer that was cut off, and takes any amount of it. */
function watchfulTransport(transport: Transport): Transport {
  return {
    request: (options) => {
      const request = transport.request(options);
      request.once("response", (response: IncomingMessage) => {
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER_BYTES) request.destroy();
        });
        response.once("close", () => {
          if (!response.complete)
            request.emit("error", Object.assign(new Error("answer cut off"), { code: "ECONNRESET" }));
        });
      });
      return request;
    },
  };
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

/** @throws MicroError `invalid_argument` */
function parseAddress(text: string, secure: boolean): Address {
  const spelled = /^https?:\/\//.test(text) ? text : `${secure ? "https" : "http"}://${text}`;
  const url = URL.canParse(spelled) ? new URL(spelled) : undefined;
  if (url === undefined || url.hostname === "" || (url.pathname !== "/" && url.pathname !== "")) {
    throw new MicroError("invalid_argument", `"${text}" is no address of a Consul agent; write host:port`);
  }
  const standard = url.protocol === "https:" ? 443 : 80;
  const explicit = new RegExp(`:${standard}/?$`).test(spelled);
  const port = url.port !== "" ? Number(url.port) : explicit ? standard : 8500;
  return { host: url.hostname, port, secure: url.protocol === "https:" };
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

/** How a transaction tells that an index is no longer the one that was named. */
const CONFLICT = /index is stale|failed index check|failed to check index/;

/** Nobody was there to ask. */
const NOT_SENT: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** No agent was there, as opposed to one that said no. */
function isUnreachable(error: unknown): boolean {
  return (error as { statusCode?: unknown } | null)?.statusCode === undefined;
}

/** What went wrong, for people; what Consul itself said is the reason given. */
function explain(error: unknown, where: string): MicroError {
  if (error instanceof MicroError) return error;
  const status = (error as { statusCode?: number } | null)?.statusCode;
  const said = error instanceof Error ? error.message.replace(/^(consul: )?[a-z.]+: /, "") : String(error);
  const options = { cause: error };
  if (status === undefined) {
    return new MicroError("unavailable", `${where} cannot be reached (${codeOf(error) || said})`, options);
  }
  if (status === 401 || status === 403) {
    return new MicroError("permission_denied", `${where} refused (${said}); the token may lack a permission`, options);
  }
  if (status === 400) return new MicroError("invalid_argument", `${where} did not accept it: ${said}`, options);
  if (status === 409) return new MicroError("conflict", `${where} refused: something else is there`, options);
  if (status === 404) return new MicroError("not_found", `${where}: ${said}`, options);
  if (status === 429) return new MicroError("exhausted", `${where} asks to be asked less often: ${said}`, options);
  return new MicroError("unavailable", `${where} answered ${status}: ${said}`, options);
}
