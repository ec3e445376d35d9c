import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { OutgoingMessage } from "../input.ts";
import { render } from "./render.ts";
import type { Web } from "./web.ts";

/** The messages that grow: which of Slack's messages shows what goes on under a key. */
export type Growing = Map<string, string>;

/** What is never ended (its process lost interest) is forgotten in the end. */
const GROWING_AT_MOST = 1000;

/** Slack's words for a message that can be changed no more (docs.slack.dev, "chat.update"): what goes on is said anew. */
const GONE: ReadonlySet<unknown> = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);

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
  const { file, progress } = message;
  const { channel } = message.place;
  if (channel === undefined) throw new MicroError("invalid_argument", "slack: the place names no channel");
  if (file !== undefined) return upload(web, channel, message, file, options);
  const before = progress && growing.get(progress.key);
  if (progress && before !== undefined && (await changed(web, channel, before, message, options))) {
    if (progress.last) growing.delete(progress.key);
    return;
  }
  const ts = await say(web, channel, message, options);
  if (progress === undefined) return;
  growing.delete(progress.key);
  if (progress.last || ts === undefined) return;
  growing.set(progress.key, ts);
  for (const oldest of growing.keys()) {
    if (growing.size <= GROWING_AT_MOST) break;
    growing.delete(oldest);
  }
}

/** The timestamp under which Slack knows what was said. */
async function say(
  web: Web,
  channel: string,
  message: OutgoingMessage,
  options: CallOptions,
): Promise<string | undefined> {
  const text = render(message.parts);
  const thread = threadOf(message);
  const { ts } = await web.call(
    "chat.postMessage",
    (slack) =>
      slack.chat.postMessage({
        channel,
        text,
        mrkdwn: true,
        link_names: false,
        unfurl_links: false,
        unfurl_media: false,
        ...(thread !== undefined && { thread_ts: thread }),
      }),
    { timeoutMs: 15_000, ...options },
  );
  return ts;
}

/** `false`: there is nothing to change any more. An update makes no previews of its own, and keeps the thread. */
async function changed(
  web: Web,
  channel: string,
  ts: string,
  message: OutgoingMessage,
  options: CallOptions,
): Promise<boolean> {
  const text = render(message.parts);
  try {
    await web.call("chat.update", (slack) => slack.chat.update({ channel, ts, text, link_names: false }), {
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
  file: { readonly name: string; readonly text: string },
  options: CallOptions,
): Promise<void> {
  const thread = threadOf(message);
  await web.call(
    "files.uploadV2",
    (slack) =>
      slack.files.uploadV2({
        ...(thread === undefined ? { channel_id: channel } : { channel_id: channel, thread_ts: thread }),
        initial_comment: render(message.parts, { links: false }),
        filename: file.name,
        title: file.name,
        content: file.text,
      }),
    { timeoutMs: 60_000, ...options },
  );
}

/** The thread that the message was asked in, or one of its own when the answer is to stand aside. */
function threadOf({ place, aside }: OutgoingMessage): string | undefined {
  return place["thread"] ?? (aside ? place["ts"] : undefined);
}
