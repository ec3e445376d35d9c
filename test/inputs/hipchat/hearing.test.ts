import { describe, expect, it, vi } from "vitest";
import { HC } from "../../../src/inputs/hipchat/names.ts";
import type { IncomingMessage, OutgoingMessage } from "../../../src/inputs/input.ts";
import { NS } from "../../../src/inputs/xmpp/names.ts";
import { child, elements, xml } from "../../../src/inputs/xmpp/xml.ts";
import { manualClock } from "../../fakes/clock.ts";
import { BOT, CHAT, CONF, OPS } from "../../fakes/hipchat.ts";
import { atFake } from "./at-fake.ts";

const fake = atFake();
const ANN = `12345_2@${CHAT}`;
const NOBODY = { id: undefined, guest: true };
const DELAY = xml("delay", { xmlns: NS.delay, from: OPS, stamp: "2018-01-01T00:00:00Z" });

const froms = (messages: readonly IncomingMessage[]) => messages.map(({ from: { id, guest } }) => ({ id, guest }));
const text = (place: IncomingMessage["place"], words: string): OutgoingMessage => ({
  place,
  parts: [{ kind: "text", text: words }],
});

describe("who speaks in HipChat", () => {
  it("a room's speaker by number, through the roster", async () => {
    await fake.connect();
    fake.server.sayAs("Ann Smith", "@Micro ping", { sender: ANN });
    const [message] = await fake.heard();
    expect(message?.from).toEqual({ id: "12345_2", name: "Ann Smith", guest: false });
  });

  it("who speaks directly, by the JID", async () => {
    await fake.connect();
    fake.server.tell(`${ANN}/iphone||proxy|x|5222`, "ping");
    fake.server.tell(`98765_2@${CHAT}/web`, "ping");
    fake.server.tell(`12345_77@${CHAT}/web`, "ping");
    expect((await fake.heard()).map(({ from }) => from)).toEqual([
      { id: "12345_2", name: "Ann Smith", guest: false },
      // Another organisation, and one whom the roster has not.
      { id: "98765_2", name: "98765_2", guest: true },
      { id: "12345_77", name: "12345_77", guest: true },
    ]);
  });

  it("Identity confusion (chat.md §6): a display name that two people have is nobody", async () => {
    fake.server.person("12345_666", "Ann Smith");
    await fake.connect();
    fake.server.sayAs("Ann Smith", "@Micro ping");
    fake.server.sayAs("Ann Smith", "@Micro ping", { sender: ANN });
    // Shown in the room or not, as on a phone.
    fake.server.leave(OPS, "Ann Smith");
    fake.server.sayAs("Ann Smith", "@Micro ping");
    expect(froms(await fake.heard())).toEqual([NOBODY, NOBODY, NOBODY]);
  });

  it.each(["ann smith", "Ann  Smith", " Ann Smith", "Ａnn Smith", "ANN SMITH"])(
    "Identity confusion (chat.md §6): nor one that a server may take for another's, %j",
    async (name) => {
      fake.server.person("12345_666", name);
      await fake.connect();
      fake.server.sayAs("Ann Smith", "@Micro ping");
      expect(froms(await fake.heard())).toEqual([NOBODY]);
    },
  );

  it("Identity confusion (chat.md §6): a display name that nobody in the roster has is nobody", async () => {
    await fake.connect();
    fake.server.enter(OPS, "Mallory", { jid: ANN });
    for (const name of ["Mallory", "12345_2", "admin/x", ANN]) fake.server.sayAs(name, "@Micro ping");
    expect(froms(await fake.heard())).toEqual([NOBODY, NOBODY, NOBODY, NOBODY]);
  });

  it("Identity confusion (chat.md §6): who enters under somebody's name is not them", async () => {
    await fake.connect();
    fake.server.leave(OPS, "Ann Smith");
    fake.server.enter(OPS, "Ann Smith", { jid: `12345_666@${CHAT}/web` });
    fake.server.sayAs("Ann Smith", "@Micro ping");
    fake.server.sayAs("Ann Smith", "@Micro ping", { sender: ANN });
    expect(froms(await fake.heard())).toEqual([NOBODY, NOBODY]);
  });

  it("Identity confusion (chat.md §6): a message that names another sender is nobody's", async () => {
    await fake.connect();
    fake.server.sayAs("Ann Smith", "@Micro ping", { sender: `12345_666@${CHAT}` });
    const both = [ANN, `12345_666@${CHAT}`].map((jid) => xml("x", { xmlns: HC.own }, xml("sender", {}, jid)));
    fake.server.sayAs("Ann Smith", "@Micro ping", { children: both });
    expect(froms(await fake.heard())).toEqual([NOBODY, NOBODY]);
  });

  it("Identity confusion (chat.md §6): in a room that hides who is there nobody is known", async () => {
    fake.server.room(OPS).open = false;
    await fake.connect();
    fake.server.sayAs("Ann Smith", "@Micro ping", { sender: ANN });
    expect(froms(await fake.heard())).toEqual([NOBODY]);
  });

  it("Identity confusion (chat.md §6): a number of another domain is no number", async () => {
    await fake.connect();
    fake.server.tell("12345_2@evil.example/x", "ping");
    fake.server.tell(`12345_3@${CONF}/Ann Smith`, "ping");
    expect(froms(await fake.heard())).toEqual([{ id: "12345_2@evil.example", guest: true }]);
  });

  it("who is not shown in the room, as on a phone, by the roster alone", async () => {
    await fake.connect();
    fake.server.leave(OPS, "Ann Smith");
    fake.server.sayAs("Ann Smith", "@Micro ping");
    expect(froms(await fake.heard())).toEqual([{ id: "12345_2", guest: false }]);
  });

  it("knows new names when the server says that there are some, and each minute", async () => {
    const clock = manualClock();
    await fake.connect({ pingEveryMs: 1e9 }, clock);
    const before = fake.server.manners.asked.roster;
    fake.server.person("12345_5", "Bob", OPS);
    fake.server.push(xml("query", { xmlns: HC.roster }, xml("item", { jid: `12345_666@${CHAT}`, name: "Bob" })));
    await vi.waitFor(() => expect(fake.server.manners.asked.roster).toBe(before + 1));
    fake.server.sayAs("Bob", "@Micro ping");
    expect(froms(await fake.heard())).toEqual([{ id: "12345_5", guest: false }]);
    fake.server.person("12345_6", "Eve", OPS);
    fake.server.sayAs("Eve", "@Micro ping");
    expect(froms(await fake.heard())).toEqual([NOBODY]);
    await clock.advance(60_000);
    await vi.waitFor(() => expect(fake.server.manners.asked.roster).toBe(before + 2));
    fake.server.sayAs("Eve", "@Micro ping");
    expect(froms(await fake.heard())).toEqual([{ id: "12345_6", guest: false }]);
  });

  it("without a roster everybody is a guest", async () => {
    fake.server.manners.roster.length = 0;
    await fake.connect();
    fake.server.sayAs("Ann Smith", "@Micro ping");
    fake.server.tell(ANN, "ping");
    expect(froms(await fake.heard())).toEqual([NOBODY, { id: "12345_2", guest: true }]);
  });
});

describe("what is for the bot in HipChat", () => {
  it.each([
    ["@Micro list", "list"],
    ["@micro list", "list"],
    ["@MICRO: list", "list"],
    ["micro list", "list"],
    ["Micro, list", "list"],
    ["  @micro  list  x", "list  x"],
    ["Micro Bot: list", "list"],
    ["@micro", ""],
  ])("%j", async (said, words) => {
    await fake.connect();
    fake.server.sayAs("Ann Smith", said);
    expect(await fake.heard()).toMatchObject([{ text: words, addressed: true }]);
  });

  it.each(["microscope list", "@microscope list", "hey @micro", "list", "@Ann micro", "mic"])(
    "not %j",
    async (said) => {
      await fake.connect();
      fake.server.sayAs("Ann Smith", said);
      expect(await fake.heard()).toMatchObject([{ text: said, addressed: false }]);
    },
  );

  it("directly, with its name or without", async () => {
    await fake.connect();
    for (const said of ["list services", "@Micro list services"]) fake.server.tell(ANN, said);
    expect(await fake.heard()).toMatchObject(Array(2).fill({ text: "list services", addressed: true }));
  });

  it("History replay = command replay (chat.md §6): what was said before is not heard, by any means", async () => {
    const old = xml("message", { from: `${OPS}/Ann Smith`, type: "groupchat" }, xml("body", {}, "@micro deregister"));
    fake.server.room(OPS).history = [old, { ...old, children: [...old.children, DELAY] }];
    await fake.connect();
    const oldDelay = xml("x", { xmlns: NS.oldDelay, stamp: "20180101T00:00:00" });
    for (const delay of [DELAY, oldDelay]) {
      fake.server.sayAs("Ann Smith", "@micro deregister", { children: [delay] });
      fake.server.tell(ANN, "deregister", [delay]);
    }
    expect(await fake.heard()).toEqual([]);
    expect(fake.server.room(OPS).asked).toEqual({ maxstanzas: "0", maxchars: "0" });
    expect(fake.server.room(OPS).occupants.get("Micro Bot")?.jid).toBe(`${BOT}@${CHAT}/bot`);
  });

  it("Edit and unfurl tricks (chat.md §6): integrations, cards and corrections say nothing to it", async () => {
    await fake.connect();
    const facts = [
      xml("x", { xmlns: HC.room }, xml("type", {}, "system")),
      xml("x", { xmlns: HC.room }, xml("notification_sender", { type: "addon", id: "1" })),
      xml("x", { xmlns: HC.room }, xml("card", {}, "{}")),
      xml("replace", { xmlns: NS.correct, id: "m1" }),
    ];
    for (const fact of facts) fake.server.sayAs("Ann Smith", "@micro deregister", { children: [fact] });
    expect(await fake.heard()).toEqual([]);
  });
});

describe("where the bot answers in HipChat", () => {
  const said = () => fake.server.said.map(({ attrs: { to, type } }) => ({ to, type }));

  it("directly by the bare JID, since the full one leads nowhere", async () => {
    const link = await fake.connect();
    fake.server.tell(`${ANN}/none||proxy|pubproxy-a100.hipchat.com|5232`, "ping");
    const [message] = await fake.heard();
    await link.send(text(message?.place ?? { room: "" }, "pong"));
    expect(said()).toEqual([{ to: ANN, type: "chat" }]);
  });

  it("private words through a room directly, by number, and to the occupant whom nobody knows", async () => {
    const link = await fake.connect();
    fake.server.enter(OPS, "Mallory", { jid: `12345_666@${CHAT}` });
    for (const name of ["Ann Smith", "Mallory"]) fake.server.tell(`${OPS}/${name}`, "ping");
    for (const { place, addressed } of await fake.heard()) {
      expect(addressed).toBe(true);
      await link.send(text(place, "pong"));
    }
    expect(said()).toEqual([
      { to: ANN, type: "chat" },
      { to: `${OPS}/Mallory`, type: "chat" },
    ]);
  });

  it("a whisper directly, by number, or in the room to whom nobody knows", async () => {
    const link = await fake.connect();
    fake.server.sayAs("Ann Smith", "@micro ping");
    fake.server.sayAs("Mallory", "@micro ping");
    for (const { place } of await fake.heard()) await link.send({ ...text(place, "no"), whisper: true });
    expect(said()).toEqual([
      { to: ANN, type: "chat" },
      { to: OPS, type: "groupchat" },
    ]);
  });

  it("knows its words again when the room gives them another id", async () => {
    const link = await fake.connect();
    fake.server.sayAs("Ann Smith", "@micro ping");
    const [message] = await fake.heard();
    fake.server.faults.held = true;
    const sending = link.send(text(message?.place ?? { room: "" }, "pong"), { timeoutMs: 5000 });
    await vi.waitFor(() => expect(fake.server.said).toHaveLength(1));
    fake.server.say("pong", { room: OPS, nick: "Micro Bot", id: "of the server's own" });
    await sending;
  });

  it("XMPP stanza injection (chat.md §6): what a service answers is one body and nothing else", async () => {
    const link = await fake.connect();
    fake.server.sayAs("Ann Smith", "@micro ping");
    const [message] = await fake.heard();
    const evil = "</body></message><message to='all@x'><body>&#0;\u0000\u001b]]>";
    await link.send(text(message?.place ?? { room: "" }, evil));
    const [stanza] = fake.server.said;
    expect(stanza && elements(stanza).map(({ name }) => name)).toEqual(["body"]);
    expect(fake.server.heard.map(({ text }) => text)).toEqual([
      "</body></message><message to='all@\u200bx'><body>&#0;]]>",
    ]);
    expect(stanza && child(stanza, "body", NS.client)?.children.length).toBe(1);
  });
});
