import type { ServerHttp2Stream } from "node:http2";
import type { Codec } from "../codec/codec.ts";
import type { Budget } from "../wire/grpc-messages.ts";
import type { Desk, Ending, Handler } from "./door.ts";
import type { CallContext } from "./server.ts";

export type Unary = Extract<Handler, { kind: "unary" }>;
export type Streaming = Extract<Handler, { kind: "stream" }>;

/** A call that is understood: who handles it, and how its messages are written. */
export interface GrpcCall<H extends Handler = Handler> {
  readonly desk: Desk;
  readonly stream: ServerHttp2Stream;
  readonly handler: H;
  readonly endpoint: string;
  /** The content type of the answer. */
  readonly wire: string;
  readonly encoding: string;
  readonly asks: Codec;
  readonly answers: Codec;
  readonly limit: number;
  readonly budget: Budget;
  /** Aborts when the caller gives up or is gone, and when the server has waited long enough. */
  readonly over: Ending;
  readonly context: CallContext & { end(): void };
  /** It is answered. */
  done(failed: boolean): void;
}
