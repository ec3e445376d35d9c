import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import { MicroError } from "../errors.ts";
import { endpointOfPath, readKind } from "../wire/grpc.ts";
import { type Budget, MAX_MESSAGE } from "../wire/grpc-messages.ts";
import { readStatus } from "../wire/grpc-status.ts";
import { type GrpcConnection, grpcConnection } from "./grpc-connection.ts";
import {
  type ClientTls,
  connectHttp2,
  isOpen,
  listenHttp2,
  respondOnly,
  type ServerTls,
  sendTrailers,
} from "./http2.ts";
import type { Connection, Transport } from "./transport.ts";

export interface GrpcTransportInit {
  /**
   * How old the services are that are dialled: the method's name changed with v2.5. Who answers that there is no such method
   * is asked by the other name. @default "v2.5"
   */
  readonly era?: "v1" | "v2.5";
  /** For addresses that are spoken to with TLS. */
  readonly clientTls?: ClientTls;
  /** @default in the clear, as in Go */
  readonly serverTls?: ServerTls;
  /** Of one frame, both ways. @default 4 MiB, as in Go */
  readonly maxMessageBytes?: number;
  /** Connections of one peer. @default 10000 */
  readonly maxStreams?: number;
}

const PATHS = {
  "v2.5": "/go.micro.transport.grpc.Transport/Stream",
  v1: "/go.micro.grpc.transport.Transport/Stream",
} as const;

/**
 * go-micro's `grpc` transport: frames of its own RPC on one gRPC stream, which is not the gRPC profile of `grpcDoor`
 * (`wire.md §3.5`). Both names of its method are served.
 */
export function grpcTransport(init: GrpcTransportInit = {}): Transport {
  const limit = init.maxMessageBytes ?? MAX_MESSAGE;
  /** The name that an address has answered to. */
  const known = new Map<string, string>();

  return {
    kind: "grpc",
    dial: async (address, options) => {
      const session = await connectHttp2(address, options, init.clientTls);
      const first = known.get(address) ?? PATHS[init.era ?? "v2.5"];
      return dialled(session, address, limit, first, (path) => {
        if (known.size >= MAX_KNOWN) known.clear();
        known.set(address, path);
      });
    },
    listen: (address, handler) =>
      listenHttp2(address, { tls: init.serverTls, maxStreams: init.maxStreams }, (_session, remote) => {
        const budget: Budget = { left: 64 << 20 };
        return (stream, headers) => {
          stream.on("error", () => {});
          if (!isOpen(stream)) return;
          const wire = readKind(headers["content-type"])?.wire;
          if (wire === undefined) {
            respondOnly(stream, { ":status": 415 });
            return;
          }
          if (endpointOfPath(headers[":path"]) !== "Transport.Stream") {
            const status = { "grpc-status": "12", "grpc-message": "unknown service: only the transport is here" };
            respondOnly(stream, { "content-type": wire, ...status });
            return;
          }
          // At once, so that the other side knows that the name was right.
          stream.respond({ "content-type": wire }, { waitForTrailers: true });
          stream.on("wantTrailers", () => sendTrailers(stream, { "grpc-status": "0" }));
          const connection = grpcConnection({
            remote,
            limit,
            budget,
            stream,
            encoding: headers["grpc-encoding"]?.toString(),
            leave: () => void stream.end(),
          });
          stream.on("end", () => connection.over(undefined));
          stream.on("close", () => connection.over(stream.rstCode === 0 ? undefined : broken(remote, stream.rstCode)));
          handler(connection).catch(() => connection.close());
        };
      }),
  };
}

const MAX_KNOWN = 1000;

function broken(remote: string, code: number | undefined): MicroError {
  return new MicroError("unavailable", `${remote}: the stream was reset (HTTP/2 code ${code})`);
}

/**
 * A connection on a session of its own, as in Go. A server that does not know the method says so at once, but one that does
 * says nothing before its first answer; so what is sent until then is kept, to be sent again by the other name.
 */
function dialled(
  session: ClientHttp2Session,
  address: string,
  limit: number,
  first: string,
  onKnown: (path: string) => void,
): Connection {
  let path = first;
  let unanswered: Buffer[] | undefined = [];
  let unansweredBytes = 0;
  let ended = false;

  const open = (): ClientHttp2Stream => {
    const stream = session.request(
      {
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        "user-agent": "grpc-micro-bot",
        "grpc-accept-encoding": "identity,gzip",
      },
      { endStream: false },
    );
    let failure: MicroError | undefined;
    let finished = false;
    const status = (headers: Readonly<Record<string, unknown>>) => {
      if (headers["grpc-status"] === undefined) return;
      finished = true;
      failure = readStatus(headers);
    };
    stream.on("response", (headers) => {
      status(headers);
      if (failure?.code === "unimplemented" && path === first && unanswered) {
        path = path === PATHS.v1 ? PATHS["v2.5"] : PATHS.v1;
        const again = unanswered;
        const next = open();
        connection.moved(next);
        for (const bytes of again) next.write(bytes);
        if (ended) next.end();
        return;
      }
      if (!finished) onKnown(path);
      unanswered = undefined;
      connection.encoding(headers["grpc-encoding"]?.toString());
    });
    stream.on("trailers", status);
    stream.on("error", (error) => {
      failure ??= new MicroError("unavailable", `${address}: ${error.message}`, { cause: error });
    });
    // Whoever it was that closed it: what came before is read first.
    const over = () => {
      if (connection.stream !== stream) return;
      const lost = finished ? failure : (failure ?? (leaving ? undefined : broken(address, stream.rstCode)));
      connection.over(lost && new MicroError("unavailable", lost.message, { cause: lost }));
      session.close();
    };
    stream.on("end", () => {
      if (finished) over();
    });
    stream.on("close", over);
    return stream;
  };

  let leaving = false;
  const connection: GrpcConnection = grpcConnection({
    remote: address,
    limit,
    stream: open(),
    onSend: (bytes) => {
      if (unanswered === undefined) return;
      unansweredBytes += bytes.length;
      if (unansweredBytes > MAX_UNANSWERED) unanswered = undefined;
      else unanswered.push(bytes);
    },
    leave: async () => {
      leaving = true;
      ended = true;
      connection.stream.end();
      if (session.destroyed) return;
      const gone = new Promise<void>((resolve) => session.once("close", resolve));
      const impatient = setTimeout(() => session.destroy(), PATIENCE_MS);
      connection.stream.once("finish", () => connection.stream.close(constants.NGHTTP2_NO_ERROR));
      session.close();
      await gone;
      clearTimeout(impatient);
    },
  });
  session.on("close", () => connection.over(leaving ? undefined : broken(address, undefined)));
  return connection;
}

const MAX_UNANSWERED = 1 << 20;
const PATIENCE_MS = 200;
