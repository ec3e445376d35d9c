import { PassThrough, Writable } from "node:stream";
import { hipchatInput } from "../../../src/inputs/hipchat/hipchat.ts";
import type { Input } from "../../../src/inputs/input.ts";
import { slackInput } from "../../../src/inputs/slack/slack.ts";
import { terminalInput } from "../../../src/inputs/terminal/terminal.ts";
import { xml } from "../../../src/inputs/xmpp/xml.ts";
import { xmppInput } from "../../../src/inputs/xmpp/xmpp.ts";
import { freePort } from "../../fakes/free-port.ts";
import { BOT, CHAT, fakeHipChat } from "../../fakes/hipchat.ts";
import { readTyped } from "../../fakes/hipchat-reader.ts";
import { hasProsody, startProsody, XMPP_DOMAIN } from "../../fakes/prosody-server.ts";
import { fakeSlack, type Said } from "../../fakes/slack.ts";
import { slackRequests } from "../../fakes/slack-http.ts";
import { DOMAIN, fakeXmpp, OPS } from "../../fakes/xmpp.ts";
import { makeCertificate } from "../../fakes/xmpp-certificate.ts";
import { hasSlixmpp, xmppPerson } from "../../fakes/xmpp-person.ts";
import { liveIn } from "../../fakes/xmpp-reader.ts";
import { slackPeople } from "../slack/chat-under-test.ts";

/** A network with somebody at it who talks to the bot where others could hear it. */
export interface Network {
  readonly input: Input;
  /** Somebody says a line to the bot. */
  say(line: string): void;
  /** What stands there of the bot's now, oldest first: edits are carried out, files are read. */
  heard(): readonly { readonly text: string; readonly live: readonly string[] }[];
  /** What was said last is delivered again; absent where a network does no such thing. */
  again?(): void;
  /** What was said last is made into something else. */
  edit?(line: string): void;
  close(): Promise<void>;
}

export interface NetworkRow {
  readonly name: string;
  /** Why it cannot be tried here. */
  readonly lacks?: string | undefined;
  open(): Promise<Network>;
}

/** All networks that the conversation is held on. A new one is a row, and a function that opens it. */
export const NETWORKS: readonly NetworkRow[] = [
  { name: "the terminal", open: terminal },
  { name: "Slack over a socket", open: slackSocket },
  { name: "Slack over HTTP", open: slackHttp },
  { name: "XMPP", open: xmpp },
  { name: "HipChat", open: hipchat },
  {
    name: "XMPP at Prosody",
    lacks: hasProsody && hasSlixmpp ? undefined : "prosody or slixmpp is not installed",
    open: prosody,
  },
];

async function terminal(): Promise<Network> {
  const input = new PassThrough();
  const heard: string[] = [];
  const output = new Writable({
    write: (chunk, _encoding, done) => {
      heard.push(String(chunk).replace(/\n$/, ""));
      done();
    },
  });
  return {
    input: terminalInput({ input, output, user: "ann" })(),
    say: (line) => void input.write(`${line}\n`),
    heard: () =>
      heard.map((text) => ({ text, live: [...text].filter((char) => char < " " && char !== "\n" && char !== "\t") })),
    close: async () => void input.end(),
  };
}

async function slackSocket(): Promise<Network> {
  const slack = await fakeSlack();
  const said: Said[] = [];
  return {
    input: slackInput({ token: slack.token, appToken: slack.appToken, apiUrl: slack.apiUrl })(),
    ...slackTalk(slackPeople(slack, said)),
    again: () => {
      for (const id of said.at(-1)?.eventIds ?? []) slack.sockets.duplicate(id);
    },
    edit: (line) => slack.edit(said.at(-1) as Said, `@micro ${line}`),
    close: slack.close,
  };
}

async function slackHttp(): Promise<Network> {
  const port = await freePort();
  const requests = slackRequests({ port });
  const slack = await fakeSlack({ deliveries: requests });
  const said: Said[] = [];
  return {
    input: slackInput({
      token: slack.token,
      signingSecret: requests.signingSecret,
      address: `127.0.0.1:${port}`,
      apiUrl: slack.apiUrl,
    })(),
    ...slackTalk(slackPeople(slack, said)),
    again: () => {
      for (const id of said.at(-1)?.eventIds ?? []) requests.duplicate(id);
    },
    edit: (line) => slack.edit(said.at(-1) as Said, `@micro ${line}`),
    close: async () => {
      requests.close();
      await slack.close();
    },
  };
}

function slackTalk({ say, heard }: ReturnType<typeof slackPeople>): Pick<Network, "say" | "heard"> {
  return {
    say,
    heard: () => heard().map(({ text, file, live }) => ({ text: file ? `${text}\n${file.text}` : text, live })),
  };
}

async function xmpp(): Promise<Network> {
  const certificate = await makeCertificate(DOMAIN);
  const server = await fakeXmpp(certificate);
  let last = xml("message");
  return {
    input: xmppInput({
      username: `bot@${DOMAIN}`,
      password: "botpw",
      server: server.address,
      ca: certificate.file,
      rooms: [OPS],
    })(),
    say: (line) => {
      last = server.say(`micro: ${line}`);
    },
    heard: () => server.heard.map(({ text, stanza }) => ({ text: unfenced(text), live: liveIn(stanza, "") })),
    again: () => server.deliver(last),
    edit: (line) => {
      const replaces = xml("replace", { xmlns: "urn:xmpp:message-correct:0", id: last.attrs["id"] });
      server.say(`micro: ${line}`, { children: [replaces] });
    },
    close: async () => {
      await server.close();
      await certificate.remove();
    },
  };
}

async function hipchat(): Promise<Network> {
  const certificate = await makeCertificate(CHAT);
  const server = await fakeHipChat(certificate);
  let last = xml("message");
  return {
    input: hipchatInput({ username: BOT, password: "botpw", server: server.address, ca: certificate.file })(),
    say: (line) => {
      last = server.sayAs("Ann Smith", `@micro ${line}`);
    },
    heard: () => server.heard.map(({ text }) => readTyped(text)),
    again: () => server.deliver(last),
    edit: (line) => {
      const replaces = xml("replace", { xmlns: "urn:xmpp:message-correct:0", id: last.attrs["id"] });
      server.sayAs("Ann Smith", `@micro ${line}`, { children: [replaces] });
    },
    close: async () => {
      await server.close();
      await certificate.remove();
    },
  };
}

async function prosody(): Promise<Network> {
  const server = await startProsody(["bot", "ann"]);
  const room = `ops@${server.rooms}`;
  const ann = await xmppPerson(server, "ann");
  await ann.join(room, "ann");
  const say = (line: string, more: Record<string, string> = {}) =>
    ann.do({ do: "say", to: room, type: "groupchat", body: `micro: ${line}`, ...more });
  let count = 0;
  return {
    input: xmppInput({
      username: `bot@${XMPP_DOMAIN}`,
      password: "botpw",
      server: server.address,
      ca: server.certificate.file,
      rooms: [room],
    })(),
    say: (line) => say(line, { id: `said-${++count}` }),
    heard: () => {
      const seen = new Map<string, { text: string; live: readonly string[] }>();
      for (const { event, id = "", from, body = "", replaces, children = [] } of ann.events) {
        if (event !== "message" || from !== `${room}/micro` || body === "") continue;
        const live = children.map((tag) => tag.replace(/^\{.*\}/, "")).filter((tag) => !HARMLESS.has(tag));
        seen.set(replaces ?? id, { text: unfenced(body), live });
      }
      return [...seen.values()];
    },
    edit: (line) => say(line, { id: `said-${count}-edited`, replaces: `said-${count}` }),
    close: async () => {
      await ann.close();
      await server.stop();
    },
  };
}

/** What a message may consist of that shows a text and nothing else. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...["body", "thread", "origin-id", "unstyled", "replace", "x", "stanza-id", "occupant-id", "archived"],
]);

/** A message that is one block of text with a fixed width, as clients show it. */
function unfenced(text: string): string {
  return text.replace(/^```\n([\s\S]*)\n```$/, "$1");
}
