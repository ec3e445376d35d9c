import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from "node:http2";
import { MicroError } from "../errors.ts";
import { MessageReader } from "../wire/grpc-messages.ts";
import { readStatus } from "../wire/grpc-status.ts";
import { failure } from "./failure.ts";
import { checkResponse, lost } from "./grpc-answer.ts";
import type { GrpcLine, GrpcPool } from "./grpc-pool.ts";
import type { Limit } from "./limit.ts";

/** One message out, one in. Gives the line back. @throws MicroError as `Caller.call` */
export function exchange(
  pool: GrpcPool,
  line: GrpcLine,
  headers: OutgoingHttpHeaders,
  bytes: Buffer,
  limit: Limit,
  maxMessage: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let request: ClientHttp2Stream;
    try {
      request = line.session.request(headers);
    } catch (error) {
      pool.retire(line);
      pool.done(line);
      reject(lost(undefined, line, error));
      return;
    }
    const reader = new MessageReader(maxMessage);
    let message: Uint8Array | undefined;
    let heard = false;
    let settled = false;
    let cause: unknown;

    const settle = (error: MicroError | undefined) => {
      if (settled) return;
      settled = true;
      limit.onOver = undefined;
      if (error) reject(error);
      else if (message) resolve(message);
      else reject(failure("internal", "go.micro.client", 500, "the service answered without a message"));
    };
    const breakOff = (error: MicroError) => {
      settle(error);
      request.close(constants.NGHTTP2_CANCEL);
    };
    const read = () => {
      try {
        for (let next = reader.next(); next; next = reader.next()) {
          if (message) throw new MicroError("internal", "the service answered with more than one message");
          message = next;
        }
      } catch (error) {
        breakOff(MicroError.from(error));
      }
    };

    request.on("response", (response) => {
      heard = true;
      const wrong = checkResponse(response, line.address);
      if (wrong) breakOff(wrong);
      else if (response["grpc-status"] !== undefined) settle(readStatus(response));
      else {
        reader.encoding = response["grpc-encoding"]?.toString() ?? "identity";
        read();
      }
    });
    request.on("data", (chunk: Buffer) => {
      if (settled) return;
      reader.push(chunk);
      if (heard) read();
    });
    request.on("trailers", (trailers) => {
      if (trailers["grpc-status"] !== undefined) settle(readStatus(trailers));
    });
    request.on("error", (error) => {
      cause = error;
    });
    request.on("close", () => {
      pool.done(line);
      if (!settled) settle(lost(request, line, cause));
    });
    limit.onOver = () => {
      // Nothing was heard: there may be nobody at the other end any more, so that the next call takes another line.
      if (!heard && limit.reason?.code === "timeout") pool.retire(line);
      breakOff(limit.reason as MicroError);
    };
    request.end(bytes);
  });
}
