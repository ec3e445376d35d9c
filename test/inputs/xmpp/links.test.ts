import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { InputConnection } from "../../../src/inputs/input.ts";
import { type XmppInit, xmppInput } from "../../../src/inputs/xmpp/xmpp.ts";
import { DOMAIN, type FakeXmpp, fakeXmpp, OPS } from "../../fakes/xmpp.ts";
import { type Certificate, makeCertificate } from "../../fakes/xmpp-certificate.ts";

describe("links to an XMPP server", () => {
  let certificate: Certificate;
  let server: FakeXmpp;
  const open: InputConnection[] = [];

  beforeAll(async () => {
    certificate = await makeCertificate(DOMAIN);
  });
  afterAll(() => certificate.remove());
  beforeEach(async () => {
    server = await fakeXmpp(certificate);
  });
  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
    await server.close();
  });

  const input = (init: Partial<XmppInit> = {}) =>
    xmppInput({
      username: `bot@${DOMAIN}`,
      password: "botpw",
      server: server.address,
      ca: certificate.file,
      rooms: [OPS],
      ...init,
    })();
  const connect = async (init: Partial<XmppInit> = {}) => {
    const link = await input(init).connect();
    open.push(link);
    return { link, hear: link[Symbol.asyncIterator]() };
  };

  it("a half-open link is noticed by the ping that nobody answers", async () => {
    const { hear } = await connect({ pingEveryMs: 20, pingWithinMs: 60 });
    server.faults.frozen = true;
    await expect(hear.next()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("no sign of life"),
    });
  });
});
