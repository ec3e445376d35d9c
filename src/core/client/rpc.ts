import type { z } from "zod";
import { type Clock, systemClock } from "../clock.ts";
import { bytesCodec } from "../codec/bytes.ts";
import type { Codec } from "../codec/codec.ts";
import { jsonCodec } from "../codec/json.ts";
import { orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { compose, type Middleware } from "../middleware.ts";
import type { ServiceNode } from "../registry/registry.ts";
import { type Filter, NO_NODE_LEFT, type SelectOptions, type Selector } from "../selector/selector.ts";
import type { Transport } from "../transport/transport.ts";
import { createAlarms } from "./alarms.ts";
import type { Caller } from "./caller.ts";
import { checkedStream, mismatch } from "./checked.ts";
import type { Client, ClientAttempt, ClientCall, ClientStream, Endpoint, RequestOptions } from "./client.ts";
import { failure, NOT_BEGUN } from "./failure.ts";
import { Limit } from "./limit.ts";
import { mucpCaller } from "./mucp.ts";
import type { PoolInit } from "./pool.ts";
import { createTransportOf } from "./transports.ts";

export interface RpcClientInit extends PoolInit {
  /** How nodes are spoken to that do not say it: those of an address, of a static or dns selector. @default "mucp" */
  readonly profile?: "mucp" | "grpc";
  /** For a whole call, all attempts together. @default 5000 */
  readonly timeoutMs?: number;
  /** Attempts after the first. @default 1 */
  readonly retries?: number;
  /** Sent as `Micro-From-Service`, unless the metadata says another. */
  readonly name?: string;
  /** Beside JSON and bytes. */
  readonly codecs?: readonly Codec[];
  /** Around every attempt, when its node is known; the first is the outermost. */
  readonly attemptLayers?: readonly Middleware<ClientAttempt, unknown>[];
}

export interface RpcClientParts {
  /** For nodes that name it or none. */
  readonly transport: Transport;
  /** By the name that nodes carry as `transport`: made when one is met that needs it. */
  readonly transports?: Readonly<Record<string, () => Promise<Transport>>>;
  readonly selector: Selector;
  readonly clock?: Clock;
  /** For nodes that speak gRPC; made when one is met. */
  readonly grpc?: typeof loadGrpcCaller;
}

async function loadGrpcCaller(
  codecs: ReadonlyMap<string, Codec>,
  name: string | undefined,
  onSilence: (call: ClientAttempt) => void,
): Promise<Caller> {
  const { grpcCaller } = await import("./grpc.ts");
  return grpcCaller({ codecs, name, onSilence });
}

/**
 * Calls services over go-micro's RPC (`wire.md §4`): finds a node, speaks its profile, tries another one when the first cannot
 * be reached. What a service may have begun is repeated only if the endpoint is idempotent.
 */
export function rpcClient(init: RpcClientInit = {}): (parts: RpcClientParts) => Client {
  return ({ transport, transports, selector, clock = systemClock, grpc: makeGrpc = loadGrpcCaller }) => {
    const codecs = new Map([jsonCodec, bytesCodec, ...(init.codecs ?? [])].map((codec) => [codec.contentType, codec]));
    const layers: Middleware<ClientCall, unknown>[] = [];
    const alarms = createAlarms();

    const transportOf = createTransportOf(transport, transports);
    const onSilence = ({ service, node, options }: ClientAttempt) => {
      if (options.address === undefined) selector.mark(service, node, "failed");
    };
    const mucp = mucpCaller({ ...init, codecs, clock, transportOf, onSilence });
    let grpc: Promise<Caller> | undefined;
    const callerOf = (node: ServiceNode): Caller | Promise<Caller> => {
      if (!speaksGrpc(node, init.profile)) return mucp;
      grpc ??= makeGrpc(codecs, init.name, onSilence);
      return grpc;
    };
    const attempt = (call: ClientAttempt, limit: Limit): Promise<unknown> => {
      const caller = callerOf(call.node);
      return caller instanceof Promise ? caller.then((it) => it.call(call, limit)) : caller.call(call, limit);
    };
    const opening = async (call: ClientAttempt, limit: Limit): Promise<ClientStream> =>
      (await callerOf(call.node)).open(call, limit);

    const layered = init.attemptLayers?.length
      ? (call: ClientAttempt, limit: Limit) =>
          orAbort(compose(init.attemptLayers ?? [], (inner) => attempt(inner, limit))(call), limit.signal)
      : attempt;

    /** One logical call: an attempt, and another one where that does no harm. */
    const logical = async <T>(
      { service, endpoint, body, options }: ClientCall,
      ask: (call: ClientAttempt, limit: Limit) => Promise<T>,
    ): Promise<T> => {
      const timeoutMs = options.timeoutMs ?? init.timeoutMs ?? 5000;
      const attempts = 1 + (options.retries ?? init.retries ?? 1);
      const limit = new Limit(options.signal, timeoutMs, `${service} ${endpoint}`, alarms);
      let tried: Set<string> | undefined;
      let last: MicroError | undefined;
      try {
        for (let number = 0; number < attempts; number++) {
          if (number > 0) await clock.sleep(Math.min(10 ** number, 1000), { signal: limit.signal }).catch(() => {});
          if (limit.reason) throw limit.reason;
          const chosen = given(options, init.profile) ?? choose(service, options, tried, last, limit);
          const node = chosen instanceof Promise ? await chosen : chosen;
          options.onNode?.(node);
          try {
            const answer = await ask({ service, endpoint, body, options, node, attempt: number }, limit);
            if (options.address === undefined) selector.mark(service, node, "ok");
            return answer;
          } catch (thrown) {
            if (limit.reason) throw limit.reason;
            const error = MicroError.from(thrown);
            // Whether true or not, it is there on what the connection came to, and never on what a service answered.
            const unreachable = error.code === "unavailable" && error.details[NOT_BEGUN] !== undefined;
            if (unreachable && options.address === undefined) selector.mark(service, node, "failed");
            tried ??= new Set();
            tried.add(node.id);
            last = error;
            if (!mayRepeat(error, options)) throw error;
          }
        }
        throw last;
      } finally {
        limit.end();
      }
    };

    /** The selector's node; at once if it knows one at once. */
    const choose = (
      service: string,
      { filters }: RequestOptions,
      exclude: ReadonlySet<string> | undefined,
      last: MicroError | undefined,
      limit: Limit,
    ): ServiceNode | Promise<ServiceNode> => {
      const failed = (thrown: unknown): never => {
        if (limit.reason) throw limit.reason;
        const error = MicroError.from(thrown, "unavailable");
        // What the last node said is more useful than that there is none any more.
        if (last && error.code === "unavailable") throw last;
        const detail =
          error.code === "not_found"
            ? `service ${service}: not found`
            : error.details[NO_NODE_LEFT]
              ? `error selecting ${service} node: none available`
              : `error selecting ${service} node: ${error.message}`;
        throw failure(error.code, "go.micro.client", 500, detail, { cause: error });
      };
      const among = (without?: ReadonlySet<string>) => {
        const chosen = selector.select(service, new Choice(limit, filters, without));
        return chosen instanceof Promise ? orAbort(chosen, limit.signal) : chosen;
      };
      const chosen = among(exclude);
      if (!(chosen instanceof Promise)) return chosen;
      // Where every node has been tried, one of them is tried again.
      return (exclude ? chosen.catch(() => among()) : chosen).catch(failed);
    };

    const request = (
      service: string,
      endpoint: string,
      body: unknown,
      options: RequestOptions = {},
    ): Promise<unknown> => {
      const call = { service, endpoint, body, options };
      if (layers.length === 0) return logical(call, layered);
      return compose<ClientCall, unknown>(layers, (inner) => logical(inner, layered))(call);
    };

    const stream: Client["stream"] = (service, endpoint, options = {}) =>
      logical({ service, endpoint, body: undefined, options }, opening);

    return {
      request,
      stream,
      open: async (to, options = {}) => checkedStream(to, await stream(to.service, to.name, described(to, options))),
      call: <I extends z.ZodType, O extends z.ZodType>(
        to: Endpoint<I, O>,
        input: z.input<I>,
        options: RequestOptions = {},
      ): Promise<z.output<O>> => {
        const checked = to.input.safeParse(input);
        if (!checked.success) return Promise.reject(mismatch(`the request to ${to.service} ${to.name}`, checked.error));
        return request(to.service, to.name, checked.data, described(to, options)).then((answered) => {
          const answer = to.output.safeParse(answered);
          if (!answer.success) throw mismatch(`the answer of ${to.service} ${to.name}`, answer.error);
          return answer.data;
        });
      },
      use: (layer) => void layers.push(layer),
      close: async () => {
        await Promise.all([mucp.close(), grpc?.then((caller) => caller.close())]);
        alarms.close();
      },
    };
  };
}

/** What a call tells the selector. The signal is made only if it is asked for, which a choice at once does not. */
class Choice implements SelectOptions {
  readonly filters: readonly Filter[];
  readonly exclude: ReadonlySet<string>;
  readonly #limit: Limit;

  constructor(limit: Limit, filters: readonly Filter[] = NO_FILTERS, exclude: ReadonlySet<string> = NONE_TRIED) {
    this.#limit = limit;
    this.filters = filters;
    this.exclude = exclude;
  }

  get signal(): AbortSignal {
    return this.#limit.signal;
  }

  get timeoutMs(): number {
    return this.#limit.leftMs();
  }
}

const NO_FILTERS: readonly Filter[] = [];
const NONE_TRIED: ReadonlySet<string> = new Set();

/** The node that the caller gave; one that is given by its address counts as a modern one (`wire.md §4.3`). */
function given({ node, address }: RequestOptions, profile = "mucp"): ServiceNode | undefined {
  if (node !== undefined || address === undefined) return node;
  return { id: address, address, metadata: { protocol: profile } };
}

/** What a node says of itself; `profile` speaks for one that says nothing (`wire.md §12.2`). */
function speaksGrpc({ metadata }: ServiceNode, profile: string | undefined): boolean {
  const { protocol, server } = metadata;
  if (!protocol && !server) return profile === "grpc";
  return protocol === "grpc" || server === "grpc";
}

function mayRepeat(error: MicroError, options: RequestOptions): boolean {
  if (error.details[NOT_BEGUN] === true) return true;
  if (!options.idempotent) return false;
  const record = error.details["record"] as { code?: number } | undefined;
  // What Go's clients repeat; a text without a code never is.
  return record?.code === 408 || record?.code === 500;
}

/** What an endpoint says about its calls, put to what the caller says. */
function described({ idempotent, messages }: Endpoint, options: RequestOptions): RequestOptions {
  if (idempotent === undefined && messages === undefined) return options;
  return {
    ...options,
    ...(messages === undefined ? {} : { messages }),
    ...(idempotent === undefined ? {} : { idempotent }),
  };
}
