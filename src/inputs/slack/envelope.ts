import { type SubmissionPayload, submitted } from "./form.ts";
import { homeOpened } from "./home.ts";
import { type EventPayload, type Self, type Spoken, spoken } from "./message.ts";
import { type PressPayload, pressed } from "./press.ts";
import { type SlashPayload, slash } from "./slash.ts";

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

/**
 * What somebody says to us in an envelope; `undefined`: nothing, and it can be acknowledged at once.
 *
 * @param now epoch ms, for what Slack does not date: slash commands and forms, which it sends once and at once
 */
export function heard({ type, body }: Envelope, self: Self, now: number): Spoken | undefined {
  switch (type) {
    case "events_api":
      return body.event?.type === "app_home_opened" ? homeOpened(body, self) : spoken(body, self);
    case "slash_commands":
      return slash(body as SlashPayload, self, now);
    case "interactive":
      return interacted(body as Interaction, self, now);
    default:
      return undefined;
  }
}

type Interaction = PressPayload & SubmissionPayload;

function interacted(payload: Interaction, self: Self, now: number): Spoken | undefined {
  if (payload.type === "block_actions") return pressed(payload, self);
  return payload.type === "view_submission" ? submitted(payload, self, now) : undefined;
}
