import { jsonCodec } from "../codec/json.ts";
import { MicroError } from "../errors.ts";
import { isOpen } from "../transport/http2.ts";
import { Http2Flow } from "../transport/http2-flow.ts";
import { writeMessage } from "../wire/grpc-messages.ts";
import { OK, type Status, statusOfError } from "../wire/grpc-status.ts";
import type { Incoming, Streaming } from "./grpc.ts";
import { refuse, respond, statusOfHandler } from "./grpc-answer.ts";
import type { ServerStream } from "./server.ts";

/** Messages both ways: no opening one, and the end is the end of the HTTP/2 stream (`wire.md §7`). */
export function serveStream(call: Incoming<Streaming>): void {
  const { stream, desk, wire, endpoint, limit, asks, answers, handler } = call;
  const flow = new Http2Flow(stream, limit, call.budget);
  flow.encoding = call.encoding;
  let status: Status = OK;
  let over = false;
  let broken: MicroError | undefined;
  stream.on("end", () => flow.end());
  // The caller is gone, or the server has waited long enough: the input ends.
  call.over.addEventListener("abort", () => flow.end(), { once: true });

  async function* messages(): AsyncGenerator<unknown> {
    for (;;) {
      let message: Uint8Array | undefined;
      try {
        message = await flow.next();
      } catch (error) {
        broken = MicroError.from(error);
        throw error;
      }
      if (message === undefined) return;
      yield asks.decode(message.length === 0 && asks.contentType === jsonCodec.contentType ? EMPTY : message);
    }
  }
  const io: ServerStream = {
    send: (message) => {
      if (over || !isOpen(stream)) {
        return Promise.reject(new MicroError("unavailable", `the caller of ${endpoint} is gone`));
      }
      let bytes: Buffer;
      try {
        bytes = writeMessage(answers.encode(message), limit);
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
  (async () => handler.run(io, call.context))().then(
    () => finish(undefined),
    (thrown) => finish(thrown === broken && broken ? statusOfError(broken) : statusOfHandler(thrown, desk.name)),
  );
}

const EMPTY = Buffer.from("{}");
