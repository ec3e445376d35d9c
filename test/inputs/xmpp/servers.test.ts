import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { type XmppInit, xmppInput } from "../../../src/inputs/xmpp/xmpp.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { hasEjabberd, startEjabberd } from "../../fakes/ejabberd-server.ts";
import { hasProsody, startProsody, XMPP_DOMAIN, type XmppServer } from "../../fakes/prosody-server.ts";
import { goSendxmpp, hasGoSendxmpp, hasSlixmpp, type XmppPerson, xmppPerson } from "../../fakes/xmpp-person.ts";

const SERVERS = [
  { name: "prosody", has: hasProsody, start: startProsody },
  { name: "ejabberd", has: hasEjabberd, start: startEjabberd },
] as const;

const USERS = ["bot", "ann", "bob"];

const inputAt = (server: XmppServer, rooms: readonly string[], init: Partial<XmppInit> = {}) =>
  xmppInput({
    username: `bot@${XMPP_DOMAIN}`,
    password: "botpw",
    server: server.address,
    ca: server.certificate.file,
    rooms,
    ...init,
  });

describe.each(SERVERS.filter(({ has }) => has && hasSlixmpp))("at a real server, $name", ({ name, start }) => {
  let server: XmppServer;
  let ann: XmppPerson;
  let bob: XmppPerson;
  let rooms = 0;
  const open: InputConnection[] = [];

  beforeAll(async () => {
    server = await start(USERS);
    ann = await xmppPerson(server, "ann");
    bob = await xmppPerson(server, "bob");
  }, 120_000);
  afterAll(async () => {
    await ann?.close();
    await bob?.close();
    await server?.stop();
  });
  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
  });

  const newRoom = () => {
    rooms += 1;
    return `room${rooms}@${server.rooms}`;
  };
  const connect = async (room: string, init: Partial<XmppInit> = {}) => {
    const link = await inputAt(server, [room], init)().connect();
    open.push(link);
    return { link, hear: link[Symbol.asyncIterator]() };
  };
  const next = async (hear: AsyncIterator<IncomingMessage>): Promise<IncomingMessage> => {
    const { value, done } = await hear.next();
    if (done) throw new Error("the link ended");
    return value;
  };
  const say = (who: XmppPerson, room: string, body: string, more: Record<string, string> = {}) =>
    who.do({ do: "say", to: room, type: "groupchat", body, ...more });

  inputContract(`xmpp at ${name}`, {
    without: {
      taken: "XMPP has no acknowledgement of what a client has read",
      redeliver: "a server keeps nothing for a client that was there",
      deliverAgain: "a server delivers once",
      sayAsStranger: "this server knows no other",
      lose: "freezing and killing it are tested of their own",
      refuse: "a wrong password is tested of its own",
      unreachable: "the fake is away as well",
      failSend: "a server refuses when it wants to",
      hold: "a server answers when it wants to",
      press: "XMPP has no buttons that clients agree on",
      pressAsStranger: "XMPP has no buttons that clients agree on",
      sayForForm: "data forms (XEP-0004) are opened by the person's client, not by the bot",
      fill: "data forms (XEP-0004) are opened by the person's client, not by the bot",
      failForm: "data forms (XEP-0004) are opened by the person's client, not by the bot",
      remove: "what was said is deleted by who said it, if at all (XEP-0424)",
      under: "threads (RFC 6121 §5.2.5) are shown by few clients",
      failMark: "a server refuses when it wants to",
      alive: "a server lets nobody say what is no XML; the fake has it",
    },
    create: async () => {
      const room = newRoom();
      await ann.join(room, "ann");
      const since = ann.events.length;
      const close = async () => ann.do({ do: "leave", room, nick: "ann" });
      return {
        input: inputAt(server, [room])(),
        say: (text) => say(ann, room, `micro: ${text}`),
        heard: () => heardBy(ann, since, room, "micro"),
        sayElsewhere: (text) => ann.do({ do: "say", to: `${room}/micro`, type: "chat", body: text }),
        sayDirect: (text) => ann.do({ do: "say", to: `bot@${XMPP_DOMAIN}`, type: "chat", body: text }),
        overhear: (text) => say(ann, room, text),
        spoof: async (text) => {
          ann.do({ do: "nick", room, nick: "ann-was-here" });
          await ann.until(({ event, from }) => event === "presence" && from === `${room}/ann-was-here`, "a new nick");
          await bob.join(room, "ann");
          say(bob, room, `micro: ${text}`);
        },
        alone: () =>
          heardBy(ann, since, room, "micro").flatMap(({ text, where }) =>
            where === `chat/bot@${XMPP_DOMAIN}` ? [text] : [],
          ),
        whispered: () =>
          ann.events
            .slice(since)
            .filter(({ from, type, body }) => from === `${room}/micro` && type === "chat" && body !== "")
            .map(({ body = "" }) => body),
        marks: () => {
          const signs = ann.events.slice(since).filter(({ from, reaction }) => from === `${room}/micro` && reaction);
          return signs.slice(-1).map(({ reaction }) => String(reaction));
        },
        flood: (length) => say(ann, room, `micro: ${"x".repeat(Math.min(length, 200_000))}`),
        noise: () => {
          say(ann, room, "micro: list services", { replaces: "whatever" });
          ann.do({ do: "raw", xml: `<message to='${room}' type='groupchat'><subject>micro: list</subject></message>` });
          ann.do({ do: "nick", room, nick: "ann2" });
        },
        close,
        [Symbol.asyncDispose]: close,
      };
    },
  });

  it("keeps what it cannot read yet at the server, which waits, and hears all of it in its order", async () => {
    const { link, hear } = await connect(newRoom(), { pingWithinMs: 20_000 });
    let lost = false;
    void link.lost?.then(() => {
      lost = true;
    });
    const count = 12_000;
    const to = `bot@${XMPP_DOMAIN}`;
    for (let n = 0; n < count; n += 500) {
      const said = Array.from(
        { length: 500 },
        (_, m) => `<message to='${to}' type='chat'><body>${n + m}</body></message>`,
      );
      ann.do({ do: "raw", xml: said.join("") });
    }
    const texts: string[] = [];
    // Long enough for the flood to be here, if it were read.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    for (let n = 0; n < count; n++) texts.push((await next(hear)).text);
    expect(texts).toEqual(texts.map((_, n) => String(n)));
    await link.send({ place: { room: to, to: ann.jid, type: "chat" }, parts: [{ kind: "text", text: "all heard" }] });
    await ann.until(({ body }) => body === "all heard", "the bot's answer");
    expect(lost).toBe(false);
  }, 60_000);

  it("hears who is who by the real JID, in a room that shows it", async () => {
    const room = newRoom();
    await ann.join(room, "admin/x@evil.example");
    const { hear } = await connect(room);
    say(ann, room, "micro: ping");
    expect(await next(hear)).toMatchObject({
      text: "ping",
      addressed: true,
      from: { id: `ann@${XMPP_DOMAIN}`, name: "admin/x@evil.example", guest: false },
    });
  });

  it("Identity confusion (chat.md §6): a nick that another person takes is another person", async () => {
    const room = newRoom();
    await ann.join(room, "admin");
    const { hear } = await connect(room);
    say(ann, room, "micro: one");
    expect((await next(hear)).from.id).toBe(`ann@${XMPP_DOMAIN}`);
    ann.do({ do: "nick", room, nick: "ann" });
    await ann.until(({ event, from }) => event === "presence" && from === `${room}/ann`, "the new nick");
    await bob.join(room, "admin");
    say(bob, room, "micro: two");
    expect((await next(hear)).from).toMatchObject({ id: `bob@${XMPP_DOMAIN}`, name: "admin" });
    say(ann, room, "micro: three");
    expect((await next(hear)).from).toMatchObject({ id: `ann@${XMPP_DOMAIN}`, name: "ann" });
  });

  it("knows an occupant of an anonymous room by the occupant-id, if the room has such, or not at all", async () => {
    const room = newRoom();
    await ann.join(room, "ann");
    ann.do({ do: "iq", to: room, xml: ANONYMOUS });
    await ann.until(({ event }) => event === "done", "the room changed");
    await bob.join(room, "bob");
    const { hear } = await connect(room);
    say(bob, room, "micro: one");
    const { from } = await next(hear);
    expect(from).toMatchObject({ name: "bob", guest: true });
    if (from.id !== undefined) expect(from.id).toMatch(new RegExp(`^${room}/occupant-id/.{8,}`));
    bob.do({ do: "nick", room, nick: "robert" });
    await bob.until(({ event, from }) => event === "presence" && from === `${room}/robert`, "the new nick");
    say(bob, room, "micro: two");
    expect((await next(hear)).from).toMatchObject({ name: "robert", id: from.id, guest: true });
  });

  it("History replay = command replay (chat.md §6): what was said before the bot came is not heard", async () => {
    const room = newRoom();
    await ann.join(room, "ann");
    for (const body of ["micro: deregister one", "micro: deregister two"]) say(ann, room, body);
    await ann.until(({ body }) => body === "micro: deregister two", "her own words");
    const { hear } = await connect(room);
    say(ann, room, "micro: ping");
    expect((await next(hear)).text).toBe("ping");
  });

  it("answers a private word through the room to who said it, and not to the room", async () => {
    const room = newRoom();
    await ann.join(room, "ann");
    await bob.join(room, "bob");
    const { link, hear } = await connect(room);
    ann.do({ do: "say", to: `${room}/micro`, type: "chat", body: "list services" });
    const { place, from, addressed } = await next(hear);
    expect({ addressed, id: from.id }).toEqual({ addressed: true, id: `ann@${XMPP_DOMAIN}` });
    await link.send({ place, parts: [{ kind: "text", text: "only for ann" }] });
    const got = await ann.until(({ body }) => body === "only for ann", "the answer");
    expect(got).toMatchObject({ type: "chat", from: `${room}/micro` });
    expect(bob.events.some(({ body }) => body === "only for ann")).toBe(false);
  });

  it("keeps to the thread that it was asked in", async () => {
    const room = newRoom();
    await ann.join(room, "ann");
    const { link, hear } = await connect(room);
    say(ann, room, "micro: ping", { thread: "t-1" });
    const { place } = await next(hear);
    await link.send({ place, parts: [{ kind: "text", text: "in the thread" }] });
    expect(await ann.until(({ body }) => body === "in the thread", "the answer")).toMatchObject({ thread: "t-1" });
  });

  it("carries text of any script and length whole, both ways", async () => {
    const room = newRoom();
    await ann.join(room, "ann");
    const { link, hear } = await connect(room);
    const long = "日本語 🦀 ü <&> ".repeat(3000);
    say(ann, room, `micro: ${long}`);
    const { text, place } = await next(hear);
    expect(text.trim()).toBe(long.trim());
    const answer = "🦀語".repeat(2000);
    await link.send({ place, parts: [{ kind: "text", text: answer }] });
    await ann.until(({ body }) => body === answer, "the answer");
  });

  it("answers pings and says what it is", async () => {
    const room = newRoom();
    await ann.join(room, "ann");
    await connect(room);
    ann.do({ do: "ping", to: `${room}/micro` });
    await ann.until(({ event, of }) => event === "pong" && of === `${room}/micro`, "a pong");
  });

  it("takes another nick when its own is taken, and is spoken to by that", async () => {
    const room = newRoom();
    await ann.join(room, "micro");
    const { hear } = await connect(room);
    say(ann, room, "micro-2: ping");
    expect(await next(hear)).toMatchObject({ text: "ping", addressed: true });
  });

  it("comes back to a room that has thrown it out, and stays away from one that has banned it", async () => {
    const [kicking, banning] = [newRoom(), newRoom()];
    await ann.join(kicking, "ann");
    await ann.join(banning, "ann");
    const link = await inputAt(server, [kicking, banning], { rejoinMs: 100 })().connect();
    open.push(link);
    const here = (room: string, type: string) =>
      ann.events.filter((one) => one.event === "presence" && one.from === `${room}/micro` && one.type === type).length;
    const admin = (to: string, item: string) =>
      ann.do({ do: "iq", to, xml: `<query xmlns='http://jabber.org/protocol/muc#admin'>${item}</query>` });
    admin(banning, `<item affiliation='outcast' jid='bot@${XMPP_DOMAIN}'/>`);
    await vi.waitFor(() => expect(here(banning, "unavailable")).toBe(1), 5000);
    admin(kicking, "<item nick='micro' role='none'/>");
    await vi.waitFor(() => expect(here(kicking, "unavailable")).toBe(1), 5000);
    await vi.waitFor(() => expect(here(kicking, "available")).toBe(2), 5000);
    expect(here(banning, "available")).toBe(1);
    const sending = link.send({
      place: { room: banning, to: banning, type: "groupchat" },
      parts: [{ kind: "text", text: "hello?" }],
    });
    await expect(sending).rejects.toMatchObject({ code: "unavailable" });
  });

  it("Weak transport (chat.md §6): without the right authority there is no link", async () => {
    const link = inputAt(server, [], { ca: undefined })().connect();
    await expect(link).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("certificate") });
  });

  it("notices within the time it is given that a server has frozen, and comes back when it has not", async () => {
    const room = newRoom();
    await ann.join(room, "ann");
    const { link, hear } = await connect(room, { pingEveryMs: 100, pingWithinMs: 300 });
    const lost = hear.next().then(
      () => undefined,
      (error: unknown) => error,
    );
    server.freeze();
    try {
      expect(await lost).toMatchObject({ code: "unavailable" });
      await expect(
        link.send({ place: { room, to: room, type: "groupchat" }, parts: [{ kind: "text", text: "x" }] }),
      ).rejects.toMatchObject({ code: "unavailable" });
      await expect(inputAt(server, [room])().connect({ timeoutMs: 300 })).rejects.toMatchObject({ code: "timeout" });
    } finally {
      server.thaw();
    }
    await link.close();
    const again = await connect(room);
    say(ann, room, "micro: ping");
    expect((await next(again.hear)).text).toBe("ping");
  });

  it("says unauthenticated for a wrong password", async () => {
    const link = inputAt(server, [], { password: "wrong-password" })().connect();
    const error = await link.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unauthenticated" });
    expect(String((error as Error).message)).not.toContain("wrong-password");
  });

  it.skipIf(!hasGoSendxmpp)("hears go-sendxmpp, directly and in a room", async () => {
    const room = newRoom();
    await ann.join(room, "ann");
    const { hear } = await connect(room);
    await goSendxmpp(server, "bob", [`bot@${XMPP_DOMAIN}`], "list services");
    expect(await next(hear)).toMatchObject({ text: "list services", from: { id: `bob@${XMPP_DOMAIN}` } });
    await goSendxmpp(server, "bob", ["-c", "-a", "bob", room], "micro: list services");
    expect(await next(hear)).toMatchObject({
      text: "list services",
      addressed: true,
      from: { id: `bob@${XMPP_DOMAIN}`, name: "bob" },
    });
  });
});

describe.each(SERVERS.filter(({ has }) => has))("a real server that dies, $name", ({ start }) => {
  let server: XmppServer;
  beforeAll(async () => {
    server = await start(["bot"]);
  }, 120_000);
  afterAll(() => server?.stop());

  it("the link is lost with it, nobody is there, and the bot connects again when it is back", async () => {
    const room = `ops@${server.rooms}`;
    const input = inputAt(server, [room])();
    await using link = await input.connect();
    const lost = link[Symbol.asyncIterator]().next();
    await Promise.all([expect(lost).rejects.toMatchObject({ code: "unavailable" }), server.kill()]);
    await expect(input.connect()).rejects.toMatchObject({ code: "unavailable" });
    await server.restart();
    await using again = await input.connect();
    await again.send({ place: { room, to: room, type: "groupchat" }, parts: [{ kind: "text", text: "back" }] });
  }, 60_000);
});

describe.each(SERVERS)("$name", ({ has }) => {
  it.skipIf(has && hasSlixmpp)(
    "real servers and people (not here: prosody, ejabberd and slixmpp are to be installed)",
    () => {
      expect(process.env["MICRO_TEST_REQUIRE_SERVERS"]).not.toBe("1");
    },
  );
});

/** What a person saw of somebody in a room, directly or privately, as a client shows it that knows corrections. */
function heardBy(person: XmppPerson, since: number, room: string, nick: string) {
  const seen = new Map<string, { text: string; where: string; live: readonly string[] }>();
  for (const { event, id = "", from = "", type, body = "", replaces, children = [] } of person.events.slice(since)) {
    const bare = from.slice(0, from.indexOf("/"));
    if (event !== "message" || body === "") continue;
    if (from !== `${room}/${nick}` && bare !== `bot@${XMPP_DOMAIN}`) continue;
    const text = body.replace(/^```\n([\s\S]*)\n```$/, "$1");
    const where = `${type}/${bare}`;
    const odd = children.map((tag) => tag.replace(/^\{.*\}/, "")).filter((tag) => !USUAL.has(tag));
    seen.set(replaces ?? id, { text, where, live: odd });
  }
  return [...seen.values()];
}

const USUAL: ReadonlySet<string> = new Set([
  ...["body", "thread", "origin-id", "unstyled", "replace", "x", "stanza-id", "occupant-id", "delay"],
  "archived",
]);

/** Only moderators see who is who (XEP-0045 §10.2). */
const ANONYMOUS = `<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>
  <field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>
  <field var='muc#roomconfig_whois'><value>moderators</value></field></x></query>`;
