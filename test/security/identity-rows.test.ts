/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: guards are quoted as they stand */

import { expect } from "vitest";
import { ANN as DISCORD_ANN } from "../fakes/discord.ts";
import { CHAT, OPS as HIPCHAT_OPS } from "../fakes/hipchat.ts";
import { GROUP, ANN as TELEGRAM_ANN } from "../fakes/telegram.ts";
import { DOMAIN, OPS } from "../fakes/xmpp.ts";
import { deploying, MEMBERS, only } from "./deploying.ts";
import { discordAt, hipchatAt, slackAt, telegramAt, xmppAt } from "./places.ts";
import { proven } from "./proven.ts";

/* People who are called like somebody, or come from elsewhere; `identity.test.ts` goes through all of it on every network. */

proven(
  "Identity confusion",
  "in XMPP admin@evil.example is not admin",
  [
    {
      what: "the domain in who it is",
      file: "inputs/xmpp/message.ts",
      code: "from: { id: from.bare, name: from.local, guest: !hearing.homes.has(from.domain) },",
      without: "from: { id: from.local, name: from.local, guest: false },",
    },
  ],
  async (scene) => {
    const { server, input } = await xmppAt(scene);
    const { deployed, done } = await deploying(scene, [input], {
      policy: only("xmpp:admin", `xmpp:admin@${DOMAIN}`),
    });
    const { xml } = scene.kit;
    const tell = (from: string, text: string) =>
      server.deliver(xml("message", { from, type: "chat", id: text }, xml("body", {}, text)));
    tell("admin@evil.example/x", "deploy evil");
    tell(`admin@${DOMAIN}/x`, "deploy good");
    await expect.poll(() => done.length, { timeout: 3000 }).toBeGreaterThan(0);
    expect(done).not.toContain("evil");
    await deployed("good");
  },
);

proven(
  "Identity confusion",
  "in a room a nick such as admin/x is a nick, and is cut nowhere",
  [
    {
      what: "the real address in who it is",
      file: "inputs/xmpp/message.ts",
      code: "return { id: occupant.jid, name: nick, guest: !hearing.homes.has(parseJid(occupant.jid).domain) };",
      without: 'return { id: nick.split("/")[0], name: nick, guest: false };',
    },
  ],
  async (scene) => {
    const { server, input } = await xmppAt(scene);
    for (const nick of ["admin/x", "admin", `admin@${DOMAIN}`]) {
      server.enter(OPS, nick, { jid: `eve@${DOMAIN}/x` });
    }
    const { deployed, done } = await deploying(scene, [input], {
      policy: only("xmpp:admin", `xmpp:admin@${DOMAIN}`, `xmpp:ann@${DOMAIN}`),
    });
    for (const nick of ["admin/x", "admin", `admin@${DOMAIN}`]) server.say("micro: deploy evil", { nick });
    server.say("micro: deploy last", { nick: "ann" });
    await expect.poll(() => done.length, { timeout: 3000 }).toBeGreaterThan(0);
    expect(done).not.toContain("evil");
    await deployed("last");
  },
);

proven(
  "Identity confusion",
  "an address is split at the first slash only",
  [
    {
      what: "the first of the slashes",
      file: "inputs/xmpp/jid.ts",
      code: 'const slash = text.indexOf("/");',
      without: 'const slash = text.lastIndexOf("/");',
    },
  ],
  async (scene) => {
    const { server, input } = await xmppAt(scene);
    const { xml } = scene.kit;
    // Whoever may choose a resource would be `ann@…/admin@…` of that domain.
    const { deployed, done } = await deploying(scene, [input], { policy: only(`xmpp:ann@${DOMAIN}`) });
    const from = `ann@${DOMAIN}/laptop/2`;
    server.deliver(xml("message", { from, type: "chat", id: "1" }, xml("body", {}, "deploy good")));
    await deployed("good");
    expect(done).toEqual(["good"]);
  },
);

proven(
  "Identity confusion",
  "in HipChat a display name that two people have is nobody's, and one that somebody has taken neither",
  [
    {
      what: "the count of people of a name",
      file: "inputs/hipchat/people.ts",
      code: "byName.set(key, byName.has(key) ? undefined : person);",
      without: "if (!byName.has(key)) byName.set(key, person);",
      and: [
        {
          file: "inputs/hipchat/message.ts",
          code: "const contradicted = occupant !== undefined && occupant.jid !== person?.jid;",
          without: "const contradicted = false;",
        },
      ],
    },
    {
      what: "the room's word against the name",
      file: "inputs/hipchat/message.ts",
      code: "const contradicted = occupant !== undefined && occupant.jid !== person?.jid;",
      without: "const contradicted = false;",
    },
  ],
  async (scene) => {
    const { server, input } = await hipchatAt(scene);
    server.person("12345_5", "Bob", HIPCHAT_OPS);
    server.person("12345_666", "Bob ");
    const { deployed, done } = await deploying(scene, [input], { policy: only("hipchat:12345_2", "hipchat:12345_5") });
    server.sayAs("Bob", "@micro deploy evil");
    server.leave(HIPCHAT_OPS, "Ann Smith");
    server.enter(HIPCHAT_OPS, "Ann Smith", { jid: `12345_666@${CHAT}/web` });
    server.sayAs("Ann Smith", "@micro deploy worse");
    // In order, after what was said in the room.
    server.leave(HIPCHAT_OPS, "Ann Smith");
    server.enter(HIPCHAT_OPS, "Ann Smith", { jid: `12345_2@${CHAT}/mac` });
    server.sayAs("Ann Smith", "@micro deploy last");
    await deployed("last");
    expect(done).toEqual(["last"]);
  },
);

proven(
  "Identity confusion",
  "in Slack a person is team and user, whatever the profile says",
  [
    {
      what: "the number of the account",
      file: "inputs/slack/people.ts",
      code: "id: found?.deleted ? undefined : `${message.team}/${message.user}`,",
      without: "id: `${message.team}/${found?.profile?.display_name || message.user}`,",
    },
    {
      what: "the workspace in who it is",
      file: "inputs/slack/people.ts",
      code: "id: found?.deleted ? undefined : `${message.team}/${message.user}`,",
      without: "id: `${self.team}/${message.user}`,",
    },
  ],
  async (scene) => {
    const { slack, input } = await slackAt(scene);
    slack.user("U1", { profile: { display_name: "Ann" } });
    slack.user("U2", { name: "U1", real_name: "U1", profile: { display_name: "U1" } });
    const { deployed, done } = await deploying(scene, [input], { policy: only("slack:T1/U1", "slack:T1/Ann") });
    slack.say("@micro deploy evil", { user: "U2" });
    slack.say("@micro deploy worse", { user: "U1", team: "T9" });
    slack.say("@micro deploy last");
    await deployed("last");
    expect(done).toEqual(["last"]);
  },
);

proven(
  "Identity confusion",
  "in Telegram a person is a number; who speaks as the group is nobody",
  [
    {
      what: "the number",
      file: "inputs/telegram/message.ts",
      code: "return { id: String(user.id), name:",
      without: "return { id: user.username ?? String(user.id), name:",
    },
    {
      what: "the look at who speaks as a group",
      file: "inputs/telegram/message.ts",
      code: 'if (sender_chat !== undefined) return { id: undefined, name: sender_chat.title || "somebody", guest: true };',
      without: "if (sender_chat !== undefined) return person({ id: Number(sender_chat.title) });",
    },
  ],
  async (scene) => {
    const { telegram, input } = await telegramAt(scene);
    const { deployed, done } = await deploying(scene, [input], { policy: only(`telegram:${TELEGRAM_ANN}`) });
    const like = { id: 666, is_bot: false, first_name: "Ann", username: String(TELEGRAM_ANN) };
    telegram.say("deploy evil", { message: { from: like } });
    const chat = { id: GROUP, title: String(TELEGRAM_ANN) };
    telegram.say("deploy worse", { message: { from: { id: 1087968824, is_bot: true }, sender_chat: chat } });
    telegram.say("deploy last");
    await deployed("last");
    expect(done).toEqual(["last"]);
  },
);

proven(
  "Identity confusion",
  "in Discord a person is an id, whatever they are called",
  [
    {
      what: "the id",
      file: "inputs/discord/message.ts",
      code: "from: person(author, data.member?.nick),\n    place: place(channel, id, guild),",
      without:
        "from: { ...person(author, data.member?.nick), id: data.member?.nick ?? author.id },\n    place: place(channel, id, guild),",
    },
  ],
  async (scene) => {
    const { discord, input } = await discordAt(scene);
    const { deployed, done } = await deploying(scene, [input], { policy: only(`discord:${DISCORD_ANN}`) });
    const like = { author: { id: "42", username: DISCORD_ANN, global_name: "Ann" }, member: { nick: DISCORD_ANN } };
    discord.say("micro deploy evil", { message: like });
    discord.say("micro deploy last");
    await deployed("last");
    expect(done).toEqual(["last"]);
  },
);

proven(
  "Identity confusion",
  "a Hubot adapter that nobody trusts vouches for nobody",
  [
    {
      what: "the question whether it is trusted",
      file: "inputs/hubot/message.ts",
      code: "const id = trusted ? said.user : undefined;",
      without: "const id = said.user;",
    },
  ],
  async ({ kit }) => {
    const said = { id: "1", text: "micro deploy", user: "admin", name: "admin", names: ["micro"], key: "k", sentAt: 0 };
    const facts = said as unknown as Parameters<typeof kit.hubotMessage>[0];
    expect(kit.hubotMessage(facts, false, "unknown").from).toEqual({ id: undefined, name: "admin", guest: true });
    expect(kit.hubotMessage(facts, true, "unknown").from.id).toBe("admin");
  },
);

proven(
  "Outsiders in the room",
  "Slack Connect, guest and deleted accounts, and who cannot be looked up, are no members",
  [
    {
      what: "the workspace that the event names",
      file: "inputs/slack/people.ts",
      code: "guest: message.team !== self.team || found === undefined || isGuest(found, self),",
      without: "guest: found === undefined || isGuest(found, self),",
    },
    {
      what: "failing closed",
      file: "inputs/slack/people.ts",
      code: "guest: message.team !== self.team || found === undefined || isGuest(found, self),",
      without: "guest: message.team !== self.team || (found !== undefined && isGuest(found, self)),",
    },
    {
      what: "the look at the account",
      file: "inputs/slack/people.ts",
      code: "if (user.is_restricted || user.is_ultra_restricted || user.is_stranger || user.deleted) return true;",
    },
    {
      what: "the workspace that the account names",
      file: "inputs/slack/people.ts",
      code: "return user.team_id !== self.team;",
      without: "return false;",
    },
  ],
  async (scene) => {
    const { slack, input } = await slackAt(scene);
    slack.user("U5", { is_restricted: true });
    slack.user("U6", { deleted: true });
    slack.user("U7", { is_stranger: true });
    slack.user("U8", { team_id: "T9" });
    const { deployed, done } = await deploying(scene, [input], { policy: MEMBERS });
    slack.say("@micro deploy evil-connect", { user: "U1", team: "T9" });
    for (const user of ["U5", "U6", "U7", "U8", "U404"]) slack.say(`@micro deploy evil-${user}`, { user });
    slack.say("@micro deploy last");
    await deployed("last");
    expect(done).toEqual(["last"]);
  },
);

proven(
  "Outsiders in the room",
  "in XMPP people of other domains are no members, directly and in a room",
  [
    {
      what: "the domain of who speaks directly",
      file: "inputs/xmpp/message.ts",
      code: "from: { id: from.bare, name: from.local, guest: !hearing.homes.has(from.domain) },",
      without: "from: { id: from.bare, name: from.local, guest: false },",
    },
    {
      what: "the domain of who speaks in a room",
      file: "inputs/xmpp/message.ts",
      code: "guest: !hearing.homes.has(parseJid(occupant.jid).domain) };",
      without: "guest: false };",
    },
  ],
  async (scene) => {
    const { server, input } = await xmppAt(scene);
    server.enter(OPS, "eve", { jid: `eve@sub.${DOMAIN}/x` });
    const { deployed, done } = await deploying(scene, [input], { policy: MEMBERS });
    const { xml } = scene.kit;
    server.say("micro: deploy evil", { nick: "eve" });
    const direct = (from: string, text: string) =>
      server.deliver(xml("message", { from, type: "chat", id: text }, xml("body", {}, text)));
    direct("ann@evil.example/x", "deploy worse");
    direct(`ann@${DOMAIN}/x`, "deploy second");
    server.say("micro: deploy last");
    await deployed("second");
    await deployed("last");
    expect(done.filter((what) => what === "evil" || what === "worse")).toEqual([]);
  },
);

proven(
  "Outsiders in the room",
  "a stranger gets nothing that is not granted to strangers, not even what only reads",
  [
    {
      what: "the word that they are a stranger",
      file: "bot/people.ts",
      code: "return message.from.guest || message.from.id === undefined;",
      without: "return false;",
    },
  ],
  async (scene) => {
    const input = scene.kit.memoryInput();
    const { texts, done } = await deploying(scene, [input], { policy: MEMBERS });
    input.say("deploy evil", { from: { id: "eve", guest: true } });
    await expect.poll(() => texts().length, { timeout: 3000 }).toBe(1);
    input.say("help", { from: { id: undefined as unknown as string, name: "nobody", guest: false } });
    await expect.poll(() => texts().length, { timeout: 3000 }).toBe(2);
    expect(done).toEqual([]);
    expect(texts()[0]).toContain("test:deploy");
  },
);

proven(
  "Outsiders in the room",
  "a whitelist of Telegram or Discord keeps out who is not on it",
  [
    {
      what: "Telegram's list",
      file: "inputs/telegram/connection.ts",
      code: "settings.whitelist.size === 0 || (from.id !== undefined && settings.whitelist.has(from.id));",
      without: "true;",
    },
    {
      what: "Discord's list",
      file: "inputs/discord/connection.ts",
      code: "settings.whitelist.size === 0 || settings.whitelist.has(from.id as string);",
      without: "true;",
    },
  ],
  async (scene) => {
    const { telegram, input } = await telegramAt(scene, [String(TELEGRAM_ANN)]);
    const { discord, input: second } = await discordAt(scene, [DISCORD_ANN]);
    const { deployed, done } = await deploying(scene, [input, second], { policy: MEMBERS });
    telegram.say("deploy evil", { user: 666, chat: 666 });
    telegram.say("deploy last");
    discord.say("micro deploy worse", { user: "666" });
    discord.say("micro deploy final");
    await deployed("last");
    await deployed("final");
    expect([...done].sort()).toEqual(["final", "last"]);
  },
);
