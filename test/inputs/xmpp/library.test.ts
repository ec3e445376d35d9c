import { client, xml as element } from "@xmpp/client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DOMAIN, type FakeXmpp, fakeXmpp, OPS } from "../../fakes/xmpp.ts";
import { type Certificate, makeCertificate } from "../../fakes/xmpp-certificate.ts";

/* Why the input does not stand on @xmpp/client (docs/xmpp.md). When one of these fails, a new version has changed that. */

describe("@xmpp/client, where it does not do", () => {
  let certificate: Certificate;
  let server: FakeXmpp;
  let stop: () => Promise<unknown> = async () => {};

  beforeAll(async () => {
    certificate = await makeCertificate(DOMAIN);
  });
  afterAll(() => certificate.remove());
  beforeEach(async () => {
    server = await fakeXmpp(certificate);
  });
  afterEach(async () => {
    await stop().catch(() => {});
    await server.close();
  });

  const start = async () => {
    const bot = client({ service: `xmpp://${server.address}`, domain: DOMAIN, username: "bot", password: "botpw" });
    bot.on("error", () => {});
    bot.reconnect.stop();
    stop = () => bot.stop();
    await bot.start();
    return bot;
  };

  it("it trusts no authority that it is told of: only those of Node", async () => {
    await expect(start()).rejects.toThrow(/certificate/);
  });

  it("it logs in without TLS, and believes a server that does not know the password", async () => {
    Object.assign(server.faults, { noTls: true, forged: true, mechanisms: ["SCRAM-SHA-1"] });
    await start();
    expect(server.logins).toBe(1);
  });

  it("it breaks characters whose bytes come in two pieces", async () => {
    Object.assign(server.faults, { noTls: true, mechanisms: ["SCRAM-SHA-1"] });
    const bot = await start();
    await bot.send(element("presence", { to: `${OPS}/micro` }, element("x", "http://jabber.org/protocol/muc")));
    const heard = new Promise<string>((resolve) => {
      bot.on("stanza", (stanza) => {
        const body = stanza.getChildText("body");
        if (body) resolve(body);
      });
    });
    // Longer than what a socket gives at once, and no such length is a multiple of three bytes.
    server.say("日".repeat(300_000));
    expect((await heard).includes("\ufffd")).toBe(true);
  });
});
