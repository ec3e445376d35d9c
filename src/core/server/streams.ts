import { MicroError } from "../errors.ts";
import { createQueue, type Queue } from "../queue.ts";
import type { Connection, Frame } from "../transport/transport.ts";
import { decodeRequest, END_OF_STREAM } from "../wire/rpc.ts";
import { addError, addId, decodeMessage, encodeAnswer, handlerError, type Request, respond } from "./dispatch.ts";
import type { Desk, Handler } from "./door.ts";
import type { ServerStream } from "./server.ts";

/** The streams of one connection; a Go client has one on each, but nothing says it must. */
export interface Streams {
  /** Whether a frame belongs to a stream, and is taken care of. */
  take(frame: Frame): boolean;
  /** Starts the handler. The body of the frame that opens a stream is given to nobody (`wire.md §3.2`). */
  open(request: Request, handler: Extract<Handler, { kind: "stream" }>): void;
  /** The connection is gone: each input ends. */
  close(): void;
}

export function isEnd({ header }: Frame): boolean {
  return (header["micro-error"] || header["x-micro-error"]) === END_OF_STREAM;
}

/** Messages that may wait for a handler before its connection is held back. */
const AHEAD = 64;
/** Where a network cannot be held back, this many may wait before the stream fails. */
const MOST = 4096;
/** Streams whose late frames are still known as theirs. */
const REMEMBERED = 32;

interface Open {
  readonly request: Request;
  readonly input: Queue<Frame>;
}

/** @param over aborts with the connection */
export function createStreams(connection: Connection, desk: Desk, over: AbortSignal): Streams {
  /** By `Micro-Stream`; clients before v1.9 send none, and all they send belongs to their one stream. */
  const open = new Map<string, Open>();
  const past: string[] = [];
  let held = false;

  const hold = (still: boolean) => {
    if (held === still || connection.hold === undefined) return;
    held = still;
    connection.hold(still);
  };

  const run = async (key: string, request: Request, handler: Extract<Handler, { kind: "stream" }>) => {
    const input = createQueue<Frame>(MOST);
    open.set(key, { request, input });
    const { header } = request.frame;
    const context = desk.context({ header, remote: connection.remote, endless: true }, over);
    let failure = "";
    try {
      await handler.run(
        streamOf(request, input, connection, () => input.size < AHEAD / 2 && hold(false)),
        context,
      );
    } catch (thrown) {
      failure = handlerError(thrown, desk.name);
    }
    open.delete(key);
    past.push(key);
    if (past.length > REMEMBERED) past.shift();
    input.end();
    context.end();
    hold(false);
    // Who is gone is told nothing.
    if (!over.aborted) await connection.send(lastFrame(request, failure || END_OF_STREAM)).catch(() => {});
    desk.over(failure !== "");
  };

  return {
    take: (frame) => {
      const key = keyOf(frame);
      const stream = open.get(key) ?? (key === "" && open.size === 1 ? [...open.values()][0] : undefined);
      if (stream === undefined) return key !== "" && past.includes(key);
      if (isEnd(frame)) stream.input.end();
      else if (!stream.input.push(frame)) {
        stream.input.end(new MicroError("exhausted", `the handler of ${stream.request.endpoint} cannot keep up`));
      } else if (stream.input.size >= AHEAD) hold(true);
      return true;
    },
    open: (request, handler) => void run(keyOf(request.frame), request, handler),
    close: () => {
      for (const { input } of open.values()) input.end();
    },
  };
}

function keyOf({ header }: Frame): string {
  return header["micro-stream"] || header["x-micro-stream"] || "";
}

function streamOf(request: Request, input: Queue<Frame>, connection: Connection, onRead: () => void): ServerStream {
  async function* messages(): AsyncGenerator<unknown> {
    for await (const { body } of input) {
      onRead();
      const { payload } = decodeRequest(request.kind.envelope, body);
      yield decodeMessage(request, payload);
    }
  }
  const header = answerHeader(request);
  return {
    send: (message) => {
      let payload: Uint8Array;
      try {
        payload = encodeAnswer(request, message);
      } catch (error) {
        return Promise.reject(error);
      }
      return connection.send({ header, body: respond(request, "", payload).body });
    },
    [Symbol.asyncIterator]: messages,
  };
}

/** Over queues nothing is echoed, so an answer says itself whose it is (`wire.md §4.1`). */
function answerHeader({ frame, contentType, endpoint }: Request): Record<string, string> {
  const header: Record<string, string> = { "content-type": contentType };
  const stream = keyOf(frame);
  const service = frame.header["micro-service"] || frame.header["x-micro-service"];
  if (stream !== "") header["micro-stream"] = stream;
  for (const prefix of ["micro-", "x-micro-"]) {
    if (service) header[`${prefix}service`] = service;
    header[`${prefix}method`] = endpoint;
    header[`${prefix}endpoint`] = endpoint;
  }
  return addId(header, frame);
}

function lastFrame(request: Request, error: string): Frame {
  const { body } = respond(request, error, new Uint8Array(0));
  const header = answerHeader(request);
  if (body.length === 0) delete header["content-type"];
  return { header: addError(header, error), body };
}
