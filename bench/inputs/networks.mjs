// Each chat network as the bench knows it: how people speak there (in the fake's process), and how the bot gets in.
//
// `open(fakes, {port})` gives `facts` for the bot and `say(text, who)`; what the bot says goes to `said` and is forgotten
// there. Everybody speaks in a room of their own: `who` is a number from 0 to 19.

import { rmSync } from "node:fs";

const WHO = Array.from({ length: 20 }, (_, at) => at);

/** Keeps nothing of what is written down, so that the fake stays as small as the bot should. */
function forget(list, told = () => {}) {
  list.push = (one) => {
    told(one);
    return 0;
  };
}

function peopleOfSlack(slack, said) {
  for (const at of WHO) {
    slack.user(`U${at + 100}`);
    slack.channel(`D${at + 100}`);
  }
  forget(slack.posts, ({ text }) => said(text));
  forget(slack.calls);
  return (text, who) => void slack.say(text, { channel: `D${who + 100}`, user: `U${who + 100}` });
}

/** A WebSocket's ping with nothing in it (RFC 6455 §5.5.2). Slack's clients leave a socket that is not pinged for 30 s. */
const PING = Buffer.from([0x89, 0x00]);

function pinging(sockets) {
  const { upgrade } = sockets;
  sockets.upgrade = (request, socket, head) => {
    upgrade(request, socket, head);
    const timer = setInterval(() => socket.writable && socket.write(PING), 10_000);
    socket.once("close", () => clearInterval(timer));
  };
}

const slack = {
  name: "Slack",
  open: async ({ fakeSlack }, _, said) => {
    const slack = await fakeSlack();
    pinging(slack.sockets);
    const { token, appToken, apiUrl } = slack;
    return { facts: { token, appToken, apiUrl }, say: peopleOfSlack(slack, said) };
  },
  input: async (facts) => (await import("../../dist/src/inputs/slack/slack.js")).slackInput(facts)(),
};

const slackHttp = {
  name: "Slack over HTTP",
  open: async ({ fakeSlack, slackRequests }, { port }, said) => {
    const requests = slackRequests({ port });
    forget(requests.acked);
    const slack = await fakeSlack({ deliveries: requests });
    const { token, apiUrl } = slack;
    const facts = { token, apiUrl, signingSecret: requests.signingSecret, address: `127.0.0.1:${port}` };
    return { facts, say: peopleOfSlack(slack, said) };
  },
  input: slack.input,
};

/** XMPP, and what speaks it. */
function stanzasOf(server, said) {
  for (const list of [server.said, server.answers, server.presences]) forget(list);
  forget(server.heard, ({ text }) => said(text));
}

async function certificateFor({ makeCertificate }, domain) {
  const certificate = await makeCertificate(domain);
  process.once("exit", () => rmSync(certificate.folder, { recursive: true, force: true }));
  return certificate;
}

const xmpp = {
  name: "XMPP",
  open: async (fakes, _, said) => {
    const { fakeXmpp, DOMAIN, xml } = fakes;
    const certificate = await certificateFor(fakes, DOMAIN);
    const server = await fakeXmpp(certificate);
    stanzasOf(server, said);
    let id = 0;
    return {
      facts: { username: `bot@${DOMAIN}`, password: "botpw", server: server.address, ca: certificate.file },
      say: (text, who) => {
        const attrs = { from: `person${who}@${DOMAIN}/laptop`, type: "chat", id: `d${++id}` };
        server.deliver(xml("message", attrs, xml("body", {}, text)));
      },
    };
  },
  input: async (facts) => (await import("../../dist/src/inputs/xmpp/xmpp.js")).xmppInput(facts)(),
};

const hipchat = {
  name: "HipChat",
  open: async (fakes, _, said) => {
    const { fakeHipChat, CHAT } = fakes;
    const certificate = await certificateFor(fakes, CHAT);
    const server = await fakeHipChat(certificate);
    stanzasOf(server, said);
    for (const at of WHO) server.person(`12345_${at + 100}`, `Person ${at}`);
    return {
      facts: { username: "12345_1", password: "botpw", server: server.address, ca: certificate.file },
      say: (text, who) => void server.tell(`12345_${who + 100}@${CHAT}/mac||proxy|${CHAT}|5222`, text),
    };
  },
  input: async (facts) => (await import("../../dist/src/inputs/hipchat/hipchat.js")).hipchatInput(facts)(),
};

const telegram = {
  name: "Telegram",
  open: async ({ fakeTelegram }, _, said) => {
    const telegram = await fakeTelegram();
    forget(telegram.posts, ({ text }) => said(text));
    forget(telegram.calls);
    const { apiUrl, token } = telegram;
    return {
      facts: { apiUrl, token },
      say: (text, who) => void telegram.say(text, { chat: 1000 + who, user: 1000 + who }),
    };
  },
  input: async (facts) => (await import("../../dist/src/inputs/telegram/telegram.js")).telegramInput(facts)(),
};

const discord = {
  name: "Discord",
  open: async ({ fakeDiscord, DIRECT }, _, said) => {
    const discord = await fakeDiscord();
    forget(discord.posts, ({ text }) => said(text));
    forget(discord.calls);
    const { apiUrl, token } = discord;
    return {
      facts: { apiUrl, token },
      say: (text, who) => void discord.say(text, { channel: DIRECT, user: `10000000000000${1000 + who}` }),
    };
  },
  input: async (facts) => (await import("../../dist/src/inputs/discord/discord.js")).discordInput(facts)(),
};

export const NETWORKS = { slack, slackHttp, xmpp, hipchat, telegram, discord };
