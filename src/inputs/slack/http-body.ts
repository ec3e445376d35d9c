import type { IncomingMessage as HttpRequest } from "node:http";
import type { EventPayload } from "./message.ts";

/** What a request of Slack's says, in Socket Mode's words. */
export type Told =
  | { readonly kind: "envelope"; readonly type: string; readonly body: EventPayload }
  /** Slack asks whether this address is ours; it is answered with the challenge. */
  | { readonly kind: "verification"; readonly challenge: string }
  /** Slack looks whether anybody is here (`ssl_check`). */
  | { readonly kind: "check" };

/** The bytes as they came, or `undefined` when there are more than `max`. */
export async function readBody(request: HttpRequest, max: number): Promise<Buffer | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > max) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving early must not destroy the socket, or the refusal could not be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > max) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * One address serves all three: events come as JSON, what was pressed as a form with a `payload`, a slash command as a form
 * (docs.slack.dev, "Events API", "Handling user interaction", "Slash commands"). `undefined`: none of them.
 */
export function readTold(contentType: string | undefined, body: string): Told | undefined {
  const kind = (contentType ?? "").split(";")[0]?.trim().toLowerCase();
  if (kind === "application/json") return readEvent(object(body));
  if (kind !== "application/x-www-form-urlencoded") return undefined;
  const form = new URLSearchParams(body);
  const payload = form.get("payload");
  if (payload !== null) return envelope("interactive", object(payload));
  if (form.has("command")) return envelope("slash_commands", Object.fromEntries(form));
  return form.has("ssl_check") ? { kind: "check" } : undefined;
}

function readEvent(body: Record<string, unknown> | undefined): Told | undefined {
  if (body?.["type"] !== "url_verification") return envelope("events_api", body);
  const { challenge } = body;
  return typeof challenge === "string" ? { kind: "verification", challenge } : undefined;
}

function envelope(type: string, body: object | undefined): Told | undefined {
  return body && { kind: "envelope", type, body };
}

function object(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
