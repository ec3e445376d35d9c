import type { z } from "zod";
import type { MessageCodec } from "../codec/codec.ts";
import type { CallOptions, Closable } from "../lifecycle.ts";
import type { Middleware } from "../middleware.ts";
import type { ServiceNode } from "../registry/registry.ts";
import type { Filter } from "../selector/selector.ts";

/** The contract of one remote procedure, shared by server and callers. */
export interface Endpoint<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  /** `go.micro.srv.greeter`. */
  readonly service: string;
  /** `Say.Hello`: exactly one dot (`wire.md §11` trap 21). */
  readonly name: string;
  /** Both sides check with these, so they must take what they give: defaults are fine, transforms are not. */
  readonly input: I;
  readonly output: O;
  /** Repeating does no harm, so it may be retried after `timeout`. Default false. */
  readonly idempotent?: boolean;
  /** Messages go both ways until one side ends (`Server.handleStream`, `Client.open`). Default false. */
  readonly stream?: boolean;
  /** For callers that speak protobuf; without it the endpoint takes JSON only. `protoEndpoints` makes it from a `.proto` file. */
  readonly messages?: MessageCodecs;
}

/** How the two messages of one endpoint stand in protobuf. */
export interface MessageCodecs {
  readonly request: MessageCodec;
  readonly response: MessageCodec;
}

/** `timeoutMs` (default 5000) covers all attempts together. */
export interface RequestOptions extends CallOptions {
  /** `host:port`; skips the selector. */
  readonly address?: string;
  /** This node and no other; skips the selector, and speaks as the node's metadata says. */
  readonly node?: ServiceNode;
  /** Headers for the handler. Addressing headers are not accepted here (`wire.md §4.5`). */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Extra attempts after the first, for errors that are safe to repeat. Default 1. */
  readonly retries?: number;
  /** Default `application/protobuf` where the messages are known, else `application/json`. */
  readonly contentType?: string;
  /** See `Endpoint.messages`; what `application/protobuf` needs. */
  readonly messages?: MessageCodecs;
  readonly filters?: readonly Filter[];
  /** See `Endpoint.idempotent`. */
  readonly idempotent?: boolean;
  /** The answer is a `RawJson` with the text as it came, key order and digits untouched. */
  readonly raw?: boolean;
  /** Told of each node before it is tried. */
  readonly onNode?: (node: ServiceNode) => void;
}

/** One logical call on its way through the client's layers. */
export interface ClientCall {
  readonly service: string;
  readonly endpoint: string;
  readonly body: unknown;
  readonly options: RequestOptions;
}

/** One attempt, when its node is known. */
export interface ClientAttempt extends ClientCall {
  readonly node: ServiceNode;
  /** 0 for the first. */
  readonly attempt: number;
}

/**
 * Messages both ways on one node. Iterating gives what the service sends, ends when the service ends the stream and throws
 * its error. Leaving the loop or `close()` cancels it.
 */
export interface ClientStream<I = unknown, O = unknown> extends AsyncIterable<O>, Closable {
  readonly node: ServiceNode;
  /** Resolves when handed to the system. @throws MicroError `unavailable` once the stream is over */
  send(message: I): Promise<void>;
  /** Nothing more will be sent; answers may still come (`wire.md §3.2`). */
  end(): Promise<void>;
}

/** Calls services by name. Errors of the other side are `MicroError` with the wire record in `details.record`. */
export interface Client {
  /** Input and output are checked against the endpoint's schemas. */
  call<I extends z.ZodType, O extends z.ZodType>(
    to: Endpoint<I, O>,
    input: z.input<I>,
    options?: RequestOptions,
  ): Promise<z.output<O>>;
  /**
   * For callers that know names only at run time: commands, gateways. A `RawJson` body is sent as it is.
   * @throws MicroError `not_found`, `unavailable`, `timeout`, `cancelled`, or what the handler answered
   */
  request(service: string, endpoint: string, body: unknown, options?: RequestOptions): Promise<unknown>;
  /** As `stream`, with every message checked against the endpoint's schemas. */
  open<I extends z.ZodType, O extends z.ZodType>(
    to: Endpoint<I, O>,
    options?: RequestOptions,
  ): Promise<ClientStream<z.input<I>, z.output<O>>>;
  /**
   * Opens a stream. `timeoutMs` covers opening only: a stream lasts until one side ends it or `signal` aborts. Another node
   * is tried while nothing has reached the first. Layers are not asked.
   * @throws MicroError as `request`
   */
  stream(service: string, endpoint: string, options?: RequestOptions): Promise<ClientStream>;
  /** Adds a layer around every call, outside retries. Before the first call. */
  use(layer: Middleware<ClientCall, unknown>): void;
  /** Closes all connections: who waits for an answer hears that there is none, and streams end. */
  close(): Promise<void>;
}
