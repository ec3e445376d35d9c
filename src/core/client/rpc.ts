import type { z } from "zod";
import { type Clock, systemClock } from "../clock.ts";
import { bytesCodec } from "../codec/bytes.ts";
import type { Codec } from "../codec/codec.ts";
import { jsonCodec, RawJson } from "../codec/json.ts";
import { orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import { compose, type Middleware } from "../middleware.ts";
import type { ServiceNode } from "../registry/registry.ts";
import type { Filter, SelectOptions, Selector } from "../selector/selector.ts";
import type { Frame, Transport } from "../transport/transport.ts";
import { fromRecord, parseErrorText } from "../wire/error.ts";
import { bodyKind, decodeResponse, type Envelope, encodeRequest, legacyContentType, multiplexes } from "../wire/rpc.ts";
import { createAlarms } from "./alarms.ts";
import type { Client, ClientAttempt, ClientCall, Endpoint, RequestOptions } from "./client.ts";
import { failure, NOT_BEGUN } from "./failure.ts";
import { Limit } from "./limit.ts";
import type { Line } from "./line.ts";
import { addMetadata } from "./metadata.ts";
import { createPool, type PoolInit } from "./pool.ts";

export interface RpcClientInit extends PoolInit {
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
  readonly transport: Transport;
  readonly selector: Selector;
  readonly clock?: Clock;
}

/**
 * Calls services over go-micro's RPC (`wire.md §4`): finds a node, speaks its profile, tries another one when the first cannot
 * be reached. What a service may have begun is repeated only if the endpoint is idempotent.
 */
export function rpcClient(init: RpcClientInit = {}): (parts: RpcClientParts) => Client {
  return ({ transport, selector, clock = systemClock }) => {
    const pool = createPool(transport, init, clock);
    const codecs = new Map([jsonCodec, bytesCodec, ...(init.codecs ?? [])].map((codec) => [codec.contentType, codec]));
    const layers: Middleware<ClientCall, unknown>[] = [];
    const alarms = createAlarms();
    let ids = 0;

    /** All of an attempt that needs no waiting. */
    const prepare = (call: ClientAttempt, limit: Limit): Prepared => {
      const { node, options } = call;
      const contentType = options.contentType ?? "application/json";
      const codec = codecs.get(contentType);
      if (codec === undefined) {
        throw failure("invalid_argument", "go.micro.client", 500, `Unsupported Content-Type: ${contentType}`);
      }
      const legacy = !node.metadata["protocol"];
      const wireType = legacy ? legacyContentType(contentType) : contentType;
      const envelope = bodyKind(wireType, legacy)?.envelope ?? "bare";
      const id = String(ids++);
      const body = encodeRequest(envelope, call.endpoint, id, codec.encode(call.body));
      const header = headers(call, contentType, wireType, id, limit, init.name);
      return { id, frame: { header, body }, shared: mayShare(node, body, options), envelope, codec };
    };

    const attempt = async (call: ClientAttempt, limit: Limit): Promise<unknown> => {
      const { id, frame, shared, envelope, codec } = prepare(call, limit);
      const taken = pool.take(call.node.address, shared);
      const line = taken instanceof Promise ? await connected(taken, limit, call) : taken;
      // Go's clients close a connection after any error, and its servers of 2019 do so themselves (`wire.md §3.1`).
      let well = false;
      try {
        const answer = await line.exchange(id, frame, limit);
        well = shared;
        const value = readAnswer(answer, envelope, codec, call.options.raw);
        well = true;
        return value;
      } finally {
        line.done(well);
      }
    };

    const connected = async (taken: Promise<Line>, limit: Limit, call: ClientAttempt): Promise<Line> => {
      try {
        return await orAbort(taken, limit.signal);
      } catch (thrown) {
        if (limit.reason) {
          taken.then((line) => line.done(true)).catch(() => {});
          // Nobody says no where packets vanish; without this every call that comes here would wait in vain.
          const late = limit.reason.code === "timeout" && call.options.address === undefined;
          if (late) selector.mark(call.service, call.node, "failed");
          throw limit.reason;
        }
        const error = MicroError.from(thrown, "unavailable");
        throw failure("unavailable", "go.micro.client", 500, `connection error: ${error.message}`, {
          cause: error,
          [NOT_BEGUN]: true,
        });
      }
    };

    const around = init.attemptLayers?.length
      ? (call: ClientAttempt, limit: Limit) =>
          orAbort(compose(init.attemptLayers ?? [], (inner) => attempt(inner, limit))(call), limit.signal)
      : attempt;

    const logical = async ({ service, endpoint, body, options }: ClientCall): Promise<unknown> => {
      const timeoutMs = options.timeoutMs ?? init.timeoutMs ?? 5000;
      const attempts = 1 + (options.retries ?? init.retries ?? 1);
      const limit = new Limit(options.signal, timeoutMs, `${service} ${endpoint}`, alarms);
      let tried: Set<string> | undefined;
      let last: MicroError | undefined;
      try {
        for (let number = 0; number < attempts; number++) {
          if (number > 0) await clock.sleep(Math.min(10 ** number, 1000), { signal: limit.signal }).catch(() => {});
          if (limit.reason) throw limit.reason;
          const chosen = given(options) ?? choose(service, options, tried, last, limit);
          const node = chosen instanceof Promise ? await chosen : chosen;
          try {
            const answer = await around({ service, endpoint, body, options, node, attempt: number }, limit);
            if (options.address === undefined) selector.mark(service, node, "ok");
            return answer;
          } catch (thrown) {
            if (limit.reason) throw limit.reason;
            const error = MicroError.from(thrown);
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
            : error.code === "unavailable" && error.message.includes("no node left")
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
      return layers.length === 0 ? logical(call) : compose(layers, logical)(call);
    };

    return {
      request,
      call: <I extends z.ZodType, O extends z.ZodType>(
        to: Endpoint<I, O>,
        input: z.input<I>,
        options: RequestOptions = {},
      ): Promise<z.output<O>> => {
        const checked = to.input.safeParse(input);
        if (!checked.success) return Promise.reject(mismatch(`the request to ${to.service} ${to.name}`, checked.error));
        const { idempotent = options.idempotent } = to;
        const asked = idempotent === options.idempotent ? options : { ...options, idempotent: idempotent === true };
        return request(to.service, to.name, checked.data, asked).then((answered) => {
          const answer = to.output.safeParse(answered);
          if (!answer.success) throw mismatch(`the answer of ${to.service} ${to.name}`, answer.error);
          return answer.data;
        });
      },
      use: (layer) => void layers.push(layer),
      close: async () => {
        await pool.close();
        alarms.close();
      },
    };
  };
}

interface Prepared {
  readonly id: string;
  readonly frame: Frame;
  readonly shared: boolean;
  readonly envelope: Envelope;
  readonly codec: Codec;
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
function given({ node, address }: RequestOptions): ServiceNode | undefined {
  if (node !== undefined || address === undefined) return node;
  return { id: address, address, metadata: { protocol: "mucp" } };
}

/** A body that would keep others waiting has a connection of its own. */
const MAX_SHARED_BODY = 64 << 10;

/**
 * Whether a call may be one of many on a connection. One that its caller may cancel is not: that its connection is closed is
 * all that a server learns of it.
 */
function mayShare(node: ServiceNode, body: Uint8Array, { signal }: RequestOptions): boolean {
  return signal === undefined && body.length <= MAX_SHARED_BODY && multiplexes(node);
}

function mayRepeat(error: MicroError, options: RequestOptions): boolean {
  if (error.details[NOT_BEGUN] === true) return true;
  if (!options.idempotent) return false;
  const record = error.details["record"] as { code?: number } | undefined;
  // What Go's clients repeat; a text without a code never is.
  return record?.code === 408 || record?.code === 500;
}

function headers(
  { service, endpoint, options, node }: ClientAttempt,
  contentType: string,
  wireType: string,
  id: string,
  limit: Limit,
  from: string | undefined,
): Record<string, string> {
  const header: Record<string, string> = {
    "content-type": wireType,
    accept: contentType,
    "micro-service": service,
    "micro-method": endpoint,
    "micro-endpoint": endpoint,
    "micro-id": id,
  };
  if (!multiplexes(node)) {
    // What clients before v1.18 sent as well, and servers of 2019 read (`wire.md §4.1`).
    header["x-micro-service"] = service;
    header["x-micro-method"] = endpoint;
    header["x-micro-endpoint"] = endpoint;
    header["x-micro-id"] = id;
  }
  if (from !== undefined) header["micro-from-service"] = from;
  if (limit.timeoutMs > 0) header["timeout"] = `${limit.leftMs()}000000`;
  if (options.metadata) addMetadata(header, options.metadata);
  return header;
}

/** @throws MicroError what the service answered, or `internal` for an answer that cannot be read */
function readAnswer({ header, body }: Frame, envelope: Envelope, codec: Codec, raw: boolean | undefined): unknown {
  const error = header["micro-error"] || header["x-micro-error"];
  if (error) throw fromRecord(parseErrorText(error));
  let inside: string;
  try {
    const answer = decodeResponse(envelope, body);
    inside = answer.error;
    if (inside === "") return raw ? new RawJson(rawText(answer.payload, codec)) : codec.decode(answer.payload);
  } catch (thrown) {
    const { message } = MicroError.from(thrown);
    throw failure("internal", "go.micro.client.codec", 500, message, { cause: thrown });
  }
  throw fromRecord(parseErrorText(inside));
}

function rawText(payload: Uint8Array, codec: Codec): string {
  if (codec === jsonCodec) return new TextDecoder().decode(payload).trim();
  return new TextDecoder().decode(jsonCodec.encode(codec.decode(payload))).trim();
}

function mismatch(what: string, { issues }: z.ZodError): MicroError {
  const [issue] = issues;
  const field = issue?.path.join(".") ?? "";
  return new MicroError(
    "invalid_argument",
    `${what} is not what its schema says${field && `, at ${field}`}: ${issue?.message}`,
    {
      details: { field },
    },
  );
}
