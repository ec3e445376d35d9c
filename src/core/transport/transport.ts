import type { MicroError } from "../errors.ts";
import type { CallOptions, Closable } from "../lifecycle.ts";

/** In an error's details: what was sent last was given to nobody. */
export const UNDELIVERED = "undelivered";

/** One message: headers, names in lower case, and a body that the transport does not read. */
export interface Frame {
  readonly header: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/**
 * Two-way and ordered, with one reader; the numbers of messages in the two directions need not match, so streams fit.
 * Iterating ends when the other side closed, throws `unavailable` when the link broke.
 */
export interface Connection extends AsyncIterable<Frame>, Closable {
  /** `host:port` of the other side. */
  readonly remote: string;
  /**
   * Resolves when handed to the system, not when received.
   * @throws MicroError `unavailable`, or `invalid_argument` for what this network does not carry: it goes on with others
   */
  send(frame: Frame, options?: CallOptions): Promise<void>;
  /**
   * Instead of iterating, and before anything was read: `onFrame` is called for each frame as it arrives, `onEnd` once, with
   * the error when the link broke. For the hot path: no promise per frame.
   */
  receive(onFrame: (frame: Frame) => void, onEnd: (error: MicroError | undefined) => void): void;
  /** For `receive`: who reads cannot keep up, or can again. Missing where a network cannot be held back. */
  hold?(still: boolean): void;
}

/** Carries frames between processes: over a connection of its own (http, memory) or through queues (nats, rabbitmq). */
export interface Transport {
  /** `http`, `memory`: what nodes carry as `transport` in their metadata. */
  readonly kind: string;
  /** Default 5000 ms. @throws MicroError `unavailable`, `timeout`, `cancelled` */
  dial(address: string, options?: CallOptions): Promise<Connection>;
  /**
   * The handler owns the connection; what it throws closes that one only. `address` is the bound one (port 0 asked, real
   * port told).
   */
  listen(
    address: string,
    handler: (connection: Connection) => Promise<void>,
  ): Promise<Closable & { readonly address: string }>;
}
