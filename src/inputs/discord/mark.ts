import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { Mark, Place } from "../input.ts";
import type { Web } from "./web.ts";

/** The sign that stands on each message, by its id, so that the next one can take its place. */
export type Marks = Map<string, string>;

const AT_MOST = 1000;

const SIGNS: Readonly<Record<Mark, string>> = { taken: "👀", waiting: "⏳", done: "✅", failed: "❌" };

/** Puts a reaction on the message that `place` came with and takes the one before away. Default 5000 ms. @throws MicroError as `post` does */
export async function mark(web: Web, marks: Marks, place: Place, sign: Mark, options: CallOptions = {}): Promise<void> {
  const { channel, message } = place;
  if (channel === undefined || message === undefined)
    throw new MicroError("invalid_argument", "discord: the place names no message");
  const emoji = SIGNS[sign];
  const before = marks.get(message);
  if (before === emoji) return;
  const within = { timeoutMs: 5000, ...options };
  await web.call(
    "a reaction",
    (api, signal) => api.channels.addMessageReaction(channel, message, emoji, { signal }),
    within,
  );
  marks.delete(message);
  marks.set(message, emoji);
  if (marks.size > AT_MOST) marks.delete(marks.keys().next().value as string);
  if (before === undefined) return;
  await web.call(
    "a reaction",
    (api, signal) => api.channels.deleteOwnMessageReaction(channel, message, before, { signal }),
    within,
  );
}
