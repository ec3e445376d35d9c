import type { Clock } from "../../core/clock.ts";
import { MicroError } from "../../core/errors.ts";
import { closable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import type { IncomingMessage, InputConnection } from "../input.ts";
import type { Told } from "../told.ts";
import { linkError } from "./errors.ts";
import { picked, type Self, spoken, type TelegramPress, type TelegramUpdate } from "./message.ts";
import { type Growing, mark, post } from "./post.ts";
import type { TelegramSettings } from "./settings.ts";
import type { Web } from "./web.ts";

/** How much longer than it was asked to Telegram may take for an answer before the link counts as lost. */
const GRACE_MS = 10_000;

/** Telegram gives at once what it has; what takes longer than this was not there when we asked. */
const WAITED_MS = 1000;

/** A server that does not wait as it was asked to is not asked again sooner than this. */
const PAUSE_MS = 250;

/**
 * Asks Telegram for messages, one at a time: asking for the next with its number tells Telegram that the one before was
 * taken, and what was not taken comes again (core.telegram.org/bots/api, "getUpdates"). So nothing is asked before the bot
 * wants it.
 */
export function telegramConnection(parts: {
  readonly web: Web;
  readonly self: Self;
  readonly settings: TelegramSettings;
  readonly pollMs: number;
  readonly growing: Growing;
  readonly told: Told;
  readonly clock: Clock;
  readonly log: Log;
}): InputConnection {
  const { web, self, settings, pollMs, growing, told, clock, log } = parts;
  const closing = new AbortController();
  /** The number to ask with; only once, because then Telegram has it, and begins anew with lower ones some day. */
  let next: number | undefined;
  /** Telegram has had nothing for us, so that whatever comes from now on has just happened. */
  let caughtUp = false;

  const trouble = (doing: string) => (error: Error) => log.warn({ reason: error.message }, `telegram: ${doing} failed`);
  const listed = ({ from }: IncomingMessage) =>
    settings.whitelist.size === 0 || (from.id !== undefined && settings.whitelist.has(from.id));

  const ask = async (): Promise<readonly TelegramUpdate[]> => {
    const began = clock.now();
    const updates = await web.call(
      "asking for messages",
      (api, signal) =>
        api.getUpdates(
          {
            ...(next !== undefined && { offset: next }),
            limit: 1,
            timeout: Math.ceil(pollMs / 1000),
            allowed_updates: ["message", "callback_query"],
          },
          signal,
        ),
      { signal: closing.signal, timeoutMs: pollMs + GRACE_MS },
    );
    next = undefined;
    caughtUp ||= updates.length === 0 || clock.now() - began >= WAITED_MS;
    const tooSoon = updates.length === 0 && clock.now() - began < PAUSE_MS;
    if (tooSoon) await clock.sleep(PAUSE_MS, { signal: closing.signal }).catch(() => {});
    return updates as readonly TelegramUpdate[];
  };

  /** The client shows a clock on the button until we give a sign; words with it are for who pressed alone. */
  const sign = (press: TelegramPress, words?: string) => {
    const given = web.call("acknowledging a button", (api, signal) =>
      api.answerCallbackQuery(press.id ?? "", words === undefined ? {} : { text: words, show_alert: true }, signal),
    );
    given.catch((error: Error) => log.debug({ reason: error.message }, "telegram: a button was not acknowledged"));
  };

  const pressed = (press: TelegramPress): IncomingMessage | undefined => {
    const message = picked(press, clock.now(), !caughtUp);
    if (message === undefined || listed(message)) {
      sign(press);
      return message;
    }
    sign(press, notListed(message));
    return undefined;
  };

  const heard = (update: TelegramUpdate): IncomingMessage | undefined => {
    if (update.callback_query) return pressed(update.callback_query);
    const message = update.message && spoken(update.message, self);
    if (message === undefined || listed(message)) return message;
    // Others are unheard, but nobody who speaks to the bot is left without a word.
    if (message.addressed && told.first(message.from.id ?? message.place.room)) {
      const words = { place: message.place, parts: [{ kind: "text" as const, text: notListed(message) }] };
      post(web, growing, words).catch(trouble("telling somebody that they are not on the list"));
    }
    return undefined;
  };

  async function* messages(): AsyncGenerator<IncomingMessage> {
    while (!closing.signal.aborted) {
      let updates: readonly TelegramUpdate[];
      try {
        updates = await ask();
      } catch (error) {
        if (closing.signal.aborted) return;
        throw linkError(MicroError.from(error, "unavailable"));
      }
      for (const update of updates) {
        if (closing.signal.aborted) return;
        const message = heard(update);
        if (message !== undefined) yield message;
        next = update.update_id + 1;
      }
    }
  }

  return {
    [Symbol.asyncIterator]: messages,
    send: async (message, options) => {
      if (closing.signal.aborted) throw new MicroError("unavailable", "telegram: the connection is closed");
      return post(web, growing, message, options);
    },
    mark: (place, sign, options) => mark(web, place, sign, options),
    ...closable(async () => {
      closing.abort();
      await web.close();
    }),
  };
}

function notListed({ from }: IncomingMessage): string {
  const who = from.id === undefined ? "Telegram does not tell me who you are" : `your id is ${from.id}`;
  return `I only listen to the people on my list, and you are not on it: ${who}. Whoever runs me can add you.`;
}
