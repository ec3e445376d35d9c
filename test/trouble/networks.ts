import { setTimeout as wait } from "node:timers/promises";
import { hipchatInput } from "../../src/inputs/hipchat/hipchat.ts";
import type { Input } from "../../src/inputs/input.ts";
import { slackInput } from "../../src/inputs/slack/slack.ts";
import { telegramInput } from "../../src/inputs/telegram/telegram.ts";
import { xmppInput } from "../../src/inputs/xmpp/xmpp.ts";
import { startProsody, XMPP_DOMAIN } from "../fakes/prosody-server.ts";
import { fakeSlack } from "../fakes/slack.ts";
import { fakeTelegram } from "../fakes/telegram.ts";
import { deafProxy } from "./deaf-proxy.ts";
import { roomPerson } from "./person.ts";

/** A network that can be killed, and somebody at it. */
export interface Network {
  readonly name: string;
  readonly input: Input;
  /** Says it to the bot. `false`: the network was away, so it was not said at all. */
  say(line: string): boolean;
  /** The texts of the bot's messages, each as often as it stands there. */
  heard(): Iterable<string>;
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** For a while nothing comes back of what the bot says, though it arrives; then its link is lost. */
  deafen?(): Promise<void>;
  close(): Promise<void>;
}

/** Slack keeps what is said while nobody listens. Channels and direct talk in turn. */
export async function slackNetwork(): Promise<Network> {
  const slack = await fakeSlack();
  let count = 0;
  return {
    name: "slack",
    input: slackInput({ token: slack.token, appToken: slack.appToken, apiUrl: slack.apiUrl })(),
    say: (line) => {
      if (count++ % 2 === 0) slack.say(`@micro ${line}`);
      else slack.say(line, { channel: "D1" });
      return true;
    },
    *heard() {
      for (const { text } of slack.posts) yield text;
      for (const { text } of slack.people.whispers) yield text;
    },
    kill: slack.kill,
    restart: slack.restart,
    close: slack.close,
  };
}

/** Telegram keeps it as well. */
export async function telegramNetwork(): Promise<Network> {
  const telegram = await fakeTelegram();
  return {
    name: "telegram",
    input: telegramInput({ token: telegram.token, apiUrl: telegram.apiUrl, pollMs: 5000 })(),
    say: (line) => {
      telegram.say(line);
      return true;
    },
    *heard() {
      for (const { text } of telegram.posts) yield text;
    },
    kill: telegram.kill,
    restart: telegram.restart,
    close: telegram.close,
  };
}

/** Prosody, a real server: what it had not written down when it was killed is gone. A room and direct talk in turn. */
export async function xmppNetwork(): Promise<Network> {
  const server = await startProsody(["bot", "ann"]);
  const room = `ops@${server.rooms}`;
  const way = await deafProxy(server.port);
  const ann = await roomPerson(server, "ann", room);
  let count = 0;
  return {
    name: "xmpp",
    input: xmppInput({
      username: `bot@${XMPP_DOMAIN}`,
      password: "botpw",
      server: way.address,
      ca: server.certificate.file,
      rooms: [room],
    })(),
    say: (line) => (count++ % 2 === 0 ? ann.sayInRoom(`micro: ${line}`) : ann.sayTo(`bot@${XMPP_DOMAIN}`, line)),
    heard: ann.heard,
    kill: server.kill,
    restart: async () => {
      await server.restart();
      await ann.comeBack();
    },
    deafen: async () => {
      way.deafen();
      await wait(700);
      way.cut();
    },
    close: async () => {
      await ann.close();
      await way.close();
      await server.stop();
    },
  };
}

/** HipChat's dialect at a server of ours, which knows nobody's names, so that everybody is a stranger there. */
export async function hipchatNetwork(): Promise<Network> {
  const server = await startProsody(["1_1", "ann"]);
  const room = `1_ops@${server.rooms}`;
  const ann = await roomPerson(server, "ann", room);
  let count = 0;
  return {
    name: "hipchat",
    input: hipchatInput({
      username: `1_1@${XMPP_DOMAIN}`,
      password: "1_1pw",
      server: server.address,
      ca: server.certificate.file,
      rooms: [room],
      // A room is gone with its server, and listed again when somebody is in it.
      refreshMs: 300,
    })(),
    say: (line) => (count++ % 2 === 0 ? ann.sayInRoom(`micro ${line}`) : ann.sayTo(`1_1@${XMPP_DOMAIN}`, line)),
    heard: ann.heard,
    kill: server.kill,
    restart: async () => {
      await server.restart();
      await ann.comeBack();
    },
    close: async () => {
      await ann.close();
      await server.stop();
    },
  };
}
