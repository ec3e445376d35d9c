import { describe, expect, it, vi } from "vitest";
import { type HipChatInit, hipchatInput } from "../../../src/inputs/hipchat/hipchat.ts";
import { HC } from "../../../src/inputs/hipchat/names.ts";
import { type HipChatSettings, readSettings } from "../../../src/inputs/hipchat/settings.ts";
import { NS } from "../../../src/inputs/xmpp/names.ts";
import { child, textOf, xml } from "../../../src/inputs/xmpp/xml.ts";
import { manualClock } from "../../fakes/clock.ts";
import { BOT, CHAT, CONF, DEV, OPS } from "../../fakes/hipchat.ts";
import { atFake } from "./at-fake.ts";

const fake = atFake();
const here = () => [...fake.server.rooms.values()].filter(({ botNick }) => botNick !== undefined);
const jids = () => here().map(({ jid }) => jid);

describe("how the bot logs in to HipChat", () => {
  it.each([
    { logins: ["own", "iq", "plain"], how: "PLAIN" },
    { logins: ["own", "iq"], how: "own" },
    { logins: ["own"], how: "own" },
    { logins: ["iq"], how: "jabber:iq:auth" },
    { logins: ["plain"], how: "PLAIN" },
  ] as const)("with $how where there is $logins", async ({ logins, how }) => {
    fake.server.manners.logins = logins;
    await fake.connect();
    expect(fake.server.attempts).toEqual([how]);
    expect(fake.server.logins).toBe(1);
    fake.server.sayAs("Ann Smith", "@micro ping");
    expect(await fake.heard()).toMatchObject([{ text: "ping" }]);
  });

  it("with an e-mail address by HipChat's own way", async () => {
    await fake.connect({ username: "bot@example.org" });
    expect(fake.server.attempts).toEqual(["own"]);
  });

  it.each([["own"], ["iq"], ["plain"]] as const)("is told when %s is refused", async (how) => {
    fake.server.manners.logins = [how];
    const refused = { code: "unauthenticated", message: expect.not.stringContaining("secret-word") };
    await expect(fake.connect({ password: "secret-word" })).rejects.toMatchObject(refused);
  });

  it("is told when there is no way in", async () => {
    fake.server.manners.logins = [];
    await expect(fake.connect()).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("Weak transport (chat.md §6): without TLS, or with another's certificate, nothing is said", async () => {
    await expect(fake.connect({ ca: undefined })).rejects.toMatchObject({ code: "unavailable" });
    const port = fake.server.address.split(":")[1];
    // The name in the settings is the one that counts.
    await expect(fake.connect({ server: `localhost:${port}` })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("localhost"),
    });
    fake.server.faults.noTls = true;
    await expect(fake.connect()).rejects.toMatchObject({ code: "unavailable" });
    expect(fake.server.attempts).toEqual([]);
  });

  it("goes where the server says that rooms are", async () => {
    fake.server.manners.logins = ["own"];
    fake.server.manners.hosts = { muc_host: "conf.elsewhere.example" };
    await fake.connect();
    expect(jids()).toEqual([]);
    await fake.connect({ conf: CONF });
    expect(jids()).toEqual([OPS, DEV]);
  });

  it("Leaked tokens (chat.md §6): no password and no token is in the log or in an error", async () => {
    fake.server.manners.password = "s3cret-password";
    fake.server.manners.logins = ["own"];
    await fake.connect({ password: "s3cret-password", token: "s3cret-token", api: "http://127.0.0.1:9" });
    fake.server.manners.refuse = true;
    const error = await fake.connect({ password: "s3cret-password" }).catch((thrown: unknown) => thrown);
    expect(fake.logged.length).toBeGreaterThan(0);
    expect(`${fake.logged.join()} ${error} ${JSON.stringify(error)}`).not.toContain("s3cret");
  });
});

describe("what the bot is in HipChat", () => {
  it("has the account's full name for a nick, and says that it is a bot", async () => {
    await fake.connect();
    expect(here().map(({ botNick }) => botNick)).toEqual(["Micro Bot", "Micro Bot"]);
    const [presence] = fake.server.presences;
    expect(presence && child(presence, "c", HC.caps)?.attrs["node"]).toBe("http://hipchat.com/client/bot");
    expect(presence && textOf(child(presence, "show", NS.client) ?? xml("show"))).toBe("chat");
  });

  it("by the roster where there is no vCard and no startup query, and by its number without all", async () => {
    Object.assign(fake.server.manners, { fullName: undefined, mention: undefined });
    await fake.connect();
    fake.server.sayAs("Ann Smith", "@micro ping");
    expect(here()[0]?.botNick).toBe("Micro Bot");
    expect(await fake.heard()).toMatchObject([{ text: "ping", addressed: true }]);
    fake.server.manners.roster.length = 0;
    await fake.connect();
    expect(fake.server.rooms.get(OPS)?.botNick).toBe(BOT);
  });

  it("does not take another nick when its own is taken", async () => {
    fake.server.enter(OPS, "Micro Bot", { jid: `12345_666@${CHAT}` });
    await fake.connect();
    expect(jids()).toEqual([DEV]);
    expect(fake.logged.join()).toContain("conflict");
  });
});

describe("the rooms of the bot in HipChat", () => {
  it("are all that are listed and not archived", async () => {
    await fake.connect();
    expect(jids()).toEqual([OPS, DEV]);
  });

  it.each([
    { rooms: ["Ops"], there: [OPS] },
    { rooms: ["dev team"], there: [DEV] },
    { rooms: ["dev_team", "ops"], there: [OPS, DEV] },
    { rooms: [DEV.toUpperCase()], there: [DEV] },
    { rooms: ["Old"], there: [] },
    { rooms: ["nowhere"], there: [] },
  ])("are those that are named: $rooms", async ({ rooms, there }) => {
    await fake.connect({ rooms });
    expect(jids()).toEqual(there);
    expect(fake.logged.some((line) => line.includes("lists no such rooms"))).toBe(there.length === 0);
  });

  it("become more within a minute", async () => {
    const clock = manualClock();
    await fake.connect({ pingEveryMs: 1e9 }, clock);
    const fresh = `12345_new@${CONF}`;
    fake.server.room(fresh);
    fake.server.manners.list?.push({ jid: fresh, name: "New", id: "710" });
    await clock.advance(60_000);
    await vi.waitFor(() => expect(jids()).toEqual([OPS, DEV, fresh]));
    expect(fake.server.room(OPS).joins).toBe(1);
  });

  it("are none where there is no list, and the bot answers directly", async () => {
    fake.server.manners.list = undefined;
    await fake.connect();
    fake.server.tell(`12345_2@${CHAT}/x`, "ping");
    expect(await fake.heard()).toMatchObject([{ text: "ping" }]);
  });

  const invite = xml("x", { xmlns: NS.mucUser }, xml("invite", { from: `12345_2@${CHAT}` }));
  const own = xml("x", { xmlns: HC.room }, xml("name", {}, "Secret"), xml("privacy", {}, "private"));
  it.each([
    ["XEP-0045's", invite],
    ["HipChat's", own],
  ])("are those that it is invited to as well, %s way, on this link and the next", async (_, x) => {
    const secret = `12345_secret@${CONF}`;
    const input = hipchatInput({
      username: BOT,
      password: "botpw",
      server: fake.server.address,
      ca: fake.certificate.file,
      rooms: ["Ops"],
    })();
    const link = await input.connect();
    fake.server.deliver(xml("message", { from: secret }, x));
    await vi.waitFor(() => expect(jids()).toContain(secret));
    await link.close();
    await vi.waitFor(() => expect(jids()).toEqual([]));
    await using _again = await input.connect();
    expect(jids()).toContain(secret);
  });

  it("are none of another server, whoever invites", async () => {
    await fake.connect();
    fake.server.deliver(xml("message", { from: "12345_trap@conf.evil.example" }, invite));
    fake.server.deliver(xml("message", { from: `${OPS}/Ann Smith`, type: "groupchat" }, invite, xml("body", {}, "x")));
    fake.server.deliver(xml("message", { from: `12345_2@${CHAT}` }, invite));
    // One that counts, after them: whatever they do is done before.
    fake.server.deliver(xml("message", { from: `12345_last@${CONF}` }, invite));
    await vi.waitFor(() => expect(jids()).toEqual([OPS, DEV, `12345_last@${CONF}`]));
    expect([...fake.server.rooms.keys()].filter((jid) => jid.includes("evil"))).toEqual([]);
  });
});

it("says something more often than each 60 s, and notices a server that says nothing", async () => {
  const clock = manualClock();
  const link = await fake.connect({}, clock);
  await clock.advance(29_000);
  fake.server.faults.frozen = true;
  const next = link[Symbol.asyncIterator]().next();
  const lost = expect(next).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining("sign of life"),
  });
  await clock.advance(1000);
  await clock.advance(10_000);
  await lost;
});

describe("HipChat's settings", () => {
  const read = (settings: HipChatSettings) => readSettings({ username: BOT, password: "pw", ...settings });

  it.each<[HipChatInit, string]>([
    [{ password: "x" }, "require username"],
    [{ username: "1_2" }, "require password"],
    [{ username: "1_2", password: "x", server: "chat:0:1" }, "is no host:port"],
    [{ username: "1_2", password: "x", api: "http://api.hipchat.com" }, "is no address"],
    [{ username: "1_2", password: "x", api: "api.hipchat.com" }, "is no address"],
  ])("%j: %s", (init, words) => {
    const wrong = () => hipchatInput(init);
    expect(wrong).toThrowError(expect.objectContaining({ code: "invalid_argument" }));
    expect(wrong).toThrowError(words);
  });

  it.each([
    [{}, { login: BOT, domain: CHAT, host: CHAT, port: 5222, certificateOf: CHAT, resource: "bot" }],
    [{ username: `${BOT}@${CHAT}/laptop` }, { login: BOT, domain: CHAT, resource: "laptop" }],
    [{ username: "1_2@chat.btf.hipchat.com" }, { domain: "chat.btf.hipchat.com", host: "chat.btf.hipchat.com" }],
    [
      { username: "1_2@chat.btf.hipchat.com", server: "hipchat.example.org:5223" },
      { domain: "chat.btf.hipchat.com", host: "hipchat.example.org", port: 5223, certificateOf: "hipchat.example.org" },
    ],
    [{ server: "chat.example.org" }, { domain: "chat.example.org", host: "chat.example.org" }],
    [{ server: "127.0.0.1:1" }, { domain: CHAT, host: "127.0.0.1", certificateOf: CHAT }],
    [{ username: "bot@example.org" }, { login: "bot@example.org", domain: CHAT }],
    [{ api: "https://hipchat.example.org/v2/" }, { api: "https://hipchat.example.org" }],
  ])("%j", (settings, account) => {
    expect(read(settings)).toMatchObject(account);
  });
});
