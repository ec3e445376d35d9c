import { jsonCodec } from "../codec/json.ts";
import { MicroError } from "../errors.ts";
import { isOpen } from "../transport/http2.ts";
import { Http2Flow } from "../transport/http2-flow.ts";
import { writeMessage } from "../wire/grpc-messages.ts";
import { OK, type Status, statusOfError } from "../wire/grpc-status.ts";
import { encodeAnswer } from "./dispatch.ts";
import { refuse, respond, statusOfHandler } from "./grpc-answer.ts";
import type { GrpcCall, Streaming } from "./grpc-call.ts";
import type { ServerStream } from "./server.ts";

/** Messages both ways: no opening one, and the end is the end of the HTTP/2 stream (`wire.md §7`). */
export function serveStream(call: GrpcCall<Streaming>): void {
  const { stream, desk, wire, endpoint, limit, asks, handler } = call;
  const flow = new Http2Flow(stream, limit, call.budget);
  flow.encoding = call.encoding;
  let status: Status = OK;
  let over = false;
  stream.on("end", () => flow.end());
  // The caller is gone, or the server has waited long enough: the input ends.
  call.over.addEventListener("abort", () => flow.end(), { once: true });

  const decode = (message: Uint8Array): unknown =>
    asks.decode(message.length === 0 && asks.contentType === jsonCodec.contentType ? EMPTY : message);
  const messages = (): AsyncIterator<unknown, undefined> => ({
    next: () => flow.read(decode),
    // Who leaves the loop reads no more of it.
    return: () => {
      flow.drop();
      return Promise.resolve({ done: true, value: undefined });
    },
  });
  const io: ServerStream = {
    send: (message) => {
      if (over || !isOpen(stream)) {
        return Promise.reject(new MicroError("unavailable", `the caller of ${endpoint} is gone`));
      }
      let bytes: Buffer;
      try {
        bytes = writeMessage(encodeAnswer(call, message), limit);
      } catch (error) {
        return Promise.reject(error);
      }
      if (!stream.headersSent) respond(stream, wire, () => status);
      return flow.write(bytes);
    },
    [Symbol.asyncIterator]: messages,
  };
  const finish = (failure: Status | undefined) => {
    over = true;
    flow.drop();
    if (failure) status = failure;
    if (!stream.headersSent) refuse(stream, wire, status);
    else if (!stream.destroyed) stream.end();
    call.done(failure !== undefined);
  };
  const failed = (thrown: unknown) => {
    // What is wrong with the messages themselves is no word of the handler's.
    const broken = thrown instanceof MicroError && thrown === flow.failure;
    finish(broken ? statusOfError(thrown) : statusOfHandler(thrown, desk.name));
  };
  try {
    handler.run(io, call.context).then(() => finish(undefined), failed);
  } catch (thrown) {
    failed(thrown);
  }
}

const EMPTY = Buffer.from("{}");
