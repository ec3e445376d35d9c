import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { OutgoingMessage } from "../input.ts";
import { render } from "./render.ts";
import type { Web } from "./web.ts";

/**
 * Says one message, in the thread it was asked in or in the channel. Default 15000 ms, with a file 60000 ms.
 *
 * Previews are always off: a preview makes Slack fetch whatever address a service wrote into its answer (`chat.md §6`).
 * A file's comment has no such switch, so there addresses are kept from being links.
 *
 * @throws MicroError `invalid_argument`, `unauthenticated`, `exhausted` (`details.retryAfterMs`), `unavailable`
 */
export async function post(web: Web, message: OutgoingMessage, options: CallOptions = {}): Promise<void> {
  const { channel, thread } = message.place;
  if (channel === undefined) throw new MicroError("invalid_argument", "slack: the place names no channel");
  const { file } = message;
  if (file === undefined) {
    const text = render(message.parts);
    await web.call(
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
    return;
  }
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
