import { deadline, orAbort } from "../../core/deadline.ts";
import { MicroError } from "../../core/errors.ts";
import { type CallOptions, type Closable, closable } from "../../core/lifecycle.ts";
import type { Envelope } from "./envelope.ts";
import { linkError } from "./errors.ts";
import type { Web } from "./web.ts";

/** Why a link is over: Slack's reason for asking us to go, or `lost`. */
export type Reason = "warning" | "refresh_requested" | "link_disabled" | "lost";

/** One Socket Mode link. */
export interface Socket extends Closable {
  /** Never rejects. */
  readonly over: Promise<Reason>;
}

/** An envelope as Bolt's client gives it. */
export interface SocketEnvelope extends Envelope {
  /** Which copy of an event it is; Slack's `retry_attempt`. */
  readonly retry_num?: number;
}

export interface SocketInit {
  readonly appToken: string;
  /** No pong for this long: the link is dead. Default 5000 ms. */
  readonly clientPingTimeoutMs?: number | undefined;
}

/** How long the other side may take to say good-bye before the socket is destroyed. */
const GOODBYE_MS = 500;

/**
 * Opens a link with Bolt's Socket Mode receiver and waits for Slack's hello. Default 10000 ms. Bolt's own reconnecting is
 * off: it hides that a link is down and waits in steps of its own; the bot does it better.
 *
 * Envelopes are taken from the receiver and not from a Bolt `App`, because an App acknowledges an event before anybody
 * has seen it.
 *
 * @throws MicroError `unauthenticated`, `unavailable`, `timeout`, `cancelled`
 */
export async function openSocket(
  web: Web,
  init: SocketInit,
  onEnvelope: (envelope: SocketEnvelope) => void,
  options: CallOptions = {},
): Promise<Socket> {
  const { SocketModeReceiver } = await import("@slack/bolt");
  using limit = deadline(options, 10_000, "slack: opening a socket");
  const { client } = new SocketModeReceiver({
    appToken: init.appToken,
    autoReconnectEnabled: false,
    ...(init.clientPingTimeoutMs !== undefined && { clientPingTimeout: init.clientPingTimeoutMs }),
    installerOptions: { clientOptions: web.clientOptions(limit.signal) },
    logger: web.logger,
  });

  const over = new Promise<Reason>((resolve) => {
    // The client tells `disconnected` without a reason, and only when the old socket is gone altogether.
    client.on("ws_message", (data: unknown) => {
      const reason = disconnectReason(data);
      if (reason !== undefined) resolve(reason);
    });
    client.on("disconnected", () => resolve("lost"));
  });
  // The last gate before a socket: who gave up while the address was asked for gets none.
  client.on("authenticated", () => limit.check());
  client.on("slack_event", onEnvelope);

  const link: Socket = {
    over,
    ...closable(async () => {
      client.off("slack_event");
      // Asked a second time, the client destroys the socket instead of waiting for a good-bye.
      const impatient = setTimeout(() => void client.disconnect(), GOODBYE_MS);
      await client.disconnect();
      clearTimeout(impatient);
    }),
  };

  try {
    const refused = over.then((reason) => Promise.reject(lost(reason)));
    const started = client.start().catch((error) => Promise.reject(error ?? lost("lost")));
    await orAbort(Promise.race([started, refused]), limit.signal);
    return link;
  } catch (error) {
    await link.close();
    const explained = web.explain(error, "apps.connections.open", "app-level");
    throw explained.code === "timeout" ? explained : linkError(explained);
  }
}

/** What is left to say when a link is over. */
export function lost(reason: Reason): MicroError {
  const what =
    reason === "link_disabled"
      ? "slack switched Socket Mode off for this app: switch it on under Socket Mode at api.slack.com/apps"
      : "slack: the socket was lost";
  return new MicroError("unavailable", what, { details: { reason } });
}

function disconnectReason(data: unknown): Reason | undefined {
  if (typeof data !== "string" || !data.includes('"disconnect"')) return undefined;
  try {
    const frame = JSON.parse(data) as { readonly type?: string; readonly reason?: string };
    if (frame.type !== "disconnect") return undefined;
    return REASONS.find((reason) => reason === frame.reason) ?? "lost";
  } catch {
    return undefined; // not a frame of Slack's; the client ignores it as well
  }
}

const REASONS: readonly Reason[] = ["warning", "refresh_requested", "link_disabled"];
