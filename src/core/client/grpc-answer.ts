import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { ERROR_CODES, type MicroError } from "../errors.ts";
import { statusOfHttp } from "../wire/grpc-status.ts";
import { failure, NOT_BEGUN } from "./failure.ts";
import type { GrpcLine } from "./grpc-pool.ts";

/** What is wrong with the beginning of an answer: it comes from something that speaks no gRPC. */
export function checkResponse(headers: IncomingHttpHeaders, address: string): MicroError | undefined {
  const status = Number(headers[":status"]);
  const type = headers["content-type"];
  if (status === 200 && (headers["grpc-status"] !== undefined || type?.startsWith("application/grpc")))
    return undefined;
  const code = status === 200 ? "internal" : statusOfHttp(status);
  const detail = `${address} answered HTTP ${status}${type ? ` with ${type.slice(0, 100)}` : ""}, which is no gRPC`;
  return failure(code, "go.micro.client", ERROR_CODES[code].status, detail);
}

/** Why a call ended without an answer. */
export function lost(request: ClientHttp2Stream | undefined, line: GrpcLine, cause: unknown): MicroError {
  const { session, lastStream } = line;
  const rst = request?.rstCode;
  // A stream without a number was never sent, and one beyond the last was never looked at.
  const unread =
    request?.id === undefined ||
    rst === constants.NGHTTP2_REFUSED_STREAM ||
    (lastStream !== undefined && request.id > lastStream);
  if (unread || session.closed || session.destroyed) {
    const detail = (cause as Error | undefined)?.message ?? "EOF";
    return failure("unavailable", "go.micro.client.transport", 500, detail, { cause, [NOT_BEGUN]: unread });
  }
  if (rst === constants.NGHTTP2_ENHANCE_YOUR_CALM) {
    return failure("exhausted", "go.micro.client.transport", 429, "the service asks for fewer calls", { cause });
  }
  const code = rst === constants.NGHTTP2_CANCEL ? "cancelled" : "internal";
  const detail = `the service broke off the call (HTTP/2 code ${rst})`;
  return failure(code, "go.micro.client.transport", ERROR_CODES[code].status, detail, { cause });
}
