import type { MessageCodecs } from "../client/client.ts";
import type { Codec } from "../codec/codec.ts";
import type { Closable } from "../lifecycle.ts";
import type { Log } from "../log.ts";
import type { CallContext, ServerStream } from "./server.ts";

/** How calls come in: as messages over a transport, or as gRPC. */
export interface Door {
  /** What a node says about how to call it (`wire.md §1.3`). */
  readonly metadata: Readonly<Record<string, string>>;
  /** The address is the bound one. @throws MicroError `unavailable` */
  listen(address: string, desk: Desk): Promise<Closable & { readonly address: string }>;
}

/** What stands behind an endpoint's name. A unary one may answer at once, because a promise costs more than a short answer. */
export type Handler = {
  /** For protobuf, by the caller's headers where eras differ; missing: JSON and bytes only. */
  readonly messages?: MessageCodecs | ((header: Readonly<Record<string, string>>) => MessageCodecs) | undefined;
} & (
  | { readonly kind: "unary"; run(input: unknown, context: CallContext): unknown }
  | { readonly kind: "stream"; run(stream: ServerStream, context: CallContext): Promise<void> }
);

/** What a call's context is made of. */
export interface Incoming {
  readonly header: Readonly<Record<string, string>>;
  readonly remote: string;
  /** When it must be answered, by its header `timeout`, is nobody's business: a stream (`wire.md §3.2`). */
  readonly endless?: boolean;
}

/** What a call listens to: an `AbortSignal`, or less, because one for each idle stream would take more than the stream. */
export interface Ending {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** The server behind a door. */
export interface Desk {
  /** The service's name: the id of its error records. */
  readonly name: string;
  readonly log: Log;
  /** By content type, for payloads that need no description: JSON, bytes. */
  readonly codecs: ReadonlyMap<string, Codec>;
  handler(endpoint: string): Handler | undefined;
  /** Whether any endpoint begins with `Say.`: the two errors differ (`wire.md §4.2`). */
  knows(receiver: string): boolean;
  /** An event that came as a message (`wire.md §8.5`). `false`: nobody here subscribes to its topic. */
  event(
    topic: string,
    message: { readonly header: Readonly<Record<string, string>>; readonly body: Uint8Array },
  ): Promise<boolean>;
  /** A connection begins: aborted by the door when it is gone, by the desk when the server has waited long enough. */
  connected(): AbortController;
  gone(connection: AbortController, reason: Error): void;
  /** The context of one call on a connection; `end()` when its handler is done. */
  context(call: Incoming, connection: Ending): CallContext & { end(): void };
  /** A call begins; the server waits for it when it stops. */
  begun(): void;
  /** It is over and its answer sent. */
  over(failed: boolean): void;
}

/** How the messages of an endpoint stand in protobuf for this caller. */
export function messagesOf(
  { messages }: Pick<Handler, "messages">,
  header: Readonly<Record<string, string>>,
): MessageCodecs | undefined {
  return typeof messages === "function" ? messages(header) : messages;
}
