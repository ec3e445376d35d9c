import { jsonCodec } from "../codec/json.ts";
import { MicroError } from "../errors.ts";
import { isOpen } from "../transport/http2.ts";
import { MessageReader, writeMessage } from "../wire/grpc-messages.ts";
import { type Status, statusOfError, statusOfText } from "../wire/grpc-status.ts";
import { encodeAnswer, isPromise } from "./dispatch.ts";
import { allWell, refuse, respond, statusOfHandler } from "./grpc-answer.ts";
import type { GrpcCall, Unary } from "./grpc-call.ts";

/** One message in, one out. */
export function serveUnary(call: GrpcCall<Unary>): void {
  const { stream, desk, wire, limit, asks, handler } = call;
  const reader = new MessageReader(limit, call.budget);
  reader.encoding = call.encoding;
  let begun = false;

  const fail = (status: Status) => {
    begun = true;
    reader.clear();
    refuse(stream, wire, status);
    call.done(true);
  };
  const answer = (value: unknown) => {
    const bytes = writeMessage(encodeAnswer(call, value ?? {}), limit);
    if (isOpen(stream)) {
      respond(stream, wire, allWell);
      stream.end(bytes);
    }
    call.done(false);
  };
  const run = (message: Uint8Array) => {
    let input: unknown;
    try {
      input = asks.decode(message.length === 0 && asks.contentType === jsonCodec.contentType ? EMPTY : message);
    } catch (thrown) {
      // Go's servers say the same, and its clients of v1, which may send the wrong bytes once, ask again (`wire.md §7`).
      fail(statusOfText(13, MicroError.from(thrown).message));
      return;
    }
    const failed = (thrown: unknown) => fail(statusOfHandler(thrown, desk.name));
    const done = (value: unknown) => {
      try {
        answer(value);
      } catch (thrown) {
        failed(thrown);
      }
    };
    try {
      const answered = handler.run(input, call.context);
      if (isPromise(answered)) answered.then(done, failed);
      else done(answered);
    } catch (thrown) {
      failed(thrown);
    }
  };

  stream.on("data", (chunk: Buffer) => {
    // What comes after the one message is nobody's.
    if (begun) return;
    try {
      reader.push(chunk);
      const message = reader.next();
      if (message === undefined) return;
      begun = true;
      reader.clear();
      run(message);
    } catch (thrown) {
      fail(statusOfError(MicroError.from(thrown)));
    }
  });
  stream.on("end", () => {
    if (!begun) fail(statusOfText(13, "the call ended before its message was complete"));
  });
  stream.on("close", () => {
    reader.clear();
    if (begun) return;
    begun = true;
    call.done(true);
  });
}

const EMPTY = Buffer.from("{}");
