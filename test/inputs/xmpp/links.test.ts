import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Log } from "../../../src/core/log.ts";
import type { InputConnection } from "../../../src/inputs/input.ts";
import { NS } from "../../../src/inputs/xmpp/names.ts";
import { xml } from "../../../src/inputs/xmpp/xml.ts";
import { type XmppInit, xmppInput } from "../../../src/inputs/xmpp/xmpp.ts";
import { DOMAIN, type FakeXmpp, fakeXmpp, OPS } from "../../fakes/xmpp.ts";
import { type Certificate, makeCertificate } from "../../fakes/xmpp-certificate.ts";

describe("links to an XMPP server", () => {
  let certificate: Certificate;
  let another: Certificate;
  let server: FakeXmpp;
  let logged: { readonly level: string; readonly line: string }[];
  const open: InputConnection[] = [];

  beforeAll(async () => {
    certificate = await makeCertificate(DOMAIN);
    another = await makeCertificate("other.example.test");
  });
  afterAll(async () => {
    await certificate.remove();
    await another.remove();
  });
  beforeEach(async () => {
    server = await fakeXmpp(certificate);
    logged = [];
  });
  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
    await server.close();
  });

  const record = (level: string) => (fields: object, message: string) =>
    void logged.push({ level, line: `${message} ${JSON.stringify(fields)}` });
  const log: Log = { debug: record("debug"), info: record("info"), warn: record("warn"), error: record("error") };
  const input = (init: Partial<XmppInit> = {}) =>
    xmppInput({
      username: `bot@${DOMAIN}`,
      password: "botpw",
      server: server.address,
      ca: certificate.file,
      rooms: [OPS],
      ...init,
    })({ log });
  const connect = async (init: Partial<XmppInit> = {}) => {
    const link = await input(init).connect();
    open.push(link);
    return { link, hear: link[Symbol.asyncIterator]() };
  };
  const refusal = (init: Partial<XmppInit> = {}) =>
    input(init)
      .connect()
      .then(
        (link) => {
          open.push(link);
          return { code: "connected", message: "" };
        },
        (error: { code: string; message: string }) => error,
      );
  const place = { room: OPS, to: OPS, type: "groupchat" };

  describe("Weak transport (chat.md §6)", () => {
    it("a server that offers no TLS is not spoken to: it never sees so much as a user name", async () => {
      server.faults.noTls = true;
      expect(await refusal()).toMatchObject({ code: "unavailable", message: expect.stringContaining("no TLS") });
      expect(server.attempts).toEqual([]);
    });

    it("a certificate of an authority that nobody has named is refused", async () => {
      expect(await refusal({ ca: undefined })).toMatchObject({
        code: "unavailable",
        message: expect.stringMatching(/an authority that the bot does not know .*: name it with --xmpp_ca$/),
      });
      expect(await refusal({ ca: another.file })).toMatchObject({ code: "unavailable" });
      expect(server.attempts).toEqual([]);
    });

    it("a file that holds no certificate is told of, and not the server's certificate", async () => {
      const ca = fileURLToPath(import.meta.url);
      expect(await refusal({ ca })).toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining("holds no certificate"),
      });
    });

    it("a certificate for another name is refused, even of the right authority", async () => {
      await server.close();
      server = await fakeXmpp(another);
      expect(await refusal({ ca: another.file })).toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("altnames"),
      });
      expect(server.attempts).toEqual([]);
    });

    it("words that somebody puts behind <proceed/> do not count as said under TLS", async () => {
      server.faults.injected = "<message from='ann@chat.example.test' type='chat'><body>deregister x</body></message>";
      expect(await refusal()).toMatchObject({ code: "unavailable", message: expect.stringContaining("without TLS") });
      server.faults.injected = "<message from='ann@chat.example.test' type='chat'><body>deregi";
      const { hear } = await connect();
      server.say("micro: ping");
      expect((await hear.next()).value.text).toBe("ping");
    });

    it("a file of the authority that is not there is said so", async () => {
      expect(await refusal({ ca: "/nowhere/ca.pem" })).toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining("/nowhere/ca.pem"),
      });
    });
  });

  describe("logging in", () => {
    it.each([
      [["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"], "SCRAM-SHA-512"],
      [["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"], "SCRAM-SHA-256"],
      [["PLAIN", "SCRAM-SHA-1"], "SCRAM-SHA-1"],
      [["X-OAUTH2", "PLAIN"], "PLAIN"],
    ])("of %j it takes %s", async (mechanisms, chosen) => {
      server.faults.mechanisms = mechanisms;
      await connect();
      expect(server.attempts).toEqual([chosen]);
    });

    it("a server that offers nothing it knows is told so, once and for all", async () => {
      server.faults.mechanisms = ["DIGEST-MD5", "ANONYMOUS"];
      expect(await refusal()).toMatchObject({
        code: "unauthenticated",
        message: expect.stringContaining("DIGEST-MD5"),
      });
    });

    it("a server that does not know the password is not believed", async () => {
      server.faults.forged = true;
      expect(await refusal()).toMatchObject({ code: "unauthenticated", message: expect.stringContaining("prove") });
    });

    it.each([1, 100_000_000])("%s rounds are too few or too many", async (rounds) => {
      server.faults.rounds = rounds;
      expect(await refusal()).toMatchObject({ code: "unauthenticated", message: expect.stringContaining("rounds") });
    });

    it.each([
      ["not-authorized", "unauthenticated"],
      ["account-disabled", "unauthenticated"],
      ["temporary-auth-failure", "unavailable"],
    ])("%s is %s", async (condition, code) => {
      server.faults.refuse = condition;
      expect(await refusal()).toMatchObject({ code, message: expect.stringContaining(condition) });
    });

    it("Leaked tokens (chat.md §6): the password is in no error and no line of the log", async () => {
      const password = 'p<w>&"secret';
      const errors = [await refusal({ password })];
      server.faults.mechanisms = ["PLAIN"];
      errors.push(await refusal({ password }));
      await connect();
      server.cut();
      const everything = JSON.stringify([errors.map(String), errors, logged]);
      for (const secret of [password, "botpw", Buffer.from(password).toString("base64")]) {
        expect(everything).not.toContain(secret);
      }
      expect(errors.map(({ code }) => code)).toEqual(["unauthenticated", "unauthenticated"]);
    });
  });

  describe("streams", () => {
    it.each([1, 2, 3, 7])(
      "text that comes in pieces of %s bytes is whole, in the middle of characters too",
      async (pieces) => {
        const { hear } = await connect();
        server.faults.pieces = pieces;
        const text = 'call x Y.Z {"名前": "日本語 🦀 ü <&>"}';
        server.say(`micro: ${text}`);
        expect((await hear.next()).value.text).toBe(text);
      },
    );

    it.each([
      ["see-other-host", "elsewhere"],
      ["host-unknown", "host-unknown"],
      ["system-shutdown", "system-shutdown"],
    ])("%s at the beginning is unavailable, and says why", async (condition, words) => {
      server.faults.streamError = xml(condition, { xmlns: NS.streamErrors }, "evil.example:5222");
      const { code, message } = await refusal();
      expect([code, message]).toEqual(["unavailable", expect.stringContaining(words)]);
    });

    it.each([
      ["what is no XML", "<message><body>&nosuch;</body></message>"],
      ["elements that do not close", "<message></iq>"],
      ["a character that is none", "<message><body>\u0001</body></message>"],
      ["half a character", Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0xfe])],
      ["a document type", "<!DOCTYPE x [<!ENTITY a 'b'>]><message/>"],
      ["a comment", "<!-- x --><message/>"],
      ["a processing instruction", "<?php x ?><message/>"],
      ["endless depth", "<a>".repeat(100)],
      ["an endless element", `<message><body>${"x".repeat(3_000_000)}`],
      ["an endless tag", `<message from='${"x".repeat(3_000_000)}`],
      ["the end of the stream", "</stream:stream>"],
      ["a stream error", "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"],
    ])("%s ends the link, not the process", async (_what, words) => {
      const { hear } = await connect();
      server.raw(words);
      await expect(hear.next()).rejects.toMatchObject({ code: "unavailable" });
    });

    it("a half-open link is noticed by the ping that nobody answers", async () => {
      const { link, hear } = await connect({ pingEveryMs: 20, pingWithinMs: 60 });
      server.faults.frozen = true;
      await expect(hear.next()).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("no sign of life"),
      });
      await expect(link.send({ place, parts: [] })).rejects.toMatchObject({ code: "unavailable" });
    });

    it("a server that knows no ping is alive all the same", async () => {
      server.faults.noPing = true;
      const { link, hear } = await connect({ pingEveryMs: 10, pingWithinMs: 60 });
      await new Promise((resolve) => setTimeout(resolve, 150));
      server.say("micro: ping");
      expect((await hear.next()).value.text).toBe("ping");
      await link.send({ place: { room: "x", to: `ann@${DOMAIN}` }, parts: [{ kind: "text", text: "directly" }] });
      expect(server.heard.at(-1)?.text).toBe("directly");
    });

    it("order is what the server sends, late or not: what was said twice and out of turn keeps its ids", async () => {
      const { hear } = await connect();
      const one = server.say("micro: one");
      const two = server.say("micro: two");
      server.deliver(two);
      server.deliver(one);
      const ids: string[] = [];
      for (let i = 0; i < 4; i += 1) ids.push((await hear.next()).value.id);
      expect([ids[2], ids[3]]).toEqual([ids[1], ids[0]]);
    });
  });

  describe("rooms", () => {
    it("a nick that is taken gets a number, and the bot is spoken to by that", async () => {
      server.enter(OPS, "micro");
      server.enter(OPS, "micro-2");
      const { hear } = await connect();
      expect(server.room(OPS).botNick).toBe("micro-3");
      server.say("micro-3: ping");
      expect((await hear.next()).value).toMatchObject({ text: "ping", addressed: true });
    });

    it("a nick that the server changed is the bot's", async () => {
      const { link, hear } = await connect();
      server.leave(OPS, "micro", [110, 303], { nick: "robot" });
      server.enter(OPS, "robot", { jid: `bot@${DOMAIN}/x` });
      server.room(OPS).botNick = "robot";
      server.say("robot: ping");
      expect((await hear.next()).value).toMatchObject({ text: "ping", addressed: true });
      await link.send({ place, parts: [{ kind: "text", text: "pong" }] });
    });

    it.each([
      ["not-authorized", "auth", "password"],
      ["registration-required", "auth", "only members"],
      ["forbidden", "auth", "banned"],
      ["item-not-found", "cancel", "does not exist"],
    ])("%s is said clearly, and does not keep the bot from the others", async (condition, type, words) => {
      server.room("closed@conf.example.test").refuse = { condition, type };
      const { hear } = await connect({ rooms: ["closed@conf.example.test", OPS], rejoinMs: 10 });
      server.say("micro: ping");
      expect((await hear.next()).value.text).toBe("ping");
      expect(logged.filter(({ level }) => level === "error")).toMatchObject([
        { line: expect.stringMatching(new RegExp(`${words}.*closed@conf\\.example\\.test`)) },
      ]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(server.room("closed@conf.example.test").joins).toBe(0);
    });

    it("a room that is full now is tried again", async () => {
      server.room(OPS).refuse = { condition: "service-unavailable", type: "wait" };
      const { hear } = await connect({ rejoinMs: 20 });
      server.room(OPS).refuse = undefined;
      await expect.poll(() => server.room(OPS).joins).toBe(1);
      server.say("micro: ping");
      expect((await hear.next()).value.text).toBe("ping");
    });

    it.each([
      ["kicked", [110, 307], 2],
      ["gone with its service", [110, 332], 2],
      ["banned", [110, 301], 1],
      ["made a stranger", [110, 321], 1],
    ])("%s (%j): it has come %s times by then", async (_why, codes, joins) => {
      await connect({ rejoinMs: 20 });
      server.leave(OPS, "micro", codes);
      await expect.poll(() => server.room(OPS).joins, { timeout: 5000 }).toBe(joins);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(server.room(OPS).joins).toBe(joins);
      expect(logged.filter(({ level }) => level === "error")).toHaveLength(joins === 1 ? 1 : 0);
    });

    it("a room that is destroyed is left alone", async () => {
      await connect({ rejoinMs: 20 });
      const facts = xml(
        "x",
        { xmlns: NS.mucUser },
        xml("item", { role: "none" }),
        xml("destroy", {}, xml("reason", {}, "done")),
      );
      server.deliver(xml("presence", { from: `${OPS}/micro`, type: "unavailable" }, facts));
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(server.room(OPS).joins).toBe(1);
      expect(logged.filter(({ level }) => level === "error")).toMatchObject([
        { line: expect.stringContaining("destroyed") },
      ]);
    });

    it("a room that forgot the bot is noticed when something is said there, and entered again", async () => {
      const { link } = await connect({ rejoinMs: 20 });
      server.faults.failSends.push({ condition: "not-acceptable", type: "modify" });
      const parts = [{ kind: "text" as const, text: "x" }];
      await expect(link.send({ place, parts })).rejects.toMatchObject({ code: "unavailable" });
      await expect.poll(() => server.room(OPS).joins).toBe(2);
      await expect
        .poll(() =>
          link.send({ place, parts }).then(
            () => "said",
            () => "not yet",
          ),
        )
        .toBe("said");
    });

    it("a room that forgot the bot is noticed by asking it (XEP-0410), and entered again", async () => {
      const { hear } = await connect({ rejoinMs: 20, checkRoomsMs: 30 });
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(server.room(OPS).joins).toBe(1);
      server.room(OPS).occupants.delete("micro");
      server.room(OPS).botNick = undefined;
      await expect.poll(() => server.room(OPS).joins).toBe(2);
      server.say("micro: ping");
      expect((await hear.next()).value.text).toBe("ping");
    });

    it("a link that is lost while a room keeps the bot waiting is lost at once", async () => {
      server.room(OPS).silent = true;
      const connecting = refusal();
      await expect.poll(() => server.room(OPS).asked).toBeDefined();
      server.cut();
      expect(await connecting).toMatchObject({ code: "unavailable", message: expect.stringContaining("lost") });
    });

    it("a room that throws the bot out on its way in is not taken for entered, nor waited for", async () => {
      server.room(OPS).subject = false;
      const connecting = connect();
      await expect.poll(() => server.room(OPS).joins).toBe(1);
      server.leave(OPS, "micro", [110, 301]);
      const { link } = await connecting;
      await new Promise((resolve) => setTimeout(resolve, 2500));
      const words = {
        place: { room: OPS, to: OPS, type: "groupchat" },
        parts: [{ kind: "text", text: "hello" }],
      } as const;
      await expect(link.send(words)).rejects.toMatchObject({ message: expect.stringContaining("is not in") });
    });

    it("a room that says nothing after its occupants is entered all the same", async () => {
      server.room(OPS).subject = false;
      const { hear } = await connect();
      server.say("micro: ping");
      expect((await hear.next()).value.text).toBe("ping");
    });
  });

  it.each([
    [{ username: undefined }, "missing xmpp username"],
    [{ password: "" }, "missing xmpp password"],
    [{ username: "bot" }, "bot@chat.example.org"],
    [{ rooms: ["ops"] }, "ops@conference.example.org"],
    [{ rooms: [`${OPS}/nick`] }, "is no room"],
    [{ server: "http://x" }, "host:port"],
    [{ server: "x:99999" }, "host:port"],
  ])("%j is refused before anything is connected", (init, words) => {
    expect(() => input(init)).toThrow(words);
  });
});
