import type { GatewayDispatchPayload } from "@discordjs/core/http-only";
import { MicroError } from "../../core/errors.ts";
import { closable } from "../../core/lifecycle.ts";
import type { Log } from "../../core/log.ts";
import type { ConnectOptions, IncomingMessage, InputConnection } from "../input.ts";
import type { Told } from "../told.ts";
import { createWaiting } from "../waiting.ts";
import { linkError } from "./errors.ts";
import { openGateway } from "./gateway.ts";
import { type Marks, mark } from "./mark.ts";
import { type DiscordInteraction, type DiscordMessage, picked, spoken } from "./message.ts";
import { type Kept, post } from "./post.ts";
import type { DiscordSettings } from "./settings.ts";
import type { Web } from "./web.ts";

/** Of how many presses the answers can still be hidden from others. */
const PRESSES = 1000;

/** docs.discord.com, "Interaction Type". */
const COMPONENT = 3;

/**
 * A link to Discord. What cannot be taken up again is the end.
 *
 * @throws MicroError `unauthenticated`, `unavailable`, `timeout`, `cancelled`
 */
export async function discordConnection(
  parts: {
    readonly web: Web;
    readonly settings: DiscordSettings;
    readonly kept: Kept;
    readonly marks: Marks;
    readonly told: Told;
    readonly log: Log;
  },
  init: { readonly lostMs?: number | undefined; readonly quietMs?: number | undefined },
  options: ConnectOptions,
): Promise<InputConnection> {
  const { web, settings, kept, marks, told, log } = parts;
  // Discord's gateway waits for nobody: who does not read is thrown out.
  const waiting = createWaiting({ name: "discord", log, options });
  const closing = new AbortController();
  let self = "";

  const trouble = (doing: string) => (error: Error) => log.warn({ reason: error.message }, `discord: ${doing} failed`);
  const listed = ({ from }: IncomingMessage) =>
    settings.whitelist.size === 0 || settings.whitelist.has(from.id as string);

  const heard = (data: DiscordMessage) => {
    const message = spoken(data, self, settings.prefix);
    if (message === undefined) return;
    if (listed(message)) return waiting.take(message);
    // Others are unheard, but nobody who speaks to the bot is left without a word.
    if (message.addressed && told.first(message.from.id as string)) {
      const words = { place: message.place, parts: [{ kind: "text" as const, text: notListed(message) }] };
      post(web, kept, words).catch(trouble("telling somebody that they are not on the list"));
    }
  };

  const remember = (id: string, application: string, token: string) => {
    kept.presses.set(id, { application, token });
    if (kept.presses.size > PRESSES) kept.presses.delete(kept.presses.keys().next().value as string);
  };

  const pressed = (data: DiscordInteraction) => {
    const { id, token } = data;
    if (data.type !== COMPONENT || !id || !token) return;
    const message = picked(data);
    // Discord shows "This interaction failed" to who gets no sign within 3 s.
    if (message === undefined || listed(message)) {
      const sign = web.call("acknowledging a button", (api, signal) =>
        api.interactions.deferMessageUpdate(id, token, {}, { signal }),
      );
      sign.catch(trouble("acknowledging a button"));
      if (message === undefined) return;
      remember(id, data.application_id ?? self, token);
      return waiting.take(message);
    }
    const words = { content: notListed(message), flags: EPHEMERAL, allowed_mentions: { parse: [] } };
    const whisper = web.call("answering a button", (api, signal) =>
      api.interactions.reply(id, token, words, { signal }),
    );
    whisper.catch(trouble("answering a button"));
  };

  const onDispatch = (payload: GatewayDispatchPayload) => {
    if (payload.t === "READY") self = payload.d.user.id;
    else if (payload.t === "MESSAGE_CREATE") heard(payload.d);
    else if (payload.t === "INTERACTION_CREATE") pressed(payload.d as DiscordInteraction);
  };

  const information = await web.call(
    "asking for the gateway",
    (api, signal) => api.gateway.getBot({ signal }),
    options,
  );
  const { remaining, reset_after: resetMs } = information.session_start_limit;
  if (remaining < 1) {
    const minutes = Math.ceil(resetMs / 60_000);
    throw new MicroError("unavailable", `discord lets this bot connect no more today: again in ${minutes} min`);
  }
  const gateway = await openGateway({ ...init, token: settings.token, information }, onDispatch, options);
  const lost = gateway.over.then((reason) => {
    const error = linkError(reason);
    waiting.end(error);
    void gateway.close();
    return error;
  });

  return {
    [Symbol.asyncIterator]: () => waiting[Symbol.asyncIterator](),
    lost,
    send: async (message, options) => {
      if (closing.signal.aborted) throw new MicroError("unavailable", "discord: the connection is closed");
      return post(web, kept, message, options);
    },
    mark: (place, sign, options) => mark(web, marks, place, sign, options),
    ...closable(async () => {
      closing.abort();
      waiting.close();
      await Promise.all([web.close(), gateway.close()]);
      await lost;
    }),
  };
}

/** docs.discord.com, "Message Flags": only who pressed sees it. */
const EPHEMERAL = 64;

function notListed({ from }: IncomingMessage): string {
  return `I only listen to the people on my list, and you are not on it: your id is ${from.id}. Whoever runs me can add you.`;
}
