import type { IncomingHttpHeaders, ServerHttp2Session } from "node:http2";
import type { Codec } from "../codec/codec.ts";
import { payloadCodec } from "../codec/payload.ts";
import { MicroError } from "../errors.ts";
import { isOpen, listenHttp2, type OnStream, respondOnly, type ServerTls } from "../transport/http2.ts";
import { endpointOfPath, type GrpcKind, readKind, readTimeout } from "../wire/grpc.ts";
import { type Budget, MAX_MESSAGE } from "../wire/grpc-messages.ts";
import { readMetadata } from "../wire/grpc-metadata.ts";
import { type Status, statusOfError, statusOfText } from "../wire/grpc-status.ts";
import { type Desk, type Door, type Handler, messagesOf } from "./door.ts";
import { refuse } from "./grpc-answer.ts";
import type { GrpcCall, Streaming, Unary } from "./grpc-call.ts";
import { CallEnding } from "./grpc-ending.ts";
import { serveStream } from "./grpc-stream.ts";
import { serveUnary } from "./grpc-unary.ts";

export interface GrpcDoorInit {
  /** @default in the clear, as in Go */
  readonly tls?: ServerTls;
  /** Of one message, both ways. @default 4 MiB */
  readonly maxMessageBytes?: number;
  /** What all calls of a connection may hold of what was sent and not read. @default 64 MiB */
  readonly maxUnreadBytes?: number;
  /** Calls at once on one connection. @default 10000 */
  readonly maxStreams?: number;
}

/** gRPC as go-micro's `server/grpc` speaks it: v2's default (`wire.md §7`). Events do not come in here. */
export function grpcDoor(init: GrpcDoorInit = {}): Door {
  return {
    metadata: { protocol: "grpc", server: "grpc", transport: "grpc" },
    listen: (address, desk) => listenHttp2(address, init, (session, remote) => serve(session, remote, desk, init)),
  };
}

function serve(session: ServerHttp2Session, remote: string, desk: Desk, init: GrpcDoorInit): OnStream {
  const connection = desk.connected();
  const budget: Budget = { left: init.maxUnreadBytes ?? 64 << 20 };
  const limit = init.maxMessageBytes ?? MAX_MESSAGE;
  const calls = new Set<CallEnding>();
  connection.signal.addEventListener(
    "abort",
    () => {
      for (const call of calls) call.abort(connection.signal.reason);
    },
    { once: true },
  );
  session.on("close", () => desk.gone(connection, new MicroError("cancelled", `${remote} is gone`)));

  return (stream, headers) => {
    stream.on("error", ignore);
    if (!isOpen(stream)) return;
    const kind = readKind(headers["content-type"]);
    if (kind === undefined || headers[":method"] !== "POST") {
      // What gRPC asks for where something else comes; its clients read no more than the number.
      respondOnly(stream, { ":status": kind === undefined ? 415 : 405 });
      return;
    }
    desk.begun();
    const found = understand(headers, kind, desk);
    if ("grpc-status" in found) {
      refuse(stream, kind.wire, found);
      desk.over(true);
      return;
    }
    const over = new CallEnding();
    calls.add(over);
    stream.on("close", () => {
      if (calls.delete(over)) over.abort(GONE);
    });
    const { handler } = found;
    // Made now and not when it is needed, so that nothing holds on to the headers.
    const header = headerOf(headers, kind);
    const call: GrpcCall = {
      ...found,
      desk,
      stream,
      wire: kind.wire,
      encoding: headers["grpc-encoding"]?.toString() ?? "identity",
      limit,
      budget,
      over,
      context: desk.context({ header, remote, endless: handler.kind === "stream" }, over),
      done: finish,
    };
    function finish(failed: boolean): void {
      calls.delete(over);
      call.context.end();
      desk.over(failed);
    }
    if (handler.kind === "unary") serveUnary(call as GrpcCall<Unary>);
    else serveStream(call as GrpcCall<Streaming>);
  };
}

const GONE = new MicroError("cancelled", "the caller gave up or is gone");

function ignore(): void {}

interface Understood {
  readonly endpoint: string;
  readonly handler: Handler;
  readonly asks: Codec;
  readonly answers: Codec;
}

function understand(headers: IncomingHttpHeaders, { payload, wire }: GrpcKind, desk: Desk): Understood | Status {
  const path = headers[":path"];
  const endpoint = endpointOfPath(path);
  if (endpoint === undefined) return statusOfText(3, `malformed method name: "${path?.slice(0, 200)}"`);
  const handler = desk.handler(endpoint);
  if (handler === undefined) return statusOfText(12, `unknown service ${endpoint.slice(0, 200)}`);
  // As for today's callers: gRPC came with them.
  const messages = messagesOf(handler, { "micro-endpoint": endpoint });
  const asks = payloadCodec(payload, desk.codecs, messages?.request);
  const answers = payloadCodec(payload, desk.codecs, messages?.response);
  if (asks !== undefined && answers !== undefined) return { endpoint, handler, asks, answers };
  if (payload !== "application/protobuf") return statusOfText(12, `Unsupported Content-Type: ${wire.slice(0, 100)}`);
  return statusOfError(new MicroError("invalid_argument", `${endpoint} does not take ${payload}, only JSON`));
}

/** What the handler sees. Its deadline is the earlier one of go-micro's and gRPC's own. */
function headerOf(headers: IncomingHttpHeaders, { wire }: GrpcKind): Record<string, string> {
  const header = readMetadata(headers);
  header["content-type"] = headers["x-content-type"]?.toString() ?? wire;
  const timeout = readTimeout(headers["grpc-timeout"]?.toString());
  const own = header["timeout"];
  if (timeout !== undefined && !(own !== undefined && Number(own) < timeout)) header["timeout"] = String(timeout);
  return header;
}
