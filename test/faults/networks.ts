import { xml } from "../../src/inputs/xmpp/xml.ts";
import { type FakeSlack, type FakeSlackInit, fakeSlack, type Said } from "../fakes/slack.ts";
import { type FakeTelegram, fakeTelegram } from "../fakes/telegram.ts";
import { DOMAIN, fakeXmpp } from "../fakes/xmpp.ts";
import { makeCertificate } from "../fakes/xmpp-certificate.ts";
import type { Random } from "./random.ts";

/** A network on which each command has a place of its own, so that whatever is said there is said to that command. */
export interface Network {
  readonly name: string;
  /** What `micro bot` is told to be on it. */
  readonly env: Readonly<Record<string, string>>;
  /** `false`: nobody was there to say it to. */
  say(id: string, line: string): boolean;
  /** It comes again, though it was taken. */
  again(id: string): void;
  /** It is made into something else; absent where there are no edits. */
  edit?(id: string, line: string): void;
  /** What the bot said to it. */
  answers(): Iterable<readonly [id: string, text: string]>;
  /** The network has given up, or never gives anything again: if the bot does not know of it, nobody is to blame. */
  lost(id: string): boolean;
  /** "Too fast", so many times. */
  slow(times: number): void;
  /** Answers are lost on their way: what was said may have arrived. */
  reset(times: number): void;
  /** Whatever links there are go silent and stay open; absent where links are not kept. */
  freeze?(): void;
  /** Links break. */
  cut(): void;
  close(): Promise<void>;
}

/** Channels and people to talk in and by, so that neither Slack's pace nor the bot's limits are what is tried here. */
const CHANNELS = 60;
const PEOPLE = 40;

/** @param init where it seems to be, for who is not on this machine */
export async function slackNetwork(
  chance: Random,
  init: Pick<FakeSlackInit, "seenAt"> = {},
): Promise<Network & { readonly slack: FakeSlack }> {
  const slack = await fakeSlack({ ackMs: 1000, ...init });
  for (let at = 0; at < CHANNELS; at++) slack.channel(`C${100 + at}`);
  for (let at = 0; at < PEOPLE; at++) slack.user(`U${100 + at}`);
  const said = new Map<string, Said>();
  const byThread = new Map<string, string>();
  let count = 0;
  return {
    name: "slack",
    slack,
    env: {
      MICRO_SLACK_TOKEN: slack.token,
      MICRO_SLACK_APP_TOKEN: slack.appToken,
      MICRO_SLACK_API_URL: slack.apiUrl,
    },
    say: (id, line) => {
      count += 1;
      const thread = `1000.${String(count).padStart(6, "0")}`;
      byThread.set(thread, id);
      const channel = `C${100 + chance.below(CHANNELS)}`;
      const user = `U${100 + chance.below(PEOPLE)}`;
      // Sometimes what was said first comes last.
      const late =
        chance.next() < 0.1 ? { event: { ts: `${Math.floor(Date.now() / 1000) - 20}.${thread.slice(5)}` } } : {};
      said.set(id, slack.say(`@micro ${line}`, { channel, user, thread, ...late }));
      return true;
    },
    again: (id) => {
      for (const event of said.get(id)?.eventIds ?? []) slack.sockets.duplicate(event);
    },
    edit: (id, line) => slack.edit(said.get(id) as Said, `@micro ${line}`),
    *answers() {
      for (const { thread, text } of [...slack.posts, ...slack.people.whispers]) {
        const id = byThread.get(thread ?? "");
        if (id !== undefined) yield [id, text];
      }
    },
    lost: (id) => {
      const one = said.get(id);
      const tries = one?.eventIds.map((event) => slack.sockets.attempts.get(event)?.length ?? 0) ?? [];
      return one !== undefined && !slack.acked(one) && tries.every((count) => count > 3);
    },
    slow: (times) => slack.fault("chat.postMessage", { retryAfter: 1, times }),
    reset: (times) => slack.fault("chat.postMessage", { reset: true, times }),
    freeze: slack.sockets.freeze,
    cut: slack.sockets.cut,
    close: slack.close,
  };
}

/** Everybody talks to the bot alone. */
export async function telegramNetwork(): Promise<Network> {
  const telegram: FakeTelegram = await fakeTelegram();
  const updates = new Map<string, number>();
  const byChat = new Map<number, string>();
  let chat = 1000;
  return {
    name: "telegram",
    env: { MICRO_TELEGRAM_TOKEN: telegram.token, MICRO_TELEGRAM_API_URL: telegram.apiUrl },
    say: (id, line) => {
      chat += 1;
      byChat.set(chat, id);
      updates.set(id, telegram.say(line, { chat, user: chat }));
      return true;
    },
    // Telegram gives them in order, so that one which comes before others takes their place.
    again: (id) => {
      const update = updates.get(id) ?? 0;
      if (telegram.taken.has(update)) telegram.again(update);
    },
    edit: (id, line) => {
      const [at] = [...byChat].find(([, one]) => one === id) ?? [0];
      const from = { id: at, is_bot: false, first_name: "x" };
      const date = Math.floor(Date.now() / 1000);
      const chat = { id: at, type: "private" };
      telegram.update({ edited_message: { message_id: 1, date, edit_date: date, chat, from, text: line } });
    },
    *answers() {
      for (const { chat, text } of telegram.posts) {
        const id = byChat.get(chat);
        if (id !== undefined) yield [id, text];
      }
    },
    lost: () => false,
    slow: (times) => telegram.fault("sendMessage", { retryAfter: 1, times }),
    reset: (times) => telegram.fault("sendMessage", { reset: true, times }),
    cut: telegram.cut,
    close: telegram.close,
  };
}

/** Direct talk, over a server that keeps nothing for who is away. */
export async function xmppNetwork(): Promise<Network> {
  const certificate = await makeCertificate(DOMAIN);
  const server = await fakeXmpp(certificate);
  const said = new Map<string, ReturnType<typeof xml>>();
  let links = 0;
  return {
    name: "xmpp",
    env: {
      MICRO_XMPP_USERNAME: `bot@${DOMAIN}`,
      MICRO_XMPP_PASSWORD: "botpw",
      MICRO_XMPP_SERVER: server.address,
      MICRO_XMPP_CA: certificate.file,
    },
    say: (id, line) => {
      links = Math.max(links, server.logins);
      if (links === 0) return false;
      const stanza = xml("message", { from: `${id}@${DOMAIN}/x`, type: "chat", id }, xml("body", {}, line));
      said.set(id, stanza);
      server.deliver(stanza);
      return true;
    },
    again: (id) => server.deliver(said.get(id) ?? xml("message")),
    edit: (id, line) => {
      const replace = xml("replace", { xmlns: "urn:xmpp:message-correct:0", id });
      server.deliver(
        xml("message", { from: `${id}@${DOMAIN}/x`, type: "chat", id: `${id}-e` }, xml("body", {}, line), replace),
      );
    },
    *answers() {
      for (const { to, text } of server.heard) yield [to.slice(0, to.indexOf("@")), text];
    },
    // Without XEP-0198 nothing tells a server that what it has handed over was taken.
    lost: () => true,
    slow: () => {},
    reset: () => {},
    cut: server.cut,
    close: async () => {
      await server.close();
      await certificate.remove();
    },
  };
}
