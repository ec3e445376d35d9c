import type { types } from "@slack/bolt";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { OutgoingMessage } from "../input.ts";
import { cutBlocks, messageBlocks } from "./blocks.ts";
import { openForm } from "./form.ts";
import { publish } from "./home.ts";
import { render } from "./render.ts";
import { respond } from "./response-url.ts";
import { sayOnce } from "./unsure.ts";
import type { Web } from "./web.ts";

/** The messages that grow: where that one stands which shows what goes on under a key; `""`: one that cannot be changed. */
export type Growing = Map<string, string>;

/** What is never ended (its process lost interest) is forgotten in the end. */
const GROWING_AT_MOST = 1000;

/**
 * The longest `text` that chat.update takes, and the other ways beside chat.postMessage: beyond it they were seen to say
 * `msg_too_long` (F3-Nation/archive-slackblast#64, nautobot/nautobot-app-chatops#133). Blocks hold more.
 */
const UPDATE_MAX = 4000;
const WHISPER_MAX = 3000;

/** A preview makes Slack fetch an address (`chat.md §6`). */
const PLAIN = { mrkdwn: true, link_names: false, unfurl_links: false, unfurl_media: false } as const;

/** Slack's words for a message that can be changed no more (docs.slack.dev, "chat.update"): what goes on is said anew. */
const GONE: ReadonlySet<unknown> = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);

/** Slack's words for a channel that the bot is not in, or where somebody is not who should see it alone. */
const AWAY: ReadonlySet<unknown> = new Set(["not_in_channel", "channel_not_found", "user_not_in_channel"]);

/**
 * Says one message, in the thread it was asked in or in the channel, or changes what an earlier one with its key says.
 * Default 15000 ms, with a file 60000 ms.
 *
 * Previews are always off: a preview makes Slack fetch whatever address a service wrote into its answer (`chat.md §6`).
 * A file's comment has no such switch, so there addresses are kept from being links.
 *
 * @throws MicroError `invalid_argument`, `unauthenticated`, `exhausted` (`details.retryAfterMs`), `unavailable`
 */
export async function post(
  web: Web,
  growing: Growing,
  message: OutgoingMessage,
  options: CallOptions = {},
): Promise<void> {
  const { file, form, progress, place } = message;
  if (form !== undefined && (await openForm(web, form, place, options))) return;
  if (place["home"] !== undefined) return publish(web, place["home"], message, options);
  const { channel } = place;
  if (channel === undefined) throw new MicroError("invalid_argument", "slack: the place names no channel");
  if (file !== undefined) return upload(web, channel, message, file, options);
  if (progress === undefined) {
    await say(web, channel, message, options);
    return;
  }
  const before = growing.get(progress.key) ?? progress.at;
  // Each would be a message of its own, and there are only five of those.
  if (before === "" && !progress.last) return;
  if (before && (await changed(web, channel, before, message, options))) {
    if (progress.last) growing.delete(progress.key);
    return;
  }
  const at = atOf(channel, await say(web, channel, message, options));
  growing.delete(progress.key);
  if (at !== "") progress.onSaid?.(at);
  if (progress.last) return;
  growing.set(progress.key, at);
  for (const oldest of growing.keys()) {
    if (growing.size <= GROWING_AT_MOST) break;
    growing.delete(oldest);
  }
}

/** What Slack knows as said: its timestamp, `""` where it can not be changed; and the channel, which is not always the one that was named. */
interface Said {
  readonly channel: string;
  readonly ts: string;
}

/** Where something stands: its timestamp, with the channel before it where that is another than its place says (`placeTo`). */
function atOf(channel: string, said: Said): string {
  return said.ts === "" || said.channel === channel ? said.ts : `${said.channel}/${said.ts}`;
}

/** What `atOf` wrote, read again. */
export function standsAt(channel: string, at: string): Said {
  const [ts = at, moved = channel] = at.split("/").reverse();
  return { channel: moved, ts };
}

/** A person's id, which stands for the direct talk with them (docs.slack.dev, "chat.postMessage"), and nowhere but there. */
function isPerson(channel: string): boolean {
  return /^[UW]/.test(channel);
}

async function say(web: Web, channel: string, message: OutgoingMessage, options: CallOptions): Promise<Said> {
  const within = { timeoutMs: 15_000, ...options };
  const { thread, ts, user } = message.place;
  // What grows has to be changed, and what only one person sees cannot be; in a direct talk nobody else is there.
  const alone = message.whisper && message.progress === undefined && !channel.startsWith("D") ? user : undefined;
  try {
    if (alone !== undefined) {
      // Not aside: nobody would see a whisper in a thread that has not begun.
      const where = { channel, user: alone, ...(thread !== undefined && { thread_ts: thread }) };
      const said = { ...PLAIN, ...words(message, WHISPER_MAX) };
      await web.call("chat.postEphemeral", (slack) => slack.chat.postEphemeral({ ...said, ...where }), within);
      return { channel, ts: "" };
    }
    const under = thread ?? (message.aside ? ts : undefined);
    const where = { channel, ...(under !== undefined && { thread_ts: under }) };
    const said = { ...PLAIN, ...words(message) };
    let into = channel;
    const post = async (metadata: types.MessageMetadata) => {
      const all = { ...said, ...where, metadata };
      const posted = await web.call("chat.postMessage", (slack) => slack.chat.postMessage(all), within);
      into = posted.channel ?? channel;
      return posted.ts ?? "";
    };
    const posted = await sayOnce(web, message, where, post, within);
    return { channel: into, ts: posted };
  } catch (error) {
    if (!AWAY.has(MicroError.from(error).details["slack"])) throw error;
    await sayAway(web, message, error, within);
    return { channel, ts: "" };
  }
}

/**
 * Where a slash command was typed or a button pressed, the bot need not be: then by the address that came with it, and
 * when that is used up or too old, to the person directly.
 */
async function sayAway(web: Web, message: OutgoingMessage, away: unknown, options: CallOptions): Promise<void> {
  const { response, user, thread } = message.place;
  if (response === undefined || user === undefined) throw away;
  try {
    const said = words(message, WHISPER_MAX);
    await respond(web, response, { ...said, ...(thread && { thread_ts: thread }) }, options);
  } catch (error) {
    if (MicroError.from(error).code !== "invalid_argument") throw error;
    const said = { ...PLAIN, ...words(message), channel: user };
    await web.call("chat.postMessage", (slack) => slack.chat.postMessage(said), options);
  }
}

/**
 * A message's words as every way to say them takes them. Where its text is too long for one, blocks hold it instead, and the
 * text is what notifications show.
 */
function words({ parts, choices }: OutgoingMessage, most?: number): { text: string; blocks?: types.KnownBlock[] } {
  const text = render(parts);
  const blocks = messageBlocks(parts, choices);
  if (most === undefined || text.length <= most) return { text, ...(blocks && { blocks }) };
  return { text: render(parts, { limit: most }), blocks: blocks ?? cutBlocks(parts, choices) };
}

/** `false`: there is nothing to change any more. An update makes no previews of its own, and keeps the thread. */
async function changed(
  web: Web,
  place: string,
  at: string,
  message: OutgoingMessage,
  options: CallOptions,
): Promise<boolean> {
  const { channel, ts } = standsAt(place, at);
  // No blocks is to be said as well: Slack keeps those from before, and buttons with them.
  const { text, blocks = [] } = words(message, UPDATE_MAX);
  try {
    await web.call("chat.update", (slack) => slack.chat.update({ channel, ts, text, blocks, link_names: false }), {
      timeoutMs: 15_000,
      ...options,
    });
    return true;
  } catch (error) {
    if (GONE.has(MicroError.from(error).details["slack"])) return false;
    throw error;
  }
}

async function upload(
  web: Web,
  channel: string,
  message: OutgoingMessage,
  file: NonNullable<OutgoingMessage["file"]>,
  options: CallOptions,
): Promise<void> {
  const { thread, ts } = message.place;
  const under = thread ?? (message.aside ? ts : undefined);
  const within = { timeoutMs: 60_000, ...options };
  if (isPerson(channel)) {
    // A file goes into a channel only: what is said with it tells which that is.
    const { file: _, ...words } = message;
    const said = await say(web, channel, words, options);
    if (said.channel !== channel) return upload(web, said.channel, { ...message, parts: [] }, file, options);
  }
  const comment = render(message.parts, { links: false });
  try {
    await web.call(
      "files.uploadV2",
      (slack) =>
        slack.files.uploadV2({
          ...(under === undefined ? { channel_id: channel } : { channel_id: channel, thread_ts: under }),
          // Slack takes no empty one.
          ...(comment !== "" && { initial_comment: comment }),
          filename: file.name,
          title: file.name,
          ...(file.png === undefined ? { content: file.text } : { file: Buffer.from(file.png), alt_text: file.text }),
        }),
      within,
    );
  } catch (error) {
    if (!AWAY.has(MicroError.from(error).details["slack"])) throw error;
    const text = `${file.name} cannot be brought here, because I am not in this channel: invite me, or ask me directly`;
    await sayAway(web, { ...message, parts: [...message.parts, { kind: "text", text }] }, error, within);
  }
}
