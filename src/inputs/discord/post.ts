import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { OutgoingMessage } from "../input.ts";
import { buttons } from "./buttons.ts";
import { fitted } from "./fit.ts";
import type { Web } from "./web.ts";

/** Which of Discord's messages shows what goes on under a key. */
export type Growing = Map<string, { readonly channel: string; readonly message: string }>;

/** Buttons that were pressed lately, by interaction: what lets an answer be shown to who pressed alone. */
export type Presses = Map<string, { readonly application: string; readonly token: string }>;

/** What posts share, over one link after the other. */
export interface Kept {
  readonly growing: Growing;
  readonly presses: Presses;
  /** The channels of direct talks that we began, by person; and the threads that we know of, by the message that they hang on. */
  readonly directs: Map<string, string>;
  readonly threads: Map<string, string>;
}

/** What nobody asks for any more is forgotten in the end; Discord tells it again. */
const KNOWN_AT_MOST = 1000;

/** What is never ended (its process lost interest) is forgotten in the end. */
const GROWING_AT_MOST = 1000;

/** docs.discord.com, "Message Flags": no previews (`chat.md §6`, unfurl exfiltration); only for who pressed. */
const SUPPRESS_EMBEDS = 4;
const EPHEMERAL = 64;

/** docs.discord.com, "JSON Error Codes". */
const UNKNOWN_MESSAGE = 10008;
const THREAD_EXISTS = 160004;

/**
 * Says one message, as a reply to the one it answers, or changes what an earlier one with its key says. Default 15000 ms,
 * with a file 60000 ms. Whatever it says, it notifies nobody: no mention is allowed, and not that of the one it replies to.
 *
 * @throws MicroError `invalid_argument`, `unauthenticated`, `exhausted` (`details.retryAfterMs`), `unavailable`
 */
export async function post(web: Web, kept: Kept, message: OutgoingMessage, options: CallOptions = {}): Promise<void> {
  const { growing, presses } = kept;
  const { progress } = message;
  if (message.place["channel"] === undefined && message.place["person"] === undefined)
    throw new MicroError("invalid_argument", "discord: the place names no channel");
  const { content, file } = fitted(message);
  const within = { timeoutMs: file ? 60_000 : 15_000, ...options };
  const body = bodyOf(content, file, message);
  const before = progress && (growing.get(progress.key) ?? placed(progress.at));
  if (progress && before && (await changed(web, before, body, within))) {
    if (progress.last) growing.delete(progress.key);
    return;
  }
  if (message.whisper && (await whispered(web, presses.get(message.place["press"] ?? ""), body, within))) return;
  const where = await whereTo(web, kept, message, within);
  const said = await web.call(
    "saying something",
    (api, signal) => api.channels.createMessage(where.channel, { ...body, ...where.reply }, { signal }),
    within,
  );
  if (progress === undefined) return;
  growing.delete(progress.key);
  progress.onSaid?.(`${where.channel}/${said.id}`);
  if (progress.last) return;
  growing.set(progress.key, { channel: where.channel, message: said.id });
  if (growing.size > GROWING_AT_MOST) growing.delete(growing.keys().next().value as string);
}

/** What `onSaid` was told, read again. */
export function placed(at = ""): { readonly channel: string; readonly message: string } | undefined {
  const [channel, message] = at.split("/");
  return channel && message ? { channel, message } : undefined;
}

type Body = ReturnType<typeof bodyOf>;

function bodyOf(content: string, file: OutgoingMessage["file"], { choices = [] }: OutgoingMessage) {
  return {
    content,
    flags: SUPPRESS_EMBEDS,
    allowed_mentions: { parse: [], replied_user: false },
    components: buttons(choices),
    ...(file && { files: [rawFile(file)] }),
    ...(file?.png && { attachments: [{ id: 0, filename: file.name, description: file.text }] }),
  };
}

function rawFile({ name, text, png }: NonNullable<OutgoingMessage["file"]>) {
  if (png !== undefined) return { name, data: Buffer.from(png), contentType: "image/png" };
  return { name, data: Buffer.from(text), contentType: "text/plain; charset=utf-8" };
}

/** `false`: there is nothing to change any more, so what goes on is said anew. */
async function changed(
  web: Web,
  { channel, message }: { readonly channel: string; readonly message: string },
  body: Body,
  options: CallOptions,
): Promise<boolean> {
  try {
    await web.call(
      "changing what was said",
      (api, signal) => api.channels.editMessage(channel, message, body, { signal }),
      options,
    );
    return true;
  } catch (error) {
    if (MicroError.from(error).details["discord"] === UNKNOWN_MESSAGE) return false;
    throw error;
  }
}

/** `false`: it cannot be hidden, because it answers no press, or one of more than 15 minutes ago. */
async function whispered(
  web: Web,
  press: { readonly application: string; readonly token: string } | undefined,
  body: Body,
  options: CallOptions,
): Promise<boolean> {
  if (press === undefined) return false;
  try {
    const hidden = { ...body, flags: SUPPRESS_EMBEDS | EPHEMERAL };
    await web.call(
      "whispering",
      (api, signal) => api.interactions.followUp(press.application, press.token, hidden, { signal }),
      options,
    );
    return true;
  } catch (error) {
    if (MicroError.from(error).code === "invalid_argument") return false;
    throw error;
  }
}

interface Where {
  readonly channel: string;
  readonly reply?: { readonly message_reference: { readonly message_id: string; readonly fail_if_not_exists: false } };
}

/**
 * The channel it was asked in, as a reply there; or, when the answer is to stand aside, a thread of the question; or the thread of a
 * message of ours (`under`); or a direct talk.
 */
async function whereTo(web: Web, kept: Kept, { place, aside }: OutgoingMessage, options: CallOptions): Promise<Where> {
  const { person, message, guild, under } = place;
  const channel = place["channel"] ?? (await directWith(web, kept, person ?? "", options));
  if (under !== undefined) {
    // Where there can be no thread, in direct talk and in another thread, Discord says so.
    const thread = kept.threads.get(under) ?? (await threadOf(web, channel, under, options));
    if (thread !== undefined) remember(kept.threads, under, thread);
    return thread === undefined ? replyTo(channel, under) : { channel: thread };
  }
  // In direct talk it is plain what an answer belongs to, and there are no threads.
  if (message === undefined || guild === undefined) return { channel };
  if (aside) {
    const thread = await threadOf(web, channel, message, options);
    if (thread !== undefined) return { channel: thread };
  }
  return replyTo(channel, message);
}

function replyTo(channel: string, message: string): Where {
  return { channel, reply: { message_reference: { message_id: message, fail_if_not_exists: false } } };
}

/** The direct talk with somebody, which Discord opens, or tells where it is. @throws MicroError `invalid_argument` they let nobody write */
async function directWith(web: Web, { directs }: Kept, person: string, options: CallOptions): Promise<string> {
  const known = directs.get(person);
  if (known !== undefined) return known;
  const { id } = await web.call(
    "opening a direct talk",
    (api, signal) => api.users.createDM(person, { signal }),
    options,
  );
  remember(directs, person, id);
  return id;
}

function remember(known: Map<string, string>, key: string, value: string): void {
  known.set(key, value);
  if (known.size > KNOWN_AT_MOST) known.delete(known.keys().next().value as string);
}

/** `undefined`: there can be none, because we are in a thread already, or may not make one. */
async function threadOf(web: Web, channel: string, message: string, options: CallOptions): Promise<string | undefined> {
  try {
    const body = { name: "answers", auto_archive_duration: 1440 as const };
    const thread = await web.call(
      "opening a thread",
      (api, signal) => api.channels.createThread(channel, body, message, { signal }),
      options,
    );
    return thread.id;
  } catch (thrown) {
    const error = MicroError.from(thrown);
    // A thread has the id of the message that it hangs on.
    if (error.details["discord"] === THREAD_EXISTS) return message;
    if (error.code === "invalid_argument") return undefined;
    throw error;
  }
}
