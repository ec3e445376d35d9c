import type { z } from "zod";
import { type Clock, systemClock } from "../clock.ts";
import { bytesCodec } from "../codec/bytes.ts";
import type { Codec } from "../codec/codec.ts";
import { jsonCodec, RawJson } from "../codec/json.ts";
import { deadline, orAbort } from "../deadline.ts";
import { type ERROR_CODES, MicroError } from "../errors.ts";
import { compose, type Middleware } from "../middleware.ts";
import type { ServiceNode } from "../registry/registry.ts";
import type { Selector } from "../selector/selector.ts";
import type { Frame, Transport } from "../transport/transport.ts";
import { errorRecord, fromRecord, parseErrorText } from "../wire/error.ts";
import { bodyKind, decodeResponse, encodeRequest, legacyContentType } from "../wire/rpc.ts";
import type { Client, ClientAttempt, ClientCall, Endpoint, RequestOptions } from "./client.ts";
import { ownMetadata } from "./metadata.ts";
import { createPool, type Line, type PoolInit } from "./pool.ts";

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

/** Why an attempt failed matters for whether there is another: only what the service cannot have begun is repeated. */
const NOT_BEGUN = "notBegun";

/**
 * Calls services over go-micro's RPC (`wire.md §4`): finds a node, speaks its profile, tries another one when the first cannot
 * be reached. What a service may have begun is repeated only if the endpoint is idempotent.
 */
export function rpcClient(init: RpcClientInit = {}): (parts: RpcClientParts) => Client {
  return ({ transport, selector, clock = systemClock }) => {
    const pool = createPool(transport, init, clock);
    const codecs = new Map([jsonCodec, bytesCodec, ...(init.codecs ?? [])].map((codec) => [codec.contentType, codec]));
    const layers: Middleware<ClientCall, unknown>[] = [];
    let ids = 0;

    const attempt = async (call: ClientAttempt, limit: Limit): Promise<unknown> => {
      const { node, options } = call;
      const contentType = options.contentType ?? "application/json";
      const codec = codecs.get(contentType);
      if (codec === undefined) {
        throw failure("invalid_argument", "go.micro.client", 500, `Unsupported Content-Type: ${contentType}`);
      }
      const legacy = !node.metadata["protocol"];
      const wireType = legacy ? legacyContentType(contentType) : contentType;
      const { envelope } = bodyKind(wireType, legacy) ?? { envelope: "bare" as const };
      const id = String(ids++);
      const body = encodeRequest(envelope, call.endpoint, id, codec.encode(call.body));

      const line = await connect(node.address, limit);
      const answer = await exchange(line, { header: headers(call, contentType, wireType, id, limit, init.name), body });
      const error = answer.header["micro-error"] || answer.header["x-micro-error"];
      if (error) {
        line.close();
        throw fromRecord(parseErrorText(error));
      }
      const { payload, error: inside } = readBody(() => decodeResponse(envelope, answer.body));
      if (inside !== "") {
        line.close();
        throw fromRecord(parseErrorText(inside));
      }
      const value = options.raw ? new RawJson(rawText(payload, codec)) : readBody(() => codec.decode(payload));
      pool.give(node.address, line);
      return value;
    };

    const connect = async (address: string, limit: Limit): Promise<Line> => {
      try {
        return await pool.take(address, {
          timeoutMs: Math.max(1, Math.min(5000, limit.leftMs())),
          signal: limit.signal,
        });
      } catch (thrown) {
        const error = MicroError.from(thrown, "unavailable");
        if (limit.signal.aborted) throw limit.reason();
        throw failure("unavailable", "go.micro.client", 500, `connection error: ${error.message}`, {
          cause: error,
          [NOT_BEGUN]: true,
        });
      }
    };

    const exchange = async (line: Line, frame: Frame): Promise<Frame> => {
      try {
        return await line.exchange(frame);
      } catch (thrown) {
        const error = MicroError.from(thrown, "unavailable");
        line.close();
        // A kept connection that its other end had closed: the question was not read.
        const notBegun = line.used && error.details["unanswered"] === true;
        throw failure("unavailable", "go.micro.client.transport", 500, error.message, {
          cause: error,
          [NOT_BEGUN]: notBegun,
        });
      }
    };

    const around = (call: ClientAttempt, limit: Limit): Promise<unknown> =>
      init.attemptLayers?.length
        ? compose(init.attemptLayers, (inner) => attempt(inner, limit))(call)
        : attempt(call, limit);

    const logical = async (call: ClientCall): Promise<unknown> => {
      const { service, options } = call;
      const timeoutMs = options.timeoutMs ?? init.timeoutMs ?? 5000;
      using limit = createLimit(options.signal, timeoutMs, `${service} ${call.endpoint}`, clock);
      const attempts = 1 + (options.retries ?? init.retries ?? 1);
      const tried = new Set<string>();
      let last: MicroError | undefined;
      for (let number = 0; number < attempts; number++) {
        if (number > 0) await clock.sleep(Math.min(10 ** number, 1000), { signal: limit.signal }).catch(() => {});
        if (limit.signal.aborted) throw limit.reason();
        const node = await choose(call, tried, last, limit);
        try {
          const answer = await orAbort(around({ ...call, node, attempt: number }, limit), limit.signal);
          if (options.address === undefined) selector.mark(service, node, "ok");
          return answer;
        } catch (thrown) {
          const error = MicroError.from(thrown);
          if (limit.signal.aborted) throw limit.reason();
          const unreachable = error.code === "unavailable" && error.details[NOT_BEGUN] !== undefined;
          if (unreachable && options.address === undefined) selector.mark(service, node, "failed");
          tried.add(node.id);
          last = error;
          if (!mayRepeat(error, options)) throw error;
        }
      }
      throw last;
    };

    const choose = async (
      { service, options }: ClientCall,
      tried: ReadonlySet<string>,
      last: MicroError | undefined,
      limit: Limit,
    ): Promise<ServiceNode> => {
      // A node that is given by its address counts as a modern one (`wire.md §4.3`).
      if (options.node) return options.node;
      if (options.address !== undefined) {
        return { id: options.address, address: options.address, metadata: { protocol: "mucp" } };
      }
      try {
        return await selector.select(service, {
          signal: limit.signal,
          timeoutMs: Math.max(1, limit.leftMs()),
          ...(options.filters ? { filters: options.filters } : {}),
          ...(tried.size > 0 ? { exclude: tried } : {}),
        });
      } catch (thrown) {
        if (limit.signal.aborted) throw limit.reason();
        const error = MicroError.from(thrown, "unavailable");
        // Every node has been tried: what the last one said is more useful than that none is left.
        if (last && error.code === "unavailable") throw last;
        const detail =
          error.code === "not_found"
            ? `service ${service}: not found`
            : error.code === "unavailable" && error.message.includes("no node left")
              ? `error selecting ${service} node: none available`
              : `error selecting ${service} node: ${error.message}`;
        throw failure(error.code, "go.micro.client", 500, detail, { cause: error });
      }
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
      call: async <I extends z.ZodType, O extends z.ZodType>(
        to: Endpoint<I, O>,
        input: z.input<I>,
        options: RequestOptions = {},
      ): Promise<z.output<O>> => {
        const checked = to.input.safeParse(input);
        if (!checked.success) throw mismatch(`the request to ${to.service} ${to.name}`, checked.error);
        const idempotent = to.idempotent ?? options.idempotent ?? false;
        const answer = to.output.safeParse(
          await request(to.service, to.name, checked.data, { ...options, idempotent }),
        );
        if (!answer.success) throw mismatch(`the answer of ${to.service} ${to.name}`, answer.error);
        return answer.data;
      },
      use: (layer) => void layers.push(layer),
      close: () => pool.close(),
    };
  };
}

/** A call's deadline and its caller's signal. */
interface Limit extends Disposable {
  readonly signal: AbortSignal;
  /** Why it is over, in the words of Go's client (`wire.md §6`). */
  reason(): MicroError;
  leftMs(): number;
  readonly timeoutMs: number;
}

function createLimit(signal: AbortSignal | undefined, timeoutMs: number, what: string, clock: Clock): Limit {
  const began = clock.now();
  const inner = deadline({ timeoutMs, ...(signal ? { signal } : {}) }, timeoutMs, what);
  return {
    timeoutMs,
    signal: inner.signal,
    reason: () => {
      const error = MicroError.from(inner.signal.reason);
      if (error.code !== "timeout") return error;
      return failure("timeout", "go.micro.client", 408, "call timeout: context deadline exceeded", { cause: error });
    },
    leftMs: () => (timeoutMs === 0 ? 86_400_000 : timeoutMs - (clock.now() - began)),
    [Symbol.dispose]: () => inner[Symbol.dispose](),
  };
}

function mayRepeat(error: MicroError, options: RequestOptions): boolean {
  if (error.details[NOT_BEGUN] === true) return true;
  if (!options.idempotent) return false;
  const record = error.details["record"] as { code?: number } | undefined;
  // What Go's clients repeat; a text without a code never is.
  return record?.code === 408 || record?.code === 500;
}

function headers(
  { service, endpoint, options }: ClientAttempt,
  contentType: string,
  wireType: string,
  id: string,
  limit: Limit,
  from: string | undefined,
): Record<string, string> {
  const header: Record<string, string> = {
    ...(from === undefined ? {} : { "micro-from-service": from }),
    ...(options.metadata === undefined ? {} : ownMetadata(options.metadata)),
    "content-type": wireType,
    accept: contentType,
    "micro-service": service,
    "micro-method": endpoint,
    "micro-endpoint": endpoint,
    "micro-id": id,
    // What clients before v1.18 sent as well, and servers of 2019 read (`wire.md §4.1`).
    "x-micro-service": service,
    "x-micro-method": endpoint,
    "x-micro-endpoint": endpoint,
    "x-micro-id": id,
  };
  if (limit.timeoutMs > 0) header["timeout"] = `${Math.max(1, Math.round(limit.leftMs()))}000000`;
  return header;
}

function readBody<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    const error = MicroError.from(thrown);
    throw failure("internal", "go.micro.client.codec", 500, error.message, { cause: error });
  }
}

function rawText(payload: Uint8Array, codec: Codec): string {
  if (codec === jsonCodec) return new TextDecoder().decode(payload).trim();
  return new TextDecoder().decode(jsonCodec.encode(codec.decode(payload))).trim();
}

function failure(
  code: keyof typeof ERROR_CODES,
  id: string,
  status: number,
  detail: string,
  { cause, ...details }: { readonly cause?: unknown } & Record<string, unknown> = {},
): MicroError {
  return new MicroError(code, detail, { cause, details: { record: errorRecord(id, status, detail), ...details } });
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
