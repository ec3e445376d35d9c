import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { z } from "zod";
import type { Endpoint } from "../client/client.ts";
import { type Clock, systemClock } from "../clock.ts";
import { bytesCodec } from "../codec/bytes.ts";
import type { Codec } from "../codec/codec.ts";
import { jsonCodec } from "../codec/json.ts";
import { MicroError } from "../errors.ts";
import type { Closable } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { compose, type Middleware } from "../middleware.ts";
import type { EndpointRecord, Registry, ServiceRecord } from "../registry/registry.ts";
import type { Connection, Frame, Transport } from "../transport/transport.ts";
import { errorRecord } from "../wire/error.ts";
import { MULTIPLEX } from "../wire/rpc.ts";
import { advertised } from "./address.ts";
import { type DebugStats, debugStats } from "./debug.ts";
import { describeEndpoint } from "./describe.ts";
import { type DispatchInit, dispatch, type Handler, isPromise } from "./dispatch.ts";
import { startHeartbeat } from "./heartbeat.ts";
import type { CallContext, Server, ServerCall } from "./server.ts";

export interface RpcServerInit {
  /** `go.micro.srv.greeter`. */
  readonly name: string;
  /** @default "latest" */
  readonly version?: string;
  /** @default a UUID */
  readonly id?: string;
  /** Where to listen. @default ":0", every interface and any port */
  readonly address?: string;
  /** Registered instead of the address that it listens at. */
  readonly advertise?: string;
  /** Of the node; the five keys that tell how to call it are added. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** How long the registration holds without a heartbeat; 0: for ever. @default 60000 */
  readonly registerTtlMs?: number;
  /** How often it is renewed; 0: never. @default 30000 */
  readonly registerIntervalMs?: number;
  /** How long `stop()` waits for calls that run. @default 10000 */
  readonly drainMs?: number;
  /** Beside JSON and bytes. */
  readonly codecs?: readonly Codec[];
}

export interface RpcServerParts {
  readonly transport: Transport;
  readonly registry: Registry;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** Answers calls of every profile that is spoken over messages, told apart per call (`wire.md §4.2`, §12.2). */
export function rpcServer(init: RpcServerInit): (parts: RpcServerParts) => Server {
  return (parts) => createRpcServer(init, parts);
}

function createRpcServer(init: RpcServerInit, parts: RpcServerParts): Server {
  const { transport, registry, clock = systemClock, log = silent } = parts;
  const codecs = new Map([jsonCodec, bytesCodec, ...(init.codecs ?? [])].map((codec) => [codec.contentType, codec]));
  const raw = new Map<string, Handler>();
  const described: EndpointRecord[] = [];
  const layers: Middleware<ServerCall, unknown>[] = [];
  let running = 0;
  /** Called when the last running call is over. */
  let onIdle = () => {};
  /** One for each connection: its calls are over when it is gone, and when the server has waited long enough. */
  const connections = new Set<AbortController>();
  let handlers: ReadonlyMap<string, Handler> = new Map();
  let receivers: ReadonlySet<string> = new Set();
  let listener: (Closable & { readonly address: string }) | undefined;
  let heartbeat: Closable | undefined;
  let stats: DebugStats | undefined;
  let record: ServiceRecord | undefined;
  let starting: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;
  const leaving = new AbortController();

  const add = (name: string, handler: Handler) => {
    if (listener) throw new MicroError("conflict", `${init.name} has started: add ${name} before start()`);
    if (raw.has(name)) throw new MicroError("conflict", `${init.name} has a handler for ${name} already`);
    if (!/^[^.\s]+\.[^.\s]+$/.test(name)) {
      throw new MicroError("invalid_argument", `an endpoint is called Handler.Method, with one dot, not "${name}"`);
    }
    raw.set(name, handler);
  };

  const dispatcher = (over: AbortSignal): DispatchInit => ({
    name: init.name,
    codecs,
    handler: (endpoint) => handlers.get(endpoint),
    knows: (receiver) => receivers.has(receiver),
    context: (call, from) => new Call(call, from, clock, over),
  });

  const answer = async (frame: Frame, connection: Connection, dispatcher: DispatchInit): Promise<void> => {
    running++;
    try {
      const { frame: reply, failed, close } = await dispatch(frame, connection, dispatcher);
      stats?.count(failed);
      await connection.send(reply);
      if (close) await connection.close();
    } catch (error) {
      log.debug({ reason: (error as Error).message }, "an answer could not be sent");
    } finally {
      running--;
      if (running === 0) onIdle();
    }
  };

  const accept = (connection: Connection): Promise<void> =>
    new Promise((resolve) => {
      const over = new AbortController();
      // Each of its calls may listen, and there is no telling how many there are.
      setMaxListeners(100_000, over.signal);
      const how = dispatcher(over.signal);
      connections.add(over);
      connection.receive(
        (frame) => void answer(frame, connection, how),
        () => {
          connections.delete(over);
          over.abort(new MicroError("cancelled", `${connection.remote} is gone`));
          resolve();
        },
      );
    });

  const drain = async (): Promise<void> => {
    const enough = new AbortController();
    const patience = clock.sleep(init.drainMs ?? 10_000, { signal: enough.signal }).catch(() => {});
    const idle = new Promise<void>((resolve) => {
      onIdle = resolve;
      if (running === 0) resolve();
    });
    await Promise.race([idle, patience]);
    enough.abort();
    for (const over of connections) over.abort(new MicroError("cancelled", `${init.name} is stopping`));
  };

  const begin = async (): Promise<void> => {
    const counting = debugStats(clock);
    stats = counting;
    if (!raw.has("Debug.Health")) raw.set("Debug.Health", async () => ({ status: "ok" }));
    if (!raw.has("Debug.Stats")) raw.set("Debug.Stats", async () => counting.read());
    handlers = new Map([...raw].map(([name, handler]) => [name, layered(name, handler, layers)]));
    receivers = new Set([...raw.keys()].map((name) => name.slice(0, name.indexOf("."))));
    try {
      listener = await transport.listen(init.address ?? ":0", accept);
    } catch (error) {
      await counting.close();
      throw error;
    }
    record = recordOf(init, parts, described, listener.address);
    heartbeat = await startHeartbeat({
      registry,
      record,
      clock,
      log,
      ttlMs: init.registerTtlMs ?? 60_000,
      intervalMs: init.registerIntervalMs ?? 30_000,
      signal: leaving.signal,
    });
  };

  return {
    get address() {
      return listener?.address ?? "";
    },
    get record() {
      if (record === undefined) throw new MicroError("unavailable", `${init.name} has not started`);
      return record;
    },
    handle: (to, handler) => {
      add(to.name, typed(to, handler as TypedHandler));
      described.push(describeEndpoint(to));
    },
    handleRaw: (endpoint, handler, description) => {
      add(endpoint, handler);
      if (description) described.push(description);
    },
    use: (layer) => {
      if (listener) throw new MicroError("conflict", `${init.name} has started: add layers before start()`);
      layers.push(layer);
    },
    start: () => {
      if (stopped) return Promise.resolve();
      starting ??= begin().catch((error) => {
        starting = undefined;
        throw error;
      });
      return starting;
    },
    stop: () => {
      leaving.abort();
      stopped ??= (async () => {
        await starting?.catch(() => {});
        await heartbeat?.close();
        if (listener) await drain();
        await listener?.close();
        await stats?.close();
      })();
      return stopped;
    },
  };
}

type TypedHandler = (input: unknown, context: CallContext) => unknown;

/** Checks what comes in and what goes out against the endpoint's schemas. */
function typed({ name, input, output }: Endpoint, handler: TypedHandler): Handler {
  const check = (answered: unknown): unknown => {
    const answer = output.safeParse(answered);
    if (answer.success) return answer.data;
    const [issue] = answer.error.issues;
    throw new MicroError("internal", `${name} answered what its schema does not allow: ${issue?.message}`);
  };
  return (given, context) => {
    const checked = input.safeParse(given);
    if (!checked.success) throw badRequest(name, checked.error);
    const answered = handler(checked.data, context);
    return isPromise(answered) ? answered.then(check) : check(answered);
  };
}

function badRequest(name: string, { issues }: z.ZodError): MicroError {
  const [issue] = issues;
  const field = issue?.path.join(".") ?? "";
  const detail = field === "" ? `${name}: ${issue?.message}` : `${name}: ${field}: ${issue?.message}`;
  return new MicroError("invalid_argument", detail, { details: { record: errorRecord(name, 400, detail) } });
}

function layered(endpoint: string, handler: Handler, layers: readonly Middleware<ServerCall, unknown>[]): Handler {
  if (layers.length === 0) return handler;
  const call = compose<ServerCall, unknown>(layers, async ({ input, context }) => handler(input, context));
  return (input, context) => call({ endpoint, input, context });
}

/** What it registers (`wire.md §1.3`): the five keys by which Go's clients choose how to speak. */
function recordOf(
  init: RpcServerInit,
  { transport, registry }: RpcServerParts,
  endpoints: readonly EndpointRecord[],
  listening: string,
): ServiceRecord {
  return {
    name: init.name,
    version: init.version ?? "latest",
    metadata: {},
    endpoints: [...endpoints].sort((a, b) => (a.name < b.name ? -1 : 1)),
    nodes: [
      {
        id: `${init.name}-${init.id ?? randomUUID()}`,
        address: advertised(init.advertise || listening),
        metadata: {
          ...init.metadata,
          broker: "http",
          protocol: "mucp",
          registry: registry.kind,
          server: "mucp",
          transport: transport.kind,
          ...MULTIPLEX,
        },
      },
    ],
  };
}

/** Made for every call, so it is a class, and what costs something is made when it is asked for. */
class Call implements CallContext {
  readonly header: Readonly<Record<string, string>>;
  readonly remote: string;
  readonly #clock: Clock;
  readonly #arrivedAt: number;
  readonly #over: AbortSignal;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stop: (() => void) | undefined;

  constructor({ header }: Frame, { remote }: Connection, clock: Clock, over: AbortSignal) {
    this.header = header;
    this.remote = remote;
    this.#clock = clock;
    this.#arrivedAt = clock.now();
    this.#over = over;
  }

  get deadlineAt(): number | undefined {
    const nanoseconds = this.header["timeout"];
    const ms = nanoseconds !== undefined && /^\d{1,20}$/.test(nanoseconds) ? Number(nanoseconds) / 1e6 : 0;
    return ms === 0 ? undefined : this.#arrivedAt + ms;
  }

  get signal(): AbortSignal {
    if (this.#controller) return this.#controller.signal;
    const made = new AbortController();
    this.#controller = made;
    this.#stop = () => made.abort(this.#over.reason);
    if (this.#over.aborted) this.#stop();
    else this.#over.addEventListener("abort", this.#stop, { once: true });
    const { deadlineAt } = this;
    if (deadlineAt !== undefined) {
      // Two more, because clocks count whole ones: the caller is to give up before an aborted handler answers.
      const left = Math.min(Math.max(0, deadlineAt - this.#clock.now()) + 2, 2 ** 31 - 1);
      this.#timer = setTimeout(() => made.abort(new MicroError("timeout", "the caller's deadline has passed")), left);
    }
    return made.signal;
  }

  /** The handler is done. */
  end(): void {
    if (this.#stop === undefined) return;
    clearTimeout(this.#timer);
    this.#over.removeEventListener("abort", this.#stop);
  }
}
