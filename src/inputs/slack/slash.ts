import { placeOf, type Self, type Spoken, withoutMention } from "./message.ts";

/** What we read of a slash command (docs.slack.dev, "Implementing slash commands"). */
export interface SlashPayload {
  readonly team_id?: string;
  readonly channel_id?: string;
  readonly user_id?: string;
  readonly text?: string;
  readonly trigger_id?: string;
  readonly response_url?: string;
}

/** A `<` that begins none of Slack's tokens was typed, and not encoded because the app's settings do not ask for it. */
const TYPED = /<(?!@|#|!|https?:|mailto:|tel:)/gi;

/**
 * A slash command as a message: `/micro list services` is `list services`, whatever the command is called. Its name gives
 * no right; who typed it is team and user like anybody who speaks.
 *
 * @param now epoch ms: Slack does not say when it was typed, and never sends one twice
 */
export function slash(payload: SlashPayload, self: Self, now: number): Spoken | undefined {
  const { channel_id: channel, user_id: user, trigger_id: trigger, response_url: response } = payload;
  if (!channel || !user || !trigger || user === self.user) return undefined;
  const markup = typeof payload.text === "string" ? payload.text : "";
  return {
    id: `${self.team}/slash/${trigger}`,
    team: payload.team_id ?? self.team,
    user,
    place: placeOf({ team: self.team, channel, user, trigger, response }),
    text: withoutMention(markup.replace(TYPED, "&lt;"), self.user).text,
    addressed: true,
    sentAt: now,
    takesForm: true,
  };
}
