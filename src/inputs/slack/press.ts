import type { Place } from "../input.ts";
import { CHOICE, unpacked } from "./blocks.ts";
import { homeOf } from "./home.ts";
import { placeOf, type Self, type Spoken } from "./message.ts";

/** What we read of a `block_actions` payload (docs.slack.dev, "block_actions payload"). */
export interface PressPayload {
  readonly type?: string;
  readonly team?: { readonly id?: string } | null;
  readonly user?: { readonly id?: string; readonly team_id?: string };
  readonly channel?: { readonly id?: string };
  readonly container?: {
    readonly type?: string;
    readonly channel_id?: string;
    readonly message_ts?: string;
    readonly thread_ts?: string;
    readonly is_ephemeral?: boolean;
  };
  readonly message?: { readonly thread_ts?: string };
  readonly view?: { readonly id?: string; readonly type?: string };
  readonly actions?: readonly {
    readonly type?: string;
    readonly action_id?: string;
    readonly value?: string;
    readonly action_ts?: string;
  }[];
  readonly trigger_id?: string;
  readonly response_url?: string;
}

/**
 * A pressed button as a message: its line, said by who pressed it, where it was shown. Nothing else of the payload is
 * believed, and the message that carries the button is none of ours to read.
 */
export function pressed(payload: PressPayload, self: Self): Spoken | undefined {
  const action = payload.actions?.[0];
  const { id: user, team_id: team } = payload.user ?? {};
  if (!user || user === self.user || action?.type !== "button" || !action.action_id?.startsWith(CHOICE))
    return undefined;
  if (typeof action.value !== "string" || action.value === "") return undefined;
  const sentAt = Math.floor(Number(action.action_ts) * 1000);
  const shown = placeShown(payload, user, self);
  if (!action.action_ts || Number.isNaN(sentAt) || shown === undefined) return undefined;
  return {
    // Slack stamps each press; two people may press in the same microsecond, and one person several messages.
    id: `${self.team}/press/${shown.on}/${user}/${action.action_ts}`,
    team: team ?? payload.team?.id ?? self.team,
    user,
    place: shown.place,
    text: unpacked(action.value),
    addressed: true,
    sentAt,
    takesForm: true,
  };
}

/** The message or home tab that a button is on, and where that is. */
function placeShown(payload: PressPayload, user: string, self: Self): { on: string; place: Place } | undefined {
  const { container, view, trigger_id: trigger } = payload;
  if (view !== undefined && view.type === "home") {
    return { on: "home", place: homeOf(self.team, user, trigger) };
  }
  const channel = payload.channel?.id ?? container?.channel_id;
  const ts = container?.message_ts;
  if (!channel || !ts) return undefined;
  return {
    on: `${channel}/${ts}`,
    place: placeOf({
      team: self.team,
      channel,
      user,
      // What only one person sees takes no reaction and begins no thread.
      ts: container?.is_ephemeral ? undefined : ts,
      thread: container?.thread_ts ?? payload.message?.thread_ts,
      trigger,
      response: payload.response_url,
    }),
  };
}
