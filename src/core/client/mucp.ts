import type { Clock } from "../clock.ts";
import type { Codec } from "../codec/codec.ts";
import { payloadCodec } from "../codec/payload.ts";
import { orAbort } from "../deadline.ts";
import { MicroError } from "../errors.ts";
import type { ServiceNode } from "../registry/registry.ts";
import type { Transport } from "../transport/transport.ts";
import { bodyKind, encodeRequest, legacyContentType, multiplexes } from "../wire/rpc.ts";
import type { Caller } from "./caller.ts";
import type { ClientAttempt, ClientStream, RequestOptions } from "./client.ts";
import { failure, NOT_BEGUN } from "./failure.ts";
import type { Limit } from "./limit.ts";
import type { Line } from "./line.ts";
import { addMetadata } from "./metadata.ts";
import { openStream } from "./mucp-stream.ts";
import { createPool, type Pool, type PoolInit } from "./pool.ts";
import { readAnswer, type Spoken, usualContentType } from "./spoken.ts";

export interface MucpInit extends PoolInit {
  /** Sent as `Micro-From-Service`, unless the metadata says another. */
  readonly name?: string | undefined;
  /** By content type. */
  readonly codecs: ReadonlyMap<string, Codec>;
  readonly clock: Clock;
  /** How a node is reached. @throws MicroError `unimplemented` */
  transportOf(node: ServiceNode): Transport | Promise<Transport>;
  /** A node did not even take a connection in time. */
  onSilence(call: ClientAttempt): void;
}

/** go-micro's own RPC over messages, with today's headers or in the envelopes of 2016 (`wire.md §4`, §12.2). */
export function mucpCaller(init: MucpInit): Caller {
  const { codecs, clock } = init;
  const pools = new Map<Transport, Pool>();
  const streams = new Set<ClientStream>();
  let closed = false;
  let ids = 0;

  const poolOf = (transport: Transport): Pool => {
    let pool = pools.get(transport);
    if (pool === undefined) {
      pool = createPool(transport, init, clock);
      pools.set(transport, pool);
    }
    return pool;
  };

  const connected = async <T>(taken: Promise<T>, limit: Limit, call: ClientAttempt, late: (got: T) => void) => {
    try {
      return await orAbort(taken, limit.signal);
    } catch (thrown) {
      if (limit.reason) {
        taken.then(late).catch(() => {});
        // Nobody says no where packets vanish; without this every call that comes here would wait in vain.
        if (limit.reason.code === "timeout") init.onSilence(call);
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
      const id = String(ids++);
      const body = encodeRequest(spoken.envelope, call.endpoint, id, spoken.encode(call.body));
      const header = headers(call, spoken, id, init.name);
      if (limit.timeoutMs > 0) header["timeout"] = `${limit.leftMs()}000000`;
      const found = init.transportOf(call.node);
      const pool = poolOf(found instanceof Promise ? await found : found);
      const shared = mayShare(call.node, body, call.options);
      const taken = pool.take(call.node.address, shared);
      const give = (line: Line) => line.done(true);
      const line = taken instanceof Promise ? await connected(taken, limit, call, give) : taken;
      // Go's clients close a connection after any error, and its servers of 2019 do so themselves (`wire.md §3.1`).
      let well = false;
      try {
        const answer = await line.exchange(id, { header, body }, limit);
        well = shared;
        const value = readAnswer(answer, spoken, call.options.raw);
        well = true;
        return value;
      } finally {
        line.done(well);
      }
    },
    open: async (call, limit) => {
      const spoken = speak(call, codecs);
      const id = String(ids++);
      const header = headers(call, spoken, id, init.name);
      header["micro-stream"] = id;
      const transport = await init.transportOf(call.node);
      // A stream has a connection of its own in every era (`wire.md §3.2`).
      const dialled = transport.dial(call.node.address, { timeoutMs: 5000, signal: limit.signal });
      const connection = await connected(dialled, limit, call, (late) => void late.close());
      const stream = await openStream({ connection, call, spoken, id, header, onClose: (it) => streams.delete(it) });
      if (closed) {
        await stream.close();
        throw new MicroError("unavailable", "the client is closed");
      }
      streams.add(stream);
      return stream;
    },
    close: async () => {
      closed = true;
      await Promise.all([...pools.values(), ...streams].map((open) => open.close()));
    },
  };
}

/** @throws MicroError `invalid_argument` for a content type that nobody here writes */
function speak({ node, options }: ClientAttempt, codecs: ReadonlyMap<string, Codec>): Spoken {
  const contentType = usualContentType(options);
  const legacy = !node.metadata["protocol"];
  const wireType = legacy ? legacyContentType(contentType) : contentType;
  const kind = bodyKind(wireType, legacy, codecs);
  // The envelope is the era's business, the payload the caller's: bytes stay bytes in an envelope of 2016.
  const payload = codecs.has(contentType) ? contentType : (kind?.payload ?? contentType);
  const asks = payloadCodec(payload, codecs, options.messages?.request);
  const answers = payloadCodec(payload, codecs, options.messages?.response);
  if (kind === undefined || asks === undefined || answers === undefined) {
    throw failure("invalid_argument", "go.micro.client", 500, `Unsupported Content-Type: ${contentType}`);
  }
  return { envelope: kind.envelope, contentType, wireType, answers, encode: asks.encode };
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

function headers(
  { service, endpoint, options, node }: ClientAttempt,
  { contentType, wireType }: Spoken,
  id: string,
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
  if (options.metadata) addMetadata(header, options.metadata);
  return header;
}
