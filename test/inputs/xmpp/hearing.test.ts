import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { NS } from "../../../src/inputs/xmpp/names.ts";
import { child, type Xml, xml } from "../../../src/inputs/xmpp/xml.ts";
import { type XmppInit, xmppInput } from "../../../src/inputs/xmpp/xmpp.ts";
import { manualClock } from "../../fakes/clock.ts";
import { DOMAIN, type FakeXmpp, fakeXmpp, OPS } from "../../fakes/xmpp.ts";
import { type Certificate, makeCertificate } from "../../fakes/xmpp-certificate.ts";

describe("who said what to the bot in XMPP", () => {
  let certificate: Certificate;
  let server: FakeXmpp;
  let link: InputConnection;
  let over: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    certificate = await makeCertificate(DOMAIN);
  });
  afterAll(() => certificate.remove());
  beforeEach(async () => {
    server = await fakeXmpp(certificate);
  });
  afterEach(async () => {
    for (const close of over) await close();
    over = [];
    await server.close();
  });

  const connect = async (init: Partial<XmppInit> = {}) => {
    const input = xmppInput({
      username: `bot@${DOMAIN}`,
      password: "botpw",
      server: server.address,
      ca: certificate.file,
      rooms: [OPS],
      ...init,
    })();
    link = await input.connect();
    over.push(link.close);
    return link;
  };

  /** Everything the bot hears up to a last word said now. */
  const heard = async (): Promise<readonly IncomingMessage[]> => {
    const end = `the end ${Math.random()}`;
    server.deliver(chat(end, { from: `zoe@${DOMAIN}/x` }));
    const messages: IncomingMessage[] = [];
    const iterator = link[Symbol.asyncIterator]();
    for (;;) {
      const { value, done } = await iterator.next();
      if (done) throw new Error("the link ended");
      if (value.text === end) return messages;
      messages.push(value);
    }
  };

  const chat = (text: string, attrs: Readonly<Record<string, string>> = {}, ...children: readonly Xml[]): Xml =>
    xml(
      "message",
      { from: `ann@${DOMAIN}/laptop`, type: "chat", id: "c1", ...attrs },
      xml("body", {}, text),
      ...children,
    );

  describe("addressing", () => {
    it.each([
      ["micro: list services", "list services", true],
      ["micro, list services", "list services", true],
      ["@micro list services", "list services", true],
      ["  Micro:list services", "list services", true],
      ["micro", "", true],
      ["@micro", "", true],
      ["list services", "list services", false],
      ["micro list services", "micro list services", false],
      ["microscope: list services", "microscope: list services", false],
      ["@microscope list services", "@microscope list services", false],
      ["hey micro: list services", "hey micro: list services", false],
    ])("%j", async (said, text, addressed) => {
      await connect();
      server.say(said);
      expect(await heard()).toMatchObject([{ text, addressed }]);
    });

    it("a mention by reference (XEP-0372) at the beginning, whatever it is spelled like", async () => {
      await connect();
      const mention = (uri: string, begin: number, end: number) =>
        xml("reference", { xmlns: NS.reference, type: "mention", uri, begin: String(begin), end: String(end) });
      server.say("🦀 Bot, list services", { children: [mention(`xmpp:${OPS}/micro`, 0, 5)] });
      server.say("see 🦀 Bot", { children: [mention(`xmpp:bot@${DOMAIN}`, 4, 9)] });
      server.say("Bob, list services", { children: [mention(`xmpp:bob@${DOMAIN}`, 0, 3)] });
      expect((await heard()).map(({ text, addressed }) => [text, addressed])).toEqual([
        ["list services", true],
        ["see 🦀 Bot", false],
        ["Bob, list services", false],
      ]);
    });

    it("a reply comes without the words that it answers to (XEP-0461)", async () => {
      await connect();
      const fallback = xml(
        "fallback",
        { xmlns: "urn:xmpp:fallback:0", for: "urn:xmpp:reply:0" },
        xml("body", { start: "0", end: "9" }),
      );
      server.say("> 🦀 hello\nmicro: list services".replace("hello\n", "hell\n"), { children: [fallback] });
      expect(await heard()).toMatchObject([{ text: "list services", addressed: true }]);
    });
  });

  describe("place", () => {
    it("a room, a private word in a room, and a direct one are three places, and threads are kept", async () => {
      await connect();
      server.say("one", { children: [xml("thread", {}, "t1")] });
      server.deliver(chat("two", { from: `${OPS}/ann` }, xml("x", { xmlns: NS.mucUser })));
      server.deliver(chat("three"));
      server.deliver(chat("four", { type: "normal", id: "c2" }));
      const who = `ann@${DOMAIN}`;
      expect((await heard()).map(({ place }) => place)).toEqual([
        { room: OPS, to: OPS, type: "groupchat", nick: "ann", who, said: expect.stringMatching(/^s/), thread: "t1" },
        // Whoever has the nick next is in another one.
        { room: `${OPS}/ann ${who}`, to: `${OPS}/ann`, type: "chat", who, said: "c1" },
        { room: who, to: `${who}/laptop`, type: "chat", said: "c1" },
        { room: who, to: `${who}/laptop`, type: "chat", said: "c2" },
      ]);
    });

    it("an answer to a private word is not given to whoever has the nick by then", async () => {
      await connect();
      server.deliver(chat("list services", { from: `${OPS}/ann` }, xml("x", { xmlns: NS.mucUser })));
      const [{ place } = { place: { room: "" } }] = await heard();
      server.leave(OPS, "ann");
      server.enter(OPS, "ann", { jid: `eve@${DOMAIN}/x` });
      await heard();
      const sending = link.send({ place, parts: [{ kind: "text", text: "for ann alone" }] });
      await expect(sending).rejects.toMatchObject({ code: "invalid_argument" });
      expect(server.said).toEqual([]);
    });

    it("a whisper in a room goes to who asked, and to the room when somebody else has the nick by then", async () => {
      await connect();
      server.say("micro: list services");
      const [{ place } = { place: { room: "" } }] = await heard();
      const whisper = { place, parts: [{ kind: "text" as const, text: "only you" }], whisper: true };
      await link.send(whisper);
      server.leave(OPS, "ann");
      server.enter(OPS, "ann", { jid: `eve@${DOMAIN}/x` });
      await heard();
      await link.send(whisper);
      expect(server.heard.map(({ to, type }) => [to, type])).toEqual([
        [`${OPS}/ann`, "chat"],
        [OPS, "groupchat"],
      ]);
    });
  });

  describe("Identity confusion (chat.md §6)", () => {
    const from = async () => (await heard()).map((message) => message.from);

    it("admin@evil.example is not admin: a person is the whole bare JID, and another domain is a guest", async () => {
      await connect();
      server.deliver(chat("one", { from: "admin@evil.example/x" }));
      server.deliver(chat("two", { from: `admin@${DOMAIN}/x/y@z` }));
      expect(await from()).toEqual([
        { id: "admin@evil.example", name: "admin", guest: true },
        { id: `admin@${DOMAIN}`, name: "admin", guest: false },
      ]);
    });

    it("Outsiders in the room (chat.md §6): other domains are strangers, whatever they look like, but for those named", async () => {
      await connect({ domains: ["Sister.example"] });
      server.deliver(chat("one", { from: "ann@sister.example/x" }));
      server.deliver(chat("two", { from: "ann@sub.sister.example/x" }));
      expect((await from()).map(({ guest }) => guest)).toEqual([false, true]);
    });

    it.each(["admin/x", `admin@${DOMAIN}`, `admin@${DOMAIN}/x`])("the nick %j is a nick", async (nick) => {
      server.enter(OPS, nick, { jid: "eve@evil.example/x" });
      await connect();
      server.say("micro: list services", { nick });
      expect(await from()).toEqual([{ id: "eve@evil.example", name: nick, guest: true }]);
    });

    it("nobody vouches for an occupant of an anonymous room without occupant-ids", async () => {
      Object.assign(server.room(OPS), { open: false, features: [NS.muc] });
      await connect();
      server.say("micro: list services");
      expect(await from()).toEqual([{ id: undefined, name: "ann", guest: true }]);
    });

    it("an occupant-id is who it is, if the room says that it writes them; a member of the room is no stranger", async () => {
      server.room(OPS).open = false;
      server.enter(OPS, "eve", { occupantId: "occ-eve" });
      await connect();
      server.say("micro: one");
      server.say("micro: two", { nick: "eve" });
      expect(await from()).toEqual([
        { id: `${OPS}/occupant-id/occ-ann`, name: "ann", guest: false },
        { id: `${OPS}/occupant-id/occ-eve`, name: "eve", guest: true },
      ]);
    });

    const forgedId = xml("occupant-id", { xmlns: NS.occupant, id: "occ-ann" });
    const item = (jid?: string) =>
      xml("x", { xmlns: NS.mucUser }, xml("item", { affiliation: "owner", role: "participant", jid }));

    it("an occupant-id or a real JID that the occupant of an anonymous room has put there is worth nothing", async () => {
      Object.assign(server.room(OPS), { open: false, features: [NS.muc] });
      await connect();
      server.deliver(xml("presence", { from: `${OPS}/eve` }, item(`ann@${DOMAIN}`), forgedId));
      server.say("micro: one", { nick: "eve", children: [forgedId, item(`ann@${DOMAIN}`)] });
      server.deliver(xml("presence", { from: `${OPS}/mallory` }, item(`ann@${DOMAIN}`), item(), forgedId));
      server.say("micro: two", { nick: "mallory", children: [forgedId, forgedId] });
      expect(await from()).toEqual([
        { id: undefined, name: "eve", guest: true },
        { id: undefined, name: "mallory", guest: true },
      ]);
    });

    it("in an open room two real JIDs of one occupant are none: one of them is the occupant's own idea", async () => {
      server.room(OPS).features = [NS.muc];
      await connect();
      server.deliver(xml("presence", { from: `${OPS}/eve` }, item(`ann@${DOMAIN}`), item("eve@evil.example")));
      server.say("micro: one", { nick: "eve" });
      expect(await from()).toEqual([{ id: undefined, name: "eve", guest: true }]);
    });

    it("two occupant-ids in one message are none", async () => {
      server.room(OPS).open = false;
      await connect();
      server.say("micro: one", { children: [xml("occupant-id", { xmlns: NS.occupant, id: "occ-admin" })] });
      expect(await from()).toMatchObject([{ id: undefined, guest: true }]);
    });

    it("a moderator sees who is who where others do not", async () => {
      Object.assign(server.room(OPS), { open: false, moderator: true, features: [NS.muc] });
      await connect();
      server.say("micro: one");
      expect(await from()).toMatchObject([{ id: `ann@${DOMAIN}`, guest: false }]);
    });

    it("a change of nick (303) takes the person along, and the old nick is nobody's until somebody takes it", async () => {
      await connect();
      server.leave(OPS, "ann", [303], { nick: "admin" });
      server.enter(OPS, "admin", { jid: `ann@${DOMAIN}/laptop` });
      server.say("micro: one", { nick: "admin" });
      server.say("micro: two", { nick: "ann" });
      server.enter(OPS, "ann", { jid: "eve@evil.example/x" });
      server.say("micro: three", { nick: "ann" });
      expect((await from()).map(({ id }) => id)).toEqual([`ann@${DOMAIN}`, undefined, "eve@evil.example"]);
    });

    it("a room that the bot is not in vouches for nobody, and an invitation is no word", async () => {
      await connect();
      server.deliver(chat("one", { from: "ops@conf.evil.example/ann", type: "groupchat" }));
      server.deliver(chat("two", { from: "ops@conf.evil.example/ann" }, xml("x", { xmlns: NS.mucUser })));
      server.deliver(chat("three", { from: "ops@conf.evil.example/ann" }));
      expect(await heard()).toMatchObject([{ text: "three", from: { id: "ops@conf.evil.example", guest: true } }]);
    });
  });

  describe("History replay = command replay (chat.md §6)", () => {
    const delay = (from: string, stamp = "2020-01-01T00:00:00Z") => xml("delay", { xmlns: NS.delay, from, stamp });
    const old = (text: string, ...children: readonly Xml[]) =>
      xml("message", { from: `${OPS}/ann`, type: "groupchat", id: "h" }, xml("body", {}, text), ...children);

    it("asks the room for none, inside of x", async () => {
      await connect();
      expect(server.rooms.get(OPS)?.asked).toMatchObject({ maxstanzas: "0", maxchars: "0" });
    });

    it("what comes before the topic is history, with a date or without", async () => {
      server.room(OPS).history = [old("micro: one", delay(OPS)), old("micro: two")];
      await connect();
      expect(await heard()).toEqual([]);
    });

    it("what has a date was said then: by the room, by an occupant, the old way and the new", async () => {
      await connect();
      server.deliver(old("micro: one", delay(OPS)));
      server.deliver(old("micro: two", delay(`${OPS}/ann`)));
      server.deliver(old("micro: three", xml("x", { xmlns: NS.oldDelay, stamp: "20200101T00:00:00" })));
      server.deliver({ ...old("micro: four", delay(OPS)), attrs: { from: `${OPS}/ann`, type: "chat", id: "h" } });
      expect(await heard()).toEqual([]);
    });

    it("what the server kept for the bot while it was away is as old as it is", async () => {
      await connect();
      server.deliver(chat("one", { id: "o1" }, delay(DOMAIN, "2020-01-01T00:00:00Z")));
      server.deliver(chat("two", { id: "o2" }, delay(DOMAIN, "nonsense")));
      server.deliver(chat("three", { id: "o3" }, delay(DOMAIN, "2999-01-01T00:00:00Z")));
      const now = Date.now();
      const times = (await heard()).map(({ sentAt }) => sentAt);
      expect(times.slice(0, 2)).toEqual([Date.UTC(2020, 0, 1), 0]);
      expect(times[2]).toBeLessThanOrEqual(now + 5000);
    });

    it("after another link the same message has the same id", async () => {
      await connect();
      const said = server.say("micro: once");
      const [first] = await heard();
      server.cut();
      await connect();
      server.deliver(said);
      expect((await heard()).map(({ id }) => id)).toEqual([first?.id]);
    });

    it("of an id as long as a stanza so much is kept as tells it from others", async () => {
      await connect();
      for (const end of ["a", "b", "a"]) server.deliver(chat(end, { id: `${"x".repeat(50_000)}${end}` }));
      const messages = await heard();
      const ids = messages.map(({ id }) => id);
      expect(new Set(ids).size).toBe(2);
      expect(ids[2]).toBe(ids[0]);
      for (const { id, place } of messages) expect(JSON.stringify({ id, place }).length).toBeLessThan(1000);
    });

    it("of a room that gives no ids, a sender's own counts for that sender alone, whoever has the nick later", async () => {
      server.room(OPS).features = [NS.muc];
      await connect();
      server.enter(OPS, "nick", { jid: `ann@${DOMAIN}/a` });
      server.say("micro: one", { nick: "nick", id: "x1" });
      server.leave(OPS, "nick");
      server.enter(OPS, "nick", { jid: `bob@${DOMAIN}/b` });
      server.say("micro: two", { nick: "nick", id: "x1" });
      server.say("micro: two", { nick: "nick", id: "x1" });
      const ids = (await heard()).map(({ id }) => id);
      expect(new Set(ids).size).toBe(2);
      expect(ids[1]).toBe(ids[2]);
    });

    it("an id counts only if it is the room's own", async () => {
      server.room(OPS).features = [NS.muc];
      await connect();
      const forged = xml("stanza-id", { xmlns: NS.sid, by: OPS, id: "s1" });
      server.say("micro: one", { id: "x1", children: [forged] });
      server.say("micro: two", { id: "x2", children: [forged] });
      expect((await heard()).map(({ id }) => id)).toEqual([
        `by/ann%40chat.example.test/${OPS}/ann/id/x1`,
        `by/ann%40chat.example.test/${OPS}/ann/id/x2`,
      ]);
    });
  });

  describe("Edit and unfurl tricks (chat.md §6)", () => {
    it.each([
      ["a correction", xml("replace", { xmlns: NS.correct, id: "m1" })],
      ["a retraction", xml("retract", { xmlns: "urn:xmpp:message-retract:1", id: "m1" })],
      ["a reaction", xml("reactions", { xmlns: NS.reactions, id: "m1" }, xml("reaction", {}, "👍"))],
    ])("%s is never a command, in a room or directly", async (_what, element) => {
      await connect();
      server.say("micro: deregister service greeter", { children: [element] });
      server.deliver(chat("deregister service greeter", {}, element));
      expect(await heard()).toEqual([]);
    });
  });

  describe("the rest", () => {
    it("the bot's own words are nobody's, by nick, by account, and by another of its clients", async () => {
      await connect();
      server.enter(OPS, "other", { jid: `bot@${DOMAIN}/other` });
      server.say("micro: one", { nick: "micro" });
      server.say("micro: two", { nick: "other" });
      server.deliver(chat("three", { from: `bot@${DOMAIN}/other` }));
      expect(await heard()).toEqual([]);
    });

    it("somebody else's message with the id of ours confirms nothing", async () => {
      await connect();
      server.faults.held = true;
      const sending = link.send({
        place: { room: OPS, to: OPS, type: "groupchat" },
        parts: [{ kind: "text", text: "x" }],
      });
      await expect.poll(() => server.said.length).toBe(1);
      server.say("mine now", { id: server.said[0]?.attrs["id"] ?? "" });
      const state = await Promise.race([sending.then(() => "said"), heard().then(() => "waiting")]);
      expect(state).toBe("waiting");
      server.faults.held = false;
      await link.close();
      await expect(sending).rejects.toMatchObject({ code: "unavailable" });
    });

    it("errors and headlines are not said by anybody", async () => {
      await connect();
      for (const type of ["error", "headline"]) {
        server.deliver(chat("list services", { type }));
        server.say("micro: list services", { attrs: { type } });
      }
      expect(await heard()).toEqual([]);
    });

    it("a body in a foreign namespace is no body", async () => {
      await connect();
      server.deliver(
        xml("message", { from: `ann@${DOMAIN}/x`, type: "chat" }, xml("body", { xmlns: "urn:evil" }, "deregister x")),
      );
      server.raw(
        `<message from='ann@${DOMAIN}/x' type='chat' xmlns:e='urn:evil'><e:body>deregister x</e:body></message>`,
      );
      expect(await heard()).toEqual([]);
    });

    it("who encrypts is told that the bot cannot read it", async () => {
      await connect();
      const encrypted = xml("encrypted", { xmlns: "eu.siacs.conversations.axolotl" });
      server.deliver(chat("I sent you an OMEMO encrypted message", {}, encrypted));
      server.say("I sent you an OMEMO encrypted message", { children: [encrypted] });
      expect(await heard()).toEqual([]);
      await expect
        .poll(() => server.heard.map(({ text, to }) => [text, to]))
        .toEqual([[expect.stringContaining("cannot read encrypted"), `ann@${DOMAIN}/laptop`]]);
    });

    it("answers a ping, says what it is, and says no to what it does not know", async () => {
      await connect();
      const ask = (id: string, payload: Xml) =>
        server.deliver(xml("iq", { type: "get", id, from: `${OPS}/ann` }, payload));
      ask("p", xml("ping", { xmlns: NS.ping }));
      ask("d", xml("query", { xmlns: NS.discoInfo }));
      ask("v", xml("query", { xmlns: "jabber:iq:private" }));
      await expect
        .poll(() => server.answers.map(({ attrs }) => [attrs["id"], attrs["type"]]))
        .toEqual([
          ["p", "result"],
          ["d", "result"],
          ["v", "error"],
        ]);
    });

    it("lets its own people see that it is there, and nobody else", async () => {
      await connect();
      for (const from of [`ann@${DOMAIN}`, "eve@evil.example"]) {
        server.deliver(xml("presence", { from, type: "subscribe" }));
      }
      await heard();
      await expect.poll(() => server.presences.filter(({ attrs }) => attrs["type"] === "subscribed")).toHaveLength(1);
      expect(server.presences.at(-1)?.attrs["to"]).toBe(`ann@${DOMAIN}`);
    });
  });

  describe("XMPP stanza injection (chat.md §6)", () => {
    const HOSTILE = [
      "</body><body>x</body>",
      "<x xmlns='jabber:x:oob'><url>http://evil.example</url></x>",
      "</message><iq type='set' id='1'/>",
      "&lt;b&gt; &#0; ]]> <![CDATA[ <!-- -->",
      '" to="all@evil.example',
      "a\u0000b\u0008c\u001fd\ufffee\ud800f",
    ];

    it.each(HOSTILE)("%j is text, in what is said, in a thread and in a place", async (text) => {
      await connect();
      const place = { room: OPS, to: OPS, type: "groupchat", thread: text };
      await link.send({ place, parts: [{ kind: "text", text }] });
      const [said, more] = server.said;
      expect(more).toBe(undefined);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is left out
      const legal = text.replace(/[\u0000\u0008\u001f\ufffe]|\ud800/g, "");
      expect(server.heard[0]?.text).toBe(legal);
      expect(said?.attrs["to"]).toBe(OPS);
      expect(child(said as Xml, "thread", NS.client)?.children.join("")).toBe(legal);
      expect(said?.children.map((one) => (typeof one === "string" ? one : one.name))).toEqual([
        "body",
        "thread",
        "origin-id",
        "unstyled",
      ]);
    });
  });

  it("a room that kicked the bot is entered again after a pause, by the clock", async () => {
    const clock = manualClock(Date.now());
    const input = xmppInput({
      username: `bot@${DOMAIN}`,
      password: "botpw",
      server: server.address,
      ca: certificate.file,
      rooms: [OPS],
      rejoinMs: 60_000,
      // The clock goes faster than the server can answer.
      pingEveryMs: 3_600_000,
    })({ clock });
    link = await input.connect();
    over.push(link.close);
    server.leave(OPS, "micro", [110, 307]);
    await heard();
    await clock.advance(59_000);
    expect(server.room(OPS).joins).toBe(1);
    await clock.advance(2000);
    await expect.poll(() => server.room(OPS).joins).toBe(2);
  });
});
