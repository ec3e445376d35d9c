import type { IncomingMessage, Place } from "../input.ts";

/** What we read of a message as the gateway tells it (docs.discord.com, "Message object"). */
export interface DiscordMessage {
  readonly id?: string;
  readonly channel_id?: string;
  /** Absent in direct talk. */
  readonly guild_id?: string;
  readonly type?: number;
  readonly webhook_id?: string;
  readonly content?: string;
  readonly timestamp?: string;
  readonly edited_timestamp?: string | null;
  readonly author?: DiscordUser;
  readonly member?: { readonly nick?: string | null };
  readonly message_reference?: { readonly type?: number };
}

/** What we read of a button that was pressed (docs.discord.com, "Interaction object"). */
export interface DiscordInteraction {
  readonly id?: string;
  readonly application_id?: string;
  readonly token?: string;
  readonly type?: number;
  readonly channel_id?: string;
  readonly guild_id?: string;
  /** In a guild; elsewhere `user`. */
  readonly member?: { readonly nick?: string | null; readonly user?: DiscordUser };
  readonly user?: DiscordUser;
  readonly message?: { readonly id?: string };
  readonly data?: { readonly custom_id?: string };
}

interface DiscordUser {
  readonly id?: string;
  readonly username?: string;
  readonly global_name?: string | null;
  readonly bot?: boolean;
  readonly system?: boolean;
}

/** Message types that a person makes by talking: a plain one and a reply; the others tell of joins, pins, threads. */
const SPOKEN: ReadonlySet<number> = new Set([0, 19]);
const FORWARD = 1;

/** Marks the buttons that are ours, so that one of another program under the same bot says nothing. */
const CHOICE = "say:";
/** docs.discord.com, "Component reference": `custom_id` has 1 to 100 characters. */
const MAX_CUSTOM_ID = 100;

/**
 * A message as the bot takes it, or `undefined` when no person said it to anybody: bots, webhooks, ourselves, edits,
 * forwards (somebody else's words), joins and pins.
 */
export function spoken(data: DiscordMessage, self: string, prefix: RegExp): IncomingMessage | undefined {
  const { id, channel_id: channel, guild_id: guild, author } = data;
  if (!id || !channel || !author?.id || author.id === self || author.bot || author.system) return undefined;
  if (data.webhook_id || data.edited_timestamp || !SPOKEN.has(data.type ?? 0)) return undefined;
  if (data.message_reference?.type === FORWARD) return undefined;
  const sentAt = Date.parse(data.timestamp ?? "");
  if (Number.isNaN(sentAt)) return undefined;

  const { text, named } = unnamed(typeof data.content === "string" ? data.content : "", self, prefix);
  if (text === "" && !named) return undefined;
  return {
    id,
    from: person(author, data.member?.nick),
    place: place(channel, id, guild),
    text,
    addressed: named || guild === undefined,
    sentAt,
  };
}

/** A choice that was picked, as what it says; `undefined` when it is none of ours. */
export function picked(data: DiscordInteraction): IncomingMessage | undefined {
  const author = data.member?.user ?? data.user;
  const { id, channel_id: channel, message } = data;
  const custom = data.data?.custom_id;
  if (!id || !/^\d+$/.test(id) || !channel || !author?.id || author.bot) return undefined;
  if (!custom?.startsWith(CHOICE)) return undefined;
  return {
    id,
    from: person(author, data.member?.nick),
    place: { ...place(channel, message?.id, data.guild_id), press: id },
    text: custom.slice(CHOICE.length),
    addressed: true,
    sentAt: bornAt(id),
  };
}

/** Discord's ids hold the milliseconds since 2015 (docs.discord.com, "Snowflakes"). */
function bornAt(id: string): number {
  return Number(BigInt(id) >> 22n) + 1_420_070_400_000;
}

/** The `custom_id` that says a line; `undefined` when the line is too long for one. */
export function choiceId(line: string): string | undefined {
  const id = CHOICE + line;
  return id.length <= MAX_CUSTOM_ID ? id : undefined;
}

/** The numeric id is what Discord guarantees; names are chosen, and a name that was given up can be taken. */
function person(user: DiscordUser, nick: string | null | undefined): IncomingMessage["from"] {
  const id = user.id as string;
  return { id, name: nick || user.global_name || user.username || id, guest: false };
}

/** A thread is a channel of its own in Discord, so an answer in the channel is one in the thread. */
function place(channel: string, message: string | undefined, guild: string | undefined): Place {
  return { room: channel, channel, ...(message && { message }), ...(guild && { guild }) };
}

function unnamed(content: string, self: string, prefix: RegExp): { text: string; named: boolean } {
  const mention = new RegExp(`^\\s*<@!?${self}>\\s*[:,]?\\s*`);
  const match = mention.exec(content) ?? prefix.exec(content);
  return { text: typed(match ? content.slice(match[0].length) : content), named: match !== null };
}

/**
 * What the person sees of what they wrote. Mentions become ids, since a name is nobody's for ever. In code Discord makes
 * nothing of nothing, so there it stays as it is; people write commands as code, and one pair of backticks or fences
 * around the whole is not part of the command.
 */
function typed(content: string): string {
  const code = /^\s*(`{3}|`)([^`]+)\1\s*$/.exec(content)?.[2];
  if (code !== undefined) return code.trim();
  return content
    .replace(/<(?:@!?|(#|@&))(\d+)>/g, (_, kind = "@", id) => kind + id)
    .replace(/<a?(:\w+:)\d+>/g, "$1")
    .replace(/<(https?:\/\/[^\s<>]+)>/g, "$1")
    .trim();
}
