import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from "node:http2";
import { MicroError } from "../errors.ts";
import { closable } from "../lifecycle.ts";
import { Http2Flow } from "../transport/http2-flow.ts";
import { writeMessage } from "../wire/grpc-messages.ts";
import { readStatus } from "../wire/grpc-status.ts";
import type { ClientAttempt, ClientStream } from "./client.ts";
import { checkResponse, lost } from "./grpc-answer.ts";
import type { GrpcLine, GrpcPool } from "./grpc-pool.ts";

export interface OpenInit {
  readonly pool: GrpcPool;
  readonly line: GrpcLine;
  readonly call: ClientAttempt;
  readonly headers: OutgoingHttpHeaders;
  readonly maxMessage: number;
  encode(message: unknown): Uint8Array;
  decode(payload: Uint8Array): unknown;
}

/** A plain gRPC stream: no opening message, and who has said everything half-closes (`wire.md §7`). */
export function openGrpcStream({ pool, line, call, headers, maxMessage, encode, decode }: OpenInit): ClientStream {
  const { signal } = call.options;
  const name = `${call.service} ${call.endpoint}`;
  let request: ClientHttp2Stream;
  try {
    request = line.session.request(headers, { endStream: false });
  } catch (error) {
    pool.retire(line);
    pool.done(line);
    throw lost(undefined, line, error);
  }
  const flow = new Http2Flow(request, maxMessage);
  let over: MicroError | undefined;
  let status: { readonly error: MicroError | undefined } | undefined;
  let ended = false;
  let cause: unknown;

  request.on("response", (response) => {
    const wrong = checkResponse(response, line.address);
    if (wrong) {
      status = { error: wrong };
      request.close(constants.NGHTTP2_CANCEL);
    } else if (response["grpc-status"] !== undefined) status = { error: readStatus(response) };
    else flow.encoding = response["grpc-encoding"]?.toString();
  });
  request.on("trailers", (trailers) => {
    if (trailers["grpc-status"] !== undefined) status ??= { error: readStatus(trailers) };
  });
  request.on("end", () => {
    if (status) flow.end(status.error);
  });
  request.on("error", (error) => {
    cause = error;
  });
  request.on("close", () => {
    pool.done(line);
    signal?.removeEventListener("abort", cancel);
    flow.end(status ? status.error : (over ?? lost(request, line, cause)));
    over ??= new MicroError("unavailable", `the stream ${name} is over`);
  });
  const cancel = () => {
    over ??= new MicroError("cancelled", `${name}: cancelled`);
    void closing.close();
  };
  const closing = closable(() => {
    over ??= new MicroError("unavailable", `the stream ${name} is closed`);
    flow.drop();
    if (!request.closed) request.close(constants.NGHTTP2_CANCEL);
  });

  async function* answers(): AsyncGenerator<unknown> {
    try {
      for (;;) {
        const next = await flow.read(decode);
        if (next.done) break;
        yield next.value;
      }
      if (over?.code === "cancelled") throw over;
    } finally {
      over ??= new MicroError("unavailable", `the stream ${name} is over`);
      await closing.close();
    }
  }

  if (signal?.aborted) cancel();
  else signal?.addEventListener("abort", cancel, { once: true });
  return {
    node: call.node,
    send: async (message) => {
      if (over) throw over;
      if (ended) throw new MicroError("unavailable", `the stream ${name} was ended on this side`);
      await flow.write(writeMessage(encode(message), maxMessage));
    },
    end: async () => {
      if (over || ended) return;
      ended = true;
      request.end();
    },
    [Symbol.asyncIterator]: answers,
    ...closing,
  };
}
