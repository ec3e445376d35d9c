import { randomUUID } from "node:crypto";
import { sharedAbort } from "../abort.ts";
import type { Broker } from "../broker/broker.ts";
import { type Clock, systemClock } from "../clock.ts";
import { bytesCodec } from "../codec/bytes.ts";
import type { Codec } from "../codec/codec.ts";
import { jsonCodec } from "../codec/json.ts";
import { MicroError } from "../errors.ts";
import type { Closable } from "../lifecycle.ts";
import { type Log, silent } from "../log.ts";
import { compose, type Middleware } from "../middleware.ts";
import type { EndpointRecord, Registry, ServiceRecord } from "../registry/registry.ts";
import type { Transport } from "../transport/transport.ts";
import { advertised } from "./address.ts";
import { Call } from "./call.ts";
import { type DebugStats, debugHandlers, debugStats } from "./debug.ts";
import { describeEndpoint } from "./describe.ts";
import type { Desk, Door, Handler } from "./door.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { mucpDoor } from "./mucp.ts";
import type { CallContext, Server, ServerCall, ServerStream } from "./server.ts";
import { createSubscribers } from "./subscribers.ts";
import { type TypedHandler, typed, typedStream } from "./typed.ts";

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
  /** How calls come in. @default go-micro's own RPC over the transport */
  readonly door?: Door;
  readonly registry: Registry;
  /** For `subscribe`. The server starts and stops its subscriptions, not the broker. */
  readonly broker?: Broker;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** Answers calls of every profile that is spoken over messages, told apart per call (`wire.md §4.2`, §12.2). */
export function rpcServer(init: RpcServerInit): (parts: RpcServerParts) => Server {
  return (parts) => createRpcServer(init, parts);
}

function createRpcServer(init: RpcServerInit, parts: RpcServerParts): Server {
  const { registry, clock = systemClock, log = silent, door = mucpDoor(parts.transport) } = parts;
  const codecs = new Map([jsonCodec, bytesCodec, ...(init.codecs ?? [])].map((codec) => [codec.contentType, codec]));
  const raw = new Map<string, Handler>();
  const subscribers = createSubscribers(init.name, parts.broker, log);
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
  /** Aborted when the server is about to go: what has no end of its own ends now. */
  const leaving = sharedAbort();
  const starts = new AbortController();

  const add = (name: string, handler: Handler) => {
    if (listener) throw new MicroError("conflict", `${init.name} has started: add ${name} before start()`);
    if (raw.has(name)) throw new MicroError("conflict", `${init.name} has a handler for ${name} already`);
    if (!/^[^.\s]+\.[^.\s]+$/.test(name)) {
      throw new MicroError("invalid_argument", `an endpoint is called Handler.Method, with one dot, not "${name}"`);
    }
    raw.set(name, handler);
  };

  const desk: Desk = {
    name: init.name,
    log,
    codecs,
    handler: (endpoint) => handlers.get(endpoint),
    knows: (receiver) => receivers.has(receiver),
    event: (topic, message) => subscribers.deliver(topic, message),
    connected: () => {
      const over = sharedAbort();
      connections.add(over);
      return over;
    },
    gone: (connection, reason) => {
      connections.delete(connection);
      connection.abort(reason);
    },
    context: (call, connection) => new Call(call, clock, connection, call.endless ? leaving.signal : undefined),
    begun: () => {
      running++;
    },
    over: (failed) => {
      stats?.count(failed);
      running--;
      if (running === 0) onIdle();
    },
  };

  const drain = async (): Promise<void> => {
    const enough = new AbortController();
    const patience = clock.sleep(init.drainMs ?? 10_000, { signal: enough.signal }).catch(() => {});
    const idle = new Promise<void>((resolve) => {
      onIdle = resolve;
      if (running === 0) resolve();
    });
    await Promise.race([idle, patience]);
    enough.abort();
    for (const over of [...connections]) over.abort(new MicroError("cancelled", `${init.name} is stopping`));
  };

  const begin = async (): Promise<void> => {
    stats = debugStats(clock);
    // A handler of the user's own comes last, so it is the one that counts.
    const all = new Map([...debugHandlers(stats), ...raw]);
    handlers = new Map([...all].map(([name, handler]) => [name, layered(name, handler, layers)]));
    receivers = new Set([...all.keys()].map((name) => name.slice(0, name.indexOf("."))));
    try {
      listener = await door.listen(init.address ?? ":0", desk);
      record = recordOf(init, parts, door, [...byName(described), ...subscribers.endpoints()], listener.address);
      await subscribers.start();
    } catch (error) {
      // Nobody stops what has not started, and who tries again needs the port.
      await listener?.close();
      await stats.close();
      listener = undefined;
      record = undefined;
      throw error;
    }
    heartbeat = await startHeartbeat({
      registry,
      record,
      clock,
      log,
      ttlMs: init.registerTtlMs ?? 60_000,
      intervalMs: init.registerIntervalMs ?? 30_000,
      signal: starts.signal,
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
      add(to.name, { kind: "unary", run: typed(to, handler as TypedHandler), messages: to.messages });
      described.push(describeEndpoint(to));
    },
    handleRaw: (endpoint, handler, description, messages) => {
      add(endpoint, { kind: "unary", run: handler, messages });
      if (description) described.push(description);
    },
    handleStream: (to, handler) => {
      const run = (stream: ServerStream, context: CallContext) => handler(typedStream(to, stream) as never, context);
      add(to.name, { kind: "stream", run, messages: to.messages });
      described.push(describeEndpoint({ ...to, stream: true }));
    },
    handleRawStream: (endpoint, handler, description, messages) => {
      add(endpoint, { kind: "stream", run: handler, messages });
      if (description) described.push(description);
    },
    subscribe: (topic, handler, options) => {
      if (listener) throw new MicroError("conflict", `${init.name} has started: subscribe to ${topic} before start()`);
      subscribers.add(topic, handler, options);
    },
    use: (layer) => {
      if (listener) throw new MicroError("conflict", `${init.name} has started: add layers before start()`);
      layers.push(layer);
    },
    start: () => {
      if (stopped) {
        return Promise.reject(new MicroError("conflict", `${init.name} was stopped; start a new one instead`));
      }
      starting ??= begin().catch((error) => {
        starting = undefined;
        throw error;
      });
      return starting;
    },
    stop: () => {
      starts.abort();
      stopped ??= (async () => {
        await starting?.catch(() => {});
        await heartbeat?.close();
        await subscribers.stop();
        leaving.abort(new MicroError("cancelled", `${init.name} is stopping`));
        if (listener) await drain();
        await listener?.close();
        await stats?.close();
      })();
      return stopped;
    },
  };
}

/** Layers stand around unary calls; a stream is not one call. */
function layered(endpoint: string, handler: Handler, layers: readonly Middleware<ServerCall, unknown>[]): Handler {
  if (layers.length === 0 || handler.kind === "stream") return handler;
  const call = compose<ServerCall, unknown>(layers, async ({ input, context }) => handler.run(input, context));
  return { ...handler, run: (input: unknown, context: CallContext) => call({ endpoint, input, context }) };
}

function byName(endpoints: readonly EndpointRecord[]): readonly EndpointRecord[] {
  return [...endpoints].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What it registers (`wire.md §1.3`): the five keys by which Go's clients choose how to speak. */
function recordOf(
  init: RpcServerInit,
  { registry, broker }: RpcServerParts,
  door: Door,
  endpoints: readonly EndpointRecord[],
  listening: string,
): ServiceRecord {
  return {
    name: init.name,
    version: init.version ?? "latest",
    metadata: {},
    endpoints,
    nodes: [
      {
        id: `${init.name}-${init.id ?? randomUUID()}`,
        address: advertised(init.advertise || listening),
        metadata: {
          ...init.metadata,
          broker: broker?.kind ?? "http",
          registry: registry.kind,
          ...door.metadata,
        },
      },
    ],
  };
}
