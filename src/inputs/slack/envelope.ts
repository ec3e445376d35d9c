import { type EventPayload, type Self, type Spoken, spoken } from "./message.ts";

/** What Slack sends, however it comes: over a socket or as a signed request (`chat.md §3`). */
export interface Envelope {
  /** `events_api`, `slash_commands`, `interactive`: Socket Mode's words, also for what comes over HTTP. */
  readonly type: string;
  readonly body: EventPayload;
  /**
   * Tells Slack "taken", with an answer where it takes one (`response_action` of a form, words for who typed a slash
   * command). The first call counts. Rejects when the way is gone; Slack then sends an event again, and nothing else.
   */
  ack(answer?: object): Promise<void>;
}

/** What somebody says to us in an envelope; `undefined`: nothing, and it can be acknowledged at once. */
export function heard(envelope: Envelope, self: Self): Spoken | undefined {
  return envelope.type === "events_api" ? spoken(envelope.body, self) : undefined;
}
