import type { Codec } from "../codec/codec.ts";
import { jsonCodec, RawJson } from "../codec/json.ts";
import { payloadCodec } from "../codec/payload.ts";
import { orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { ClientTls } from "../transport/http2.ts";
import { kindOf, pathOf, statedType, timeoutText } from "../wire/grpc.ts";
import { MAX_MESSAGE, writeMessage } from "../wire/grpc-messages.ts";
import { writeMetadata } from "../wire/grpc-metadata.ts";
import type { Caller } from "./caller.ts";
import type { ClientAttempt } from "./client.ts";
import { failure, NOT_BEGUN } from "./failure.ts";
import { createGrpcPool, type GrpcLine } from "./grpc-pool.ts";
import { openGrpcStream } from "./grpc-stream.ts";
import { exchange } from "./grpc-unary.ts";
import type { Limit } from "./limit.ts";
import { rawText, usualContentType } from "./spoken.ts";

export interface GrpcCallerInit {
  /** By content type. */
  readonly codecs: ReadonlyMap<string, Codec>;
  /** Sent as `micro-from-service`, unless the metadata says another. */
  readonly name?: string | undefined;
  /** For addresses that are spoken to with TLS. */
  readonly tls?: ClientTls;
  /** Of one message, both ways. @default 4 MiB */
  readonly maxMessageBytes?: number;
  /** How long a connection without calls is kept. @default 60000 */
  readonly idleMs?: number;
  /** A node did not even take a connection in time. */
  onSilence?(call: ClientAttempt): void;
}

/**
 * gRPC as go-micro's `client/grpc` speaks it, v2's default (`wire.md §7`): one connection for each address, in the clear but
 * for port 443, an address without a port, and `https://`.
 */
export function grpcCaller(init: GrpcCallerInit): Caller {
  const { codecs, maxMessageBytes: limitBytes = MAX_MESSAGE } = init;
  const pool = createGrpcPool(init.tls, init.idleMs ?? 60_000);

  const connected = async (taken: Promise<GrpcLine>, call: ClientAttempt, limit: Limit): Promise<GrpcLine> => {
    try {
      return await orAbort(taken, limit.signal);
    } catch (thrown) {
      if (limit.reason) {
        taken.then(pool.done).catch(() => {});
        // Nobody says no where packets vanish; without this every call that comes here would wait in vain.
        if (limit.reason.code === "timeout") init.onSilence?.(call);
        throw limit.reason;
      }
      const error = MicroError.from(thrown, "unavailable");
      throw failure("unavailable", "go.micro.client", 500, `connection error: ${error.message}`, {
        cause: error,
        [NOT_BEGUN]: true,
      });
    }
  };

  return {
    call: async (call, limit) => {
      const spoken = speak(call, codecs);
      const bytes = writeMessage(spoken.asks.encode(call.body), limitBytes);
      const headers = headersOf(call, spoken, init.name);
      if (limit.timeoutMs > 0) {
        const left = limit.leftMs();
        headers["timeout"] = `${left}000000`;
        headers["grpc-timeout"] = timeoutText(left);
      }
      const taken = pool.take(call.node.address);
      const line = taken instanceof Promise ? await connected(taken, call, limit) : taken;
      return spoken.decode(await exchange(pool, line, headers, bytes, limit, limitBytes));
    },
    open: async (call, limit) => {
      const spoken = speak(call, codecs);
      const headers = headersOf(call, spoken, init.name);
      const taken = pool.take(call.node.address);
      const line = taken instanceof Promise ? await connected(taken, call, limit) : taken;
      const { decode } = spoken;
      return openGrpcStream({ pool, line, call, headers, maxMessage: limitBytes, encode: spoken.asks.encode, decode });
    },
    close: pool.close,
  };
}

interface Spoken {
  readonly wire: string;
  readonly stated: string;
  readonly asks: Codec;
  decode(payload: Uint8Array): unknown;
}

/** @throws MicroError `invalid_argument` for a content type that nobody here writes */
function speak({ options }: ClientAttempt, codecs: ReadonlyMap<string, Codec>): Spoken {
  const contentType = usualContentType(options);
  const kind = kindOf(contentType);
  const asks = kind && payloadCodec(kind.payload, codecs, options.messages?.request);
  const answers = kind && payloadCodec(kind.payload, codecs, options.messages?.response);
  if (kind === undefined || asks === undefined || answers === undefined || asks.envelope) {
    throw failure("invalid_argument", "go.micro.client", 500, `Unsupported Content-Type: ${contentType}`);
  }
  const { raw } = options;
  const decode = (payload: Uint8Array): unknown => {
    const bytes = payload.length === 0 && answers.contentType === jsonCodec.contentType ? EMPTY : payload;
    try {
      return raw ? new RawJson(rawText(bytes, answers)) : answers.decode(bytes);
    } catch (thrown) {
      const { message } = MicroError.from(thrown);
      throw failure("internal", "go.micro.client.codec", 500, message, { cause: thrown });
    }
  };
  return { wire: kind.wire, stated: statedType(kind), asks, decode };
}

const EMPTY = Buffer.from("{}");

function headersOf(
  { service, endpoint, options }: ClientAttempt,
  { wire, stated }: Spoken,
  from: string | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {
    ":method": "POST",
    ":path": pathOf(service, endpoint),
    "content-type": wire,
    te: "trailers",
    "user-agent": "grpc-micro-bot",
    "grpc-accept-encoding": "identity,gzip",
    "x-content-type": stated,
  };
  if (from !== undefined) headers["micro-from-service"] = from;
  if (options.metadata) writeMetadata(headers, options.metadata);
  return headers;
}
