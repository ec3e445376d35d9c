import type { IncomingMessage, Place } from "../input.ts";
import { pieces } from "./markup.ts";

/** Who we are in a workspace, as `auth.test` tells. */
export interface Self {
  readonly team: string;
  readonly user: string;
}

/** What we read of an `events_api` payload (docs.slack.dev, "message" and "app_mention" events). */
export interface EventPayload {
  readonly team_id?: string;
  readonly event?: SlackEvent;
}

interface SlackEvent {
  readonly type?: string;
  readonly subtype?: string;
  readonly hidden?: boolean;
  readonly edited?: unknown;
  readonly bot_id?: string;
  readonly user?: string;
  readonly user_team?: string;
  readonly source_team?: string;
  readonly team?: string;
  readonly channel?: string;
  readonly channel_type?: string;
  readonly ts?: string;
  readonly thread_ts?: string;
  readonly text?: string;
  /** Of `app_home_opened`. */
  readonly tab?: string;
  readonly event_ts?: string;
}

/** A message whose speaker has not been looked up. */
export interface Spoken extends Omit<IncomingMessage, "from"> {
  readonly team: string;
  readonly user: string;
}

/** What a person can say: plainly, into the channel from a thread, beside a file. `/me` tells, it does not order. */
const SPOKEN: ReadonlySet<string | undefined> = new Set([undefined, "thread_broadcast", "file_share"]);

/**
 * An event as a message, or `undefined` when no person said it, or not now: edits (an edit that adds a mention comes
 * as an `app_mention` of its own, with `edited`), deletions, joins, bots, ourselves.
 *
 * `message` and `app_mention` are two events for one text, so the id is team, channel and timestamp, and both give the
 * same message.
 */
export function spoken(payload: EventPayload, self: Self): Spoken | undefined {
  const { event } = payload;
  if (!event || (event.type !== "message" && event.type !== "app_mention")) return undefined;
  if (!SPOKEN.has(event.subtype) || event.hidden || event.edited !== undefined || event.bot_id) return undefined;
  const { channel, ts, user } = event;
  if (!channel || !user || user === self.user || user === "USLACKBOT") return undefined;
  const sentAt = Math.floor(Number(ts) * 1000);
  if (!ts || Number.isNaN(sentAt)) return undefined;

  const { text, mentioned } = withoutMention(typeof event.text === "string" ? event.text : "", self.user);
  if (text === "" && !mentioned) return undefined;
  return {
    id: `${self.team}/${channel}/${ts}`,
    // Slack Connect: the speaker's own workspace, which need not be ours.
    team: event.user_team ?? event.source_team ?? event.team ?? payload.team_id ?? self.team,
    user,
    place: placeOf({ team: self.team, channel, user, ts, thread: event.thread_ts }),
    text,
    addressed: mentioned || isDirect(event),
    sentAt,
  };
}

/** What we know of where something was said. All but the first three may be missing. */
interface Where {
  readonly team: string;
  readonly channel: string;
  /** Who said it, for what only they should see. */
  readonly user: string;
  /** The message it was said in. */
  readonly ts?: string | undefined;
  readonly thread?: string | undefined;
  /** Opens a form, for three seconds. */
  readonly trigger?: string | undefined;
  /** Takes answers where the bot is not in the channel, five in half an hour (`chat.md §3`). */
  readonly response?: string | undefined;
}

/** An answer belongs into the thread it was asked in, else into the channel, where `ts` can begin one. The head of a thread names itself. */
export function placeOf({ team, channel, user, ts, thread, trigger, response }: Where): Place {
  return {
    room: channel,
    channel,
    team,
    user,
    ...(ts && { ts }),
    ...(thread && thread !== ts && { thread }),
    ...(trigger && { trigger }),
    ...(response && { response }),
  };
}

/** `app_mention` does not say what kind of channel it is; ids of direct talks begin with D. */
function isDirect(event: SlackEvent): boolean {
  return event.channel_type === "im" || (event.channel_type === undefined && event.channel?.startsWith("D") === true);
}

const WORDS = /^[\p{L}\s,.!?'’]*$/u;

/**
 * What was typed, the first mention of us taken out: at the beginning with what sets it off (`@micro: list`), elsewhere
 * (`hey @micro list`) as a word. What is said about us is no command, but whoever mentions us gets an answer.
 */
export function withoutMention(markup: string, user: string): { text: string; mentioned: boolean } {
  const found = pieces(markup.trimStart());
  const at = found.findIndex((piece) => piece.user === user);
  const before = join(found.slice(0, Math.max(0, at))).trimEnd();
  if (at < 0) return { text: unquoted(join(found)), mentioned: false };
  // Within JSON, or in an argument, it is a part of what is said.
  if (!WORDS.test(before)) return { text: unquoted(join(found)), mentioned: true };
  const after = join(found.slice(at + 1)).replace(/^\s*[:,]?\s*/, "");
  return { text: unquoted(before && after ? `${before} ${after}` : before || after), mentioned: true };
}

function join(found: readonly { readonly text: string }[]): string {
  return found.map((piece) => piece.text).join("");
}

/** People write commands as code. One pair of backticks or fences around the whole is not part of the command. */
function unquoted(text: string): string {
  const quoted = /^\s*(`{3}|`)([^`]+)\1\s*$/.exec(text);
  return quoted?.[2]?.trim() ?? text;
}
