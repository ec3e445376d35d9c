import { MicroError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/lifecycle.ts";
import type { Choice, Mark, OutgoingMessage, Place } from "../input.ts";
import { sayMarked } from "../said-again.ts";
import { fitted } from "./fit.ts";
import { choiceData } from "./message.ts";
import type { Web } from "./web.ts";

/** Which of Telegram's messages shows what goes on under a key. */
export type Growing = Map<string, number>;

/** What is never ended (its process lost interest) is forgotten in the end. */
const GROWING_AT_MOST = 1000;

/** Telegram's words for a message that can be changed no more: what goes on is said anew. */
const GONE = /message to edit not found|message can't be edited|MESSAGE_ID_INVALID/i;
const SAME = /message is not modified/i;

/**
 * Says one message, in a group as a reply to the one it answers, in its topic; or changes what an earlier one with its key
 * says. Default 15000 ms, with a file 60000 ms.
 *
 * @throws MicroError `invalid_argument`, `unauthenticated`, `exhausted` (`details.retryAfterMs`), `unavailable`
 */
export async function post(
  web: Web,
  growing: Growing,
  message: OutgoingMessage,
  options: CallOptions = {},
): Promise<void> {
  const { place, progress } = message;
  const chat = chatOf(place);
  const { text, file } = fitted(message);
  const within = { timeoutMs: file ? 60_000 : 15_000, ...options };
  const keyboard = { reply_markup: { inline_keyboard: rows(message.choices ?? []) } };
  // A preview would make Telegram fetch whatever address a service wrote into its answer (`chat.md §6`).
  const quiet = { parse_mode: "HTML" as const, link_preview_options: { is_disabled: true } };
  // In direct talk it is plain what an answer belongs to.
  const answered = place["under"] ?? (place["group"] === undefined ? undefined : place["message"]);
  const there = {
    ...(place["topic"] !== undefined && { message_thread_id: Number(place["topic"]) }),
    ...(answered !== undefined && {
      reply_parameters: { message_id: Number(answered), allow_sending_without_reply: true },
    }),
  };

  const before =
    progress && (growing.get(progress.key) ?? (progress.at === undefined ? undefined : Number(progress.at)));
  if (progress && before !== undefined) {
    const change = () =>
      web.call(
        "changing what was said",
        (api, signal) => api.editMessageText(chat, before, text, { ...quiet, ...keyboard }, signal),
        within,
      );
    if (await changed(change)) {
      if (progress.last) growing.delete(progress.key);
      return;
    }
  }
  const say = (given: OutgoingMessage) =>
    web.call(
      "saying something",
      async (api, signal) => {
        const { text, file } = fitted(given);
        if (file === undefined) return api.sendMessage(chat, text, { ...quiet, ...there, ...keyboard }, signal);
        const { InputFile } = await import("grammy");
        const upload = new InputFile(Buffer.from(file.png ?? file.text), fileName(file.name));
        const beside = { caption: text, parse_mode: "HTML" as const, ...there, ...keyboard };
        if (file.png !== undefined) return api.sendPhoto(chat, upload, beside, signal);
        return api.sendDocument(chat, upload, beside, signal);
      },
      within,
    );
  // Telegram tells bots nothing of what was said before.
  const said = await sayMarked(message, () => false, say);
  if (progress === undefined) return;
  growing.delete(progress.key);
  progress.onSaid?.(String(said.message_id));
  if (progress.last) return;
  growing.set(progress.key, said.message_id);
  if (growing.size > GROWING_AT_MOST) growing.delete(growing.keys().next().value as string);
}

/** grammY writes it into its form as it is, where signs would mean something. */
function fileName(name: string): string {
  return name.replace(/[^\w.-]/g, "_");
}

/** `false`: there is nothing to change any more. That it says this already is no error. */
async function changed(change: () => Promise<unknown>): Promise<boolean> {
  try {
    await change();
    return true;
  } catch (error) {
    const words = String(MicroError.from(error).details["telegram"] ?? "");
    if (SAME.test(words)) return true;
    if (GONE.test(words)) return false;
    throw error;
  }
}

/** Signs out of those that Telegram allows (core.telegram.org/bots/api, "ReactionTypeEmoji"). */
const SIGNS = { taken: "👀", waiting: "✍", done: "👍", failed: "👎" } as const satisfies Record<Mark, string>;

/** A reaction, which takes the place of ours before. Default 5000 ms. @throws MicroError as `post` does */
export async function mark(web: Web, place: Place, sign: Mark, options: CallOptions = {}): Promise<void> {
  const chat = chatOf(place);
  const message = Number(place["message"] ?? Number.NaN);
  if (Number.isNaN(message)) throw new MicroError("invalid_argument", "telegram: the place names no message");
  await web.call(
    "a reaction",
    (api, signal) => api.setMessageReaction(chat, message, [{ type: "emoji", emoji: SIGNS[sign] }], {}, signal),
    { timeoutMs: 5000, ...options },
  );
}

function chatOf(place: Place): number {
  const chat = Number(place["chat"] ?? Number.NaN);
  if (Number.isNaN(chat)) throw new MicroError("invalid_argument", "telegram: the place names no chat");
  return chat;
}

const IN_A_ROW = 3;
const AT_MOST = 24;

/** Choices as buttons; those that do not fit are left out, since they can be typed. */
function rows(choices: readonly Choice[]) {
  const all = choices.slice(0, AT_MOST).flatMap(({ label, line }) => {
    const data = choiceData(line);
    return data === undefined || label.trim() === "" ? [] : [{ text: label, callback_data: data }];
  });
  return Array.from({ length: Math.ceil(all.length / IN_A_ROW) }, (_, row) =>
    all.slice(row * IN_A_ROW, (row + 1) * IN_A_ROW),
  );
}
