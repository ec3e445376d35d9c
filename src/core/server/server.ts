import type { z } from "zod";
import type { Endpoint } from "../client/client.ts";
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
  ): void;
  /** Adds a layer around every handler. Before `start()`. */
  use(layer: Middleware<ServerCall, unknown>): void;
}
