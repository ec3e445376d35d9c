import type { IncomingMessage, Place } from "../input.ts";

/** Who we are, as `getMe` tells. */
export interface Self {
  readonly id: number;
  readonly username: string;
  /** Privacy mode is off: Telegram tells us everything that is said in groups, not only what it takes for ours. */
  readonly hearsAll: boolean;
}

/** What we read of an update (core.telegram.org/bots/api, "Update"). */
export interface TelegramUpdate {
  readonly update_id: number;
  readonly message?: TelegramMessage;
  readonly callback_query?: TelegramPress;
}

export interface TelegramMessage {
  readonly message_id?: number;
  readonly message_thread_id?: number;
  readonly is_topic_message?: boolean;
  readonly date?: number;
  readonly edit_date?: number;
  readonly text?: string;
  readonly chat?: { readonly id?: number; readonly type?: string };
  readonly from?: TelegramUser;
  /** Somebody who speaks as a group or a channel. */
  readonly sender_chat?: { readonly id?: number; readonly title?: string };
  readonly via_bot?: unknown;
  readonly forward_origin?: unknown;
  readonly forward_date?: number;
  readonly is_automatic_forward?: boolean;
  readonly reply_to_message?: { readonly from?: { readonly id?: number }; readonly forum_topic_created?: unknown };
}

/** What we read of a button that was pressed (core.telegram.org/bots/api, "CallbackQuery"). */
export interface TelegramPress {
  readonly id?: string;
  readonly from?: TelegramUser;
  readonly message?: TelegramMessage;
  readonly data?: string;
}

interface TelegramUser {
  readonly id?: number;
  readonly is_bot?: boolean;
  readonly first_name?: string;
  readonly last_name?: string;
  readonly username?: string;
}

/** Marks the buttons that are ours, so that one of another program under the same bot says nothing. */
const CHOICE = ">";
/** core.telegram.org/bots/api, "InlineKeyboardButton": `callback_data` has 1 to 64 bytes. */
const MAX_DATA = 64;

/**
 * A message as the bot takes it, or `undefined` when no person said it: bots, what was sent by way of a bot, forwards
 * (somebody else's words), edits, channels, pictures.
 */
export function spoken(data: TelegramMessage, self: Self): IncomingMessage | undefined {
  const { message_id, chat, date, text } = data;
  if (message_id === undefined || chat?.id === undefined || date === undefined || !text) return undefined;
  if (data.via_bot || data.forward_origin || data.forward_date || data.is_automatic_forward) return undefined;
  if (data.edit_date !== undefined || chat.type === "channel") return undefined;
  const from = speaker(data);
  if (from === undefined) return undefined;
  const direct = chat.type === "private";
  const said = unnamed(text, self, direct);
  return {
    id: `${chat.id}/${message_id}`,
    from,
    place: place(data, chat.id, direct),
    text: said.text,
    addressed: direct || said.named || (!said.elsewhere && answersUs(data, self)),
    sentAt: date * 1000,
  };
}

/**
 * A choice that was picked, as what it says; `undefined` when it is none of ours.
 *
 * Telegram does not tell when it was picked, and keeps it for a bot that is away, as long as a message. So one that may have
 * waited counts as old as the message that it is on, which it is at most: too old for a bot that comes back after a minute,
 * and who picked it is told to do it again. While the bot was listening it was picked just now.
 *
 * @param waited it was there before the bot came
 */
export function picked(press: TelegramPress, now: number, waited: boolean): IncomingMessage | undefined {
  const { id, from, message, data } = press;
  const chat = message?.chat;
  if (!id || from?.id === undefined || from.is_bot || chat?.id === undefined) return undefined;
  if (!data?.startsWith(CHOICE)) return undefined;
  return {
    id: `press/${id}`,
    from: person(from),
    place: place(message ?? {}, chat.id, chat.type === "private"),
    text: data.slice(CHOICE.length),
    addressed: true,
    sentAt: waited ? Math.min(now, Math.max(message?.date ?? 0, message?.edit_date ?? 0) * 1000) : now,
  };
}

/** The `callback_data` that says a line; `undefined` when the line is too long for it. */
export function choiceData(line: string): string | undefined {
  const data = CHOICE + line;
  return Buffer.byteLength(data) <= MAX_DATA ? data : undefined;
}

/**
 * The numeric id is what Telegram guarantees. Who speaks as the group itself (an anonymous admin) or as a channel is
 * nobody whom we could know.
 */
function speaker({ from, sender_chat }: TelegramMessage): IncomingMessage["from"] | undefined {
  if (sender_chat !== undefined) return { id: undefined, name: sender_chat.title || "somebody", guest: true };
  return from?.id === undefined || from.is_bot ? undefined : person(from);
}

function person(user: TelegramUser): IncomingMessage["from"] {
  const name = [user.first_name, user.last_name].filter(Boolean).join(" ");
  return { id: String(user.id), name: name || user.username || String(user.id), guest: false };
}

/** A topic is a room of its own; the threads that replies make in other groups are none. */
function place(message: TelegramMessage, chat: number, direct: boolean): Place {
  const topic = message.is_topic_message ? message.message_thread_id : undefined;
  return {
    room: topic === undefined ? String(chat) : `${chat}/${topic}`,
    chat: String(chat),
    ...(message.message_id !== undefined && { message: String(message.message_id) }),
    ...(topic !== undefined && { topic: String(topic) }),
    ...(!direct && { group: "true" }),
  };
}

/** In a topic everything is a reply to its beginning, which says nothing. */
function answersUs({ reply_to_message: to }: TelegramMessage, self: Self): boolean {
  return to?.from?.id === self.id && to.forum_topic_created === undefined;
}

interface Said {
  readonly text: string;
  readonly named: boolean;
  /** Another bot was named. */
  readonly elsewhere: boolean;
}

/**
 * Takes our name and Telegram's way of writing commands off: `@micro_bot list`, `/list@micro_bot services`, `/list services`.
 * A command without a name is ours in a group when Telegram picks what we are told (privacy mode); else it may be anybody's.
 * `/start` is what the button says with which everybody begins: that somebody is there, and no command.
 */
function unnamed(text: string, self: Self, direct: boolean): Said {
  const ours = (name: string | undefined) => name?.toLowerCase() === self.username.toLowerCase();
  const mention = /^\s*@(\w+)\s*[:,]?\s*/.exec(text);
  const named = ours(mention?.[1]);
  const rest = named ? text.slice(mention?.[0].length) : text;
  const command = /^\s*\/(\w+)(?:@(\w+))?(?=\s|$)/.exec(rest);
  if (command === null) return { text: rest.trim(), named, elsewhere: false };
  const [whole, word = "", bot] = command;
  if (bot !== undefined && !ours(bot)) return { text: text.trim(), named: false, elsewhere: true };
  const mine = named || direct || bot !== undefined || !self.hearsAll;
  const line = mine && word === "start" ? "" : word + rest.slice(whole.length);
  return { text: line.trim(), named: mine, elsewhere: false };
}
