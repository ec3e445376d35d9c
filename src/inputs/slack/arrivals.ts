import type { MicroError } from "../../core/errors.ts";
import type { Closable } from "../../core/lifecycle.ts";
import type { Envelope } from "./envelope.ts";

/** An envelope that came in, one way or the other. */
export interface Arrived extends Envelope {
  /**
   * Called when the bot is given what it says. `false`: too late, whoever waits for it has been told that it failed, so it
   * must not happen any more.
   */
  begin(): boolean;
  /** Which copy of an event it is: 0 is the first, and Slack sends up to three more, the next one at once (`chat.md §3`). */
  readonly attempt: number;
}

/** A way for envelopes to come in: a socket that we open, or requests that Slack sends. */
export interface Arrivals extends Closable {
  /** What went wrong for good, or nothing after `close()`. Never rejects. */
  readonly over: Promise<MicroError | undefined>;
}

/** Opens a way in. @throws MicroError `unauthenticated`, `unavailable`, `timeout`, `cancelled` */
export type OpenArrivals = (
  onEnvelope: (envelope: Arrived) => void,
  options: { readonly signal: AbortSignal },
) => Promise<Arrivals>;
