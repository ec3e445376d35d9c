import type { z } from "zod";
import type { BrokerEvent } from "../broker/broker.ts";
import type { Endpoint, MessageCodecs } from "../client/client.ts";
import type { Startable } from "../lifecycle.ts";
import type { Middleware } from "../middleware.ts";
import type { EndpointRecord, ServiceRecord } from "../registry/registry.ts";

/** What a handler knows of its call. */
export interface CallContext {
  /** Metadata of the caller, names in lower case. */
  readonly header: Readonly<Record<string, string>>;
  readonly remote: string;
  /** Aborts at the caller's deadline, when its connection goes, and when the server stops. */
  readonly signal: AbortSignal;
  /** Epoch ms; `undefined`: the caller set none. */
  readonly deadlineAt: number | undefined;
}

/** Messages both ways, as a handler sees them. Iterating gives what the caller sends and ends when it ends or is gone. */
export interface ServerStream<I = unknown, O = unknown> extends AsyncIterable<I> {
  /** Resolves when there is room for another. @throws MicroError `unavailable` when the caller is gone */
  send(message: O): Promise<void>;
}

/** One incoming call on its way through the server's layers. */
export interface ServerCall {
  readonly endpoint: string;
  readonly input: unknown;
  readonly context: CallContext;
}

/** Answers calls, is registered while it runs, serves `Debug.Health` and `Debug.Stats` unasked. */
export interface Server extends Startable {
  /** `host:port` once started. */
  readonly address: string;
  /** What it registers, once started. */
  readonly record: ServiceRecord;
  /** Before `start()`. @throws MicroError `conflict` for a second handler of one name */
  handle<I extends z.ZodType, O extends z.ZodType>(
    to: Endpoint<I, O>,
    handler: (input: z.output<I>, context: CallContext) => Promise<z.input<O>> | z.input<O>,
  ): void;
  /** A handler that is known by name only and not listed among the endpoints unless `described`. */
  handleRaw(
    endpoint: string,
    handler: (input: unknown, context: CallContext) => Promise<unknown>,
    described?: EndpointRecord,
    messages?: MessageCodecs,
  ): void;
  /** The stream ends when the handler is done: well, or with the error that it throws. */
  handleStream<I extends z.ZodType, O extends z.ZodType>(
    to: Endpoint<I, O>,
    handler: (stream: ServerStream<z.output<I>, z.input<O>>, context: CallContext) => Promise<void>,
  ): void;
  /** As `handleRaw`. */
  handleRawStream(
    endpoint: string,
    handler: (stream: ServerStream, context: CallContext) => Promise<void>,
    described?: EndpointRecord,
    messages?: MessageCodecs,
  ): void;
  /**
   * Handles the events of a topic while the server runs; listed among the endpoints (`wire.md §1.5`). Needs a broker.
   * Before `start()`. @throws MicroError `conflict` for a second one with the same topic and queue
   */
  subscribe(
    topic: string,
    handler: (event: BrokerEvent) => void | Promise<void>,
    options?: { readonly queue?: string; readonly name?: string },
  ): void;
  /** Adds a layer around every handler. Before `start()`. */
  use(layer: Middleware<ServerCall, unknown>): void;
}
