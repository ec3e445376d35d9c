import { MicroError } from "../errors.ts";
import { closable } from "../lifecycle.ts";
import type { Connection, Frame, Transport } from "../transport/transport.ts";
import { errorRecord, errorText } from "../wire/error.ts";
import { MULTIPLEX } from "../wire/rpc.ts";
import { type Answered, addError, addId, answer, endpointOf, type Request, understand } from "./dispatch.ts";
import type { Desk, Door } from "./door.ts";
import { createStreams, isEnd, type Streams } from "./streams.ts";

/**
 * go-micro's own RPC over messages: unary calls, streams and events of every era come in at one door and are told apart one
 * by one (`wire.md §12.2`).
 */
export function mucpDoor(transport: Transport): Door {
  return {
    metadata: { protocol: "mucp", server: "mucp", transport: transport.kind, ...MULTIPLEX },
    listen: async (address, desk) => {
      const listener = await transport.listen(address, (connection) => serve(connection, desk));
      return { address: listener.address, ...closable(() => listener.close()) };
    },
  };
}

/** Answers what comes on one connection, until it ends. */
function serve(connection: Connection, desk: Desk): Promise<void> {
  const over = desk.connected();
  let streams: Streams | undefined;

  const send = async (answered: Promise<Answered> | Answered): Promise<void> => {
    let failed = true;
    try {
      const ready = await answered;
      failed = ready.failed;
      await connection.send(ready.frame).catch((error) => connection.send(refused(ready, error)));
      if (ready.close) await connection.close();
    } catch (error) {
      desk.log.debug({ reason: (error as Error).message }, "an answer could not be sent");
    } finally {
      desk.over(failed);
    }
  };

  const unary = async (request: Request): Promise<Answered> => {
    const { handler, frame } = request;
    if (handler.kind !== "unary") throw new MicroError("internal", `${request.endpoint} is a stream`);
    const context = desk.context({ header: frame.header, remote: connection.remote }, over.signal);
    try {
      return await answer(request, handler, context, desk);
    } finally {
      context.end();
    }
  };

  const take = (frame: Frame): void => {
    if (streams?.take(frame)) return;
    desk.begun();
    const topic = topicOf(frame, desk);
    if (topic !== undefined) return void send(deliver(topic, frame, desk));
    const request = understand(frame, desk);
    if (!("handler" in request)) return void send(request);
    if (request.handler.kind === "unary") return void send(unary(request));
    // The late end of a stream that is over already (`wire.md §3.2`).
    if (isEnd(frame)) {
      desk.over(false);
      return;
    }
    streams ??= createStreams(connection, desk, over.signal);
    streams.open(request, request.handler);
  };

  return new Promise((resolve) => {
    connection.receive(take, () => {
      streams?.close();
      desk.gone(over, new MicroError("cancelled", `${connection.remote} is gone`));
      resolve();
    });
  });
}

/**
 * What is said instead of an answer that this network does not carry: NATS has a limit of its own for messages.
 * @throws the same error where the connection is gone
 */
function refused({ frame }: Answered, thrown: unknown): Frame {
  const error = MicroError.from(thrown);
  if (error.code !== "invalid_argument") throw error;
  const record = errorRecord("go.micro.server", 500, `the answer cannot be sent: ${error.message}`);
  return { header: addError(addId({}, frame), errorText(record)), body: NOTHING };
}

/**
 * The topic of an event; what names an endpoint that is here is a call, into whose headers a topic has leaked (`wire.md §8.5`).
 */
function topicOf({ header }: Frame, desk: Desk): string | undefined {
  const topic = header["micro-topic"] || header["x-micro-topic"];
  if (!topic || header["micro-protocol"]) return undefined;
  const endpoint = endpointOf(header);
  return endpoint !== "" && desk.handler(endpoint) ? undefined : topic;
}

/** A topic that nobody here subscribes to is no error. */
async function deliver(topic: string, frame: Frame, desk: Desk): Promise<Answered> {
  let error = "";
  try {
    await desk.event(topic, frame);
  } catch (thrown) {
    error = (thrown as Error).message || "the subscriber failed";
  }
  return { frame: { header: addError(addId({}, frame), error), body: NOTHING }, failed: error !== "", close: false };
}

const NOTHING = new Uint8Array(0);
