import { expect } from "vitest";
import { NS } from "../../src/inputs/xmpp/names.ts";
import { ANN as TELEGRAM_ANN } from "../fakes/telegram.ts";
import { DOMAIN, OPS } from "../fakes/xmpp.ts";
import { deploying } from "./deploying.ts";
import { discordAt, slackAt, telegramAt, xmppAt } from "./places.ts";
import { proven } from "./proven.ts";

/* What nobody says to the bot now: edits, previews, what was said before, what comes twice. */

proven(
  "Edit and unfurl tricks",
  "in Slack nothing is carried out because of an edit or a preview",
  [
    {
      what: "the look at `edited`",
      file: "inputs/slack/message.ts",
      code: " || event.edited !== undefined",
    },
    {
      what: "the kinds of messages that people say",
      file: "inputs/slack/message.ts",
      code: "if (!SPOKEN.has(event.subtype) || event.hidden || event.edited !== undefined || event.bot_id) return undefined;",
      without: "Object.assign(event, (event as { message?: object }).message);",
    },
  ],
  async (scene) => {
    const { slack, input } = await slackAt(scene);
    const { deployed, done } = await deploying(scene, [input]);
    const said = slack.say("thinking aloud");
    slack.edit(said, "@micro deploy evil");
    const ts = `${Math.floor(Date.now() / 1000)}.900001`;
    const words = { type: "message", user: "U1", text: "deploy worse", ts, attachments: [{ text: "x" }] };
    slack.event({
      type: "message",
      subtype: "message_changed",
      hidden: true,
      channel: "D1",
      channel_type: "im",
      ts,
      message: words,
    });
    slack.say("@micro deploy last");
    await deployed("last");
    expect(done).toEqual(["last"]);
  },
);

proven(
  "Edit and unfurl tricks",
  "in XMPP a correction says nothing",
  [
    {
      what: "the look at corrections",
      file: "inputs/xmpp/message.ts",
      code: '["replace", NS.correct],',
    },
  ],
  async (scene) => {
    const { server, input } = await xmppAt(scene);
    const { xml } = scene.kit;
    const { deployed, done } = await deploying(scene, [input]);
    const { attrs } = server.say("micro: ping");
    server.say("micro: deploy evil", { children: [xml("replace", { xmlns: NS.correct, id: attrs["id"] })] });
    server.say("micro: deploy last");
    await deployed("last");
    expect(done).toEqual(["last"]);
  },
);

proven(
  "Edit and unfurl tricks",
  "in Telegram and Discord an edit or a forward says nothing",
  [
    {
      what: "Telegram's date of an edit",
      file: "inputs/telegram/message.ts",
      code: "data.edit_date !== undefined || ",
    },
    { what: "Telegram's sign of a forward", file: "inputs/telegram/message.ts", code: " || data.forward_origin" },
    { what: "Discord's date of an edit", file: "inputs/discord/message.ts", code: " || data.edited_timestamp" },
    {
      what: "Discord's sign of a forward",
      file: "inputs/discord/message.ts",
      code: "if (data.message_reference?.type === FORWARD) return undefined;",
    },
  ],
  async (scene) => {
    const { telegram, input } = await telegramAt(scene);
    const { discord, input: second } = await discordAt(scene);
    const { deployed, done } = await deploying(scene, [input, second]);
    telegram.say("deploy evil", { message: { edit_date: 2 } });
    telegram.say("deploy evil", { message: { forward_origin: { type: "user", sender_user: { id: TELEGRAM_ANN } } } });
    telegram.say("deploy last");
    discord.say("micro deploy worse", { message: { edited_timestamp: new Date().toISOString() } });
    discord.say("micro deploy worse", { message: { message_reference: { type: 1 } } });
    discord.say("micro deploy final");
    await deployed("last");
    await deployed("final");
    expect([...done].sort()).toEqual(["final", "last"]);
  },
);

proven(
  "History replay = command replay",
  "what a room tells newcomers, and whatever has a date, is not carried out",
  [
    {
      what: "the look at dates",
      file: "inputs/xmpp/message.ts",
      code: 'if (!room.joined || nick === "" || room.occupants.isMe(nick) || delayed(stanza)) return undefined;',
      without: 'if (nick === "" || room.occupants.isMe(nick)) return undefined;',
    },
  ],
  async (scene) => {
    const { server, input } = await xmppAt(scene);
    const { xml } = scene.kit;
    const delay = xml("delay", { xmlns: NS.delay, from: OPS, stamp: "2020-01-01T00:00:00Z" });
    const old = (text: string, ...children: (typeof delay)[]) =>
      xml("message", { from: `${OPS}/ann`, type: "groupchat", id: text }, xml("body", {}, text), ...children);
    server.room(OPS).history = [old("micro: deploy undated"), old("micro: deploy dated", delay)];
    const { deployed, done } = await deploying(scene, [input]);
    server.deliver(old("micro: deploy late", delay));
    server.say("micro: deploy last");
    await deployed("last");
    expect(done).toEqual(["last"]);
    expect(server.room(OPS).asked).toMatchObject({ maxstanzas: "0" });
  },
);

proven(
  "History replay = command replay",
  "what was said more than a minute ago is told and not carried out",
  [
    {
      what: "the look at its age",
      file: "bot/layers/fresh.ts",
      code: "if (age <= maxAgeMs) return next(context);",
      without: "if (age >= 0) return next(context);",
    },
  ],
  async (scene) => {
    const { server, input } = await xmppAt(scene);
    const { xml } = scene.kit;
    const { deployed, done, texts } = await deploying(scene, [input]);
    const stamp = new Date(Date.now() - 120_000).toISOString();
    const from = `ann@${DOMAIN}/x`;
    server.deliver(
      xml(
        "message",
        { from, type: "chat", id: "1" },
        xml("body", {}, "deploy old"),
        xml("delay", { xmlns: NS.delay, stamp }),
      ),
    );
    server.deliver(xml("message", { from, type: "chat", id: "2" }, xml("body", {}, "deploy last")));
    await deployed("last");
    expect(done).toEqual(["last"]);
    expect(texts().join()).toContain("nothing was done");
  },
);

proven(
  "History replay = command replay",
  "what comes twice takes effect once, also after a restart",
  [
    {
      what: "the journal",
      file: "bot/layers/once.ts",
      code: "if (claim === undefined) return undefined;",
      without: "",
    },
  ],
  async (scene) => {
    const { kit } = scene;
    const store = kit.memoryKv();
    await store.start();
    const at = (number: number) => ({ event: { ts: `${Math.floor(Date.now() / 1000)}.90000${number}` } });
    const before = at(0);
    const done: string[] = [];
    for (const [index, run] of ["first", "second"].entries()) {
      const { slack, input } = await slackAt(scene);
      const here = await deploying(scene, [input], { store });
      const said = slack.say("@micro deploy once", before);
      for (const id of said.eventIds) slack.sockets.duplicate(id);
      slack.say(`@micro deploy ${run}`, at(index + 1));
      await here.deployed(run);
      done.push(...here.done);
      await here.bot.stop();
    }
    expect(done).toEqual(["once", "first", "second"]);
  },
);
