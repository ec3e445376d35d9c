import { randomUUID } from "node:crypto";
import type { types } from "@slack/bolt";
import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { OutgoingMessage } from "../input.ts";
import type { Web } from "./web.ts";

/*
 * What was said and never acknowledged may have arrived: Slack knows no key by which it would take a message only once
 * (slackapi/slack-api-specs#10). So each carries an id that nobody sees (docs.slack.dev, "Using message metadata"), and before
 * it is said again the channel is asked whether it is there.
 *
 * Not for a file, whose message is Slack's own, nor for a whisper, which is in no history: those may come twice.
 */

/** What Slack calls our metadata. */
const TYPE = "micro_answer";

/** How far back a channel is asked; what came in between is what was said since the attempt before. */
const BACK = 100;

/** How it ends when nobody knows whether it has arrived. */
const UNSURE: ReadonlySet<string> = new Set(["unavailable", "timeout", "cancelled"]);

interface Attempt {
  readonly id: string;
  unsure: boolean;
}

/** By the message itself: the same object again is the same message (`InputConnection.send`). */
const attempts = new WeakMap<OutgoingMessage, Attempt>();

/** What grows is drawn anew for each attempt, and is the same by its key until it is there. */
const growing = new Map<string, Attempt>();

/** What never arrives is forgotten in the end. */
const GROWING_AT_MOST = 1000;

function attemptOf(message: OutgoingMessage): Attempt {
  const key = message.progress?.key;
  const attempt = (key === undefined ? attempts.get(message) : growing.get(key)) ?? { id: randomUUID(), unsure: false };
  if (key === undefined) attempts.set(message, attempt);
  else growing.set(key, attempt);
  if (growing.size > GROWING_AT_MOST) growing.delete(growing.keys().next().value as string);
  return attempt;
}

/** Where in Slack a message goes. */
interface Where {
  readonly channel: string;
  readonly thread_ts?: string;
}

/**
 * Says it once, however often it is tried.
 * @param work says it with the metadata @returns its timestamp
 * @throws MicroError as the work does, and as the question does that comes before another attempt
 */
export async function sayOnce(
  web: Web,
  message: OutgoingMessage,
  where: Where,
  work: (metadata: types.MessageMetadata) => Promise<string>,
  options: CallOptions,
): Promise<string> {
  const attempt = attemptOf(message);
  const before = attempt.unsure ? await find(web, attempt.id, where, message.place["ts"], options) : undefined;
  try {
    const ts = before ?? (await work({ event_type: TYPE, event_payload: { id: attempt.id } }));
    if (message.progress) growing.delete(message.progress.key);
    return ts;
  } catch (error) {
    // One that was refused for being too fast has not made the one before it certain.
    attempt.unsure ||= UNSURE.has(MicroError.from(error).code);
    throw error;
  }
}

/** The timestamp of the message with that id, if it is there; a channel that may not be read says nothing. */
async function find(
  web: Web,
  id: string,
  { channel, thread_ts: thread }: Where,
  asked: string | undefined,
  options: CallOptions,
): Promise<string | undefined> {
  const all = { channel, include_all_metadata: true, limit: BACK };
  try {
    // A thread is told from its beginning, and the answer comes after the question.
    const found =
      thread === undefined
        ? await web.call("conversations.history", (slack) => slack.conversations.history(all), options)
        : await web.call(
            "conversations.replies",
            (slack) => slack.conversations.replies({ ...all, ts: thread, oldest: asked ?? thread }),
            options,
          );
    return found.messages?.find(({ metadata }) => isOurs(metadata, id))?.ts;
  } catch (thrown) {
    const error = MicroError.from(thrown);
    if (error.code === "invalid_argument" || error.code === "unauthenticated") return undefined;
    throw error;
  }
}

function isOurs(metadata: { event_type?: string; event_payload?: object } | undefined, id: string): boolean {
  const { id: told } = (metadata?.event_payload ?? {}) as { readonly id?: unknown };
  return metadata?.event_type === TYPE && told === id;
}
