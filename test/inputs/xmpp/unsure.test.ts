import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { InputConnection, OutgoingMessage } from "../../../src/inputs/input.ts";
import { type Xml, xml } from "../../../src/inputs/xmpp/xml.ts";
import { xmppInput } from "../../../src/inputs/xmpp/xmpp.ts";
import { DOMAIN, type FakeXmpp, fakeXmpp, OPS } from "../../fakes/xmpp.ts";
import { type Certificate, makeCertificate } from "../../fakes/xmpp-certificate.ts";

/* A link that is lost between what the bot says and word that it has arrived: it is neither lost nor said twice. */

describe("what was said when a link was lost", () => {
  let certificate: Certificate;
  let server: FakeXmpp;
  let input: ReturnType<ReturnType<typeof xmppInput>>;
  const open: InputConnection[] = [];

  beforeAll(async () => {
    certificate = await makeCertificate(DOMAIN);
  });
  afterAll(() => certificate.remove());
  beforeEach(async () => {
    server = await fakeXmpp(certificate);
    input = xmppInput({
      username: `bot@${DOMAIN}`,
      password: "botpw",
      server: server.address,
      ca: certificate.file,
      rooms: [OPS],
    })();
  });
  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
    await server.close();
  });

  const connect = async () => {
    const link = await input.connect();
    open.push(link);
    return link;
  };
  const answer = (to: string, type: string): OutgoingMessage => ({
    place: { room: to, to, type },
    parts: [{ kind: "text", text: "42" }],
  });
  /** Says it, and loses the link before any word about it comes back. What went over the wire. */
  const saidInVain = async (message: OutgoingMessage): Promise<Xml> => {
    const link = await connect();
    server.faults.held = true;
    const sending = link.send(message);
    const failed = expect(sending).rejects.toMatchObject({ code: "unavailable" });
    await expect.poll(() => server.said.length).toBe(1);
    server.cut();
    await failed;
    server.faults.held = false;
    return server.said[0] as Xml;
  };
  const remembered = (said: Xml, nick: string): Xml => ({
    ...said,
    ns: undefined,
    attrs: { ...said.attrs, from: `${OPS}/${nick}`, to: `bot@${DOMAIN}` },
    children: [...said.children, xml("delay", { xmlns: "urn:xmpp:delay", from: OPS, stamp: new Date().toISOString() })],
  });

  it("is not said again in a room that tells of it, whatever the bot was called there", async () => {
    const message = answer(OPS, "groupchat");
    const said = await saidInVain(message);
    server.room(OPS).history = [remembered(said, "micro-2")];
    const link = await connect();
    expect(Number(server.room(OPS).asked?.["seconds"])).toBeGreaterThan(0);
    await link.send(message);
    expect(server.said).toHaveLength(1);
    // The same words for another answer are another message.
    await link.send(answer(OPS, "groupchat"));
    expect(server.said).toHaveLength(2);
  });

  it("is said again, under its id, in a room that does not", async () => {
    const message = answer(OPS, "groupchat");
    const said = await saidInVain(message);
    server.room(OPS).history = [remembered({ ...said, attrs: { ...said.attrs, id: "other" }, children: [] }, "micro")];
    const link = await connect();
    await link.send(message);
    expect(server.said.map(({ attrs }) => attrs["id"])).toEqual([said.attrs["id"], said.attrs["id"]]);
  });

  it("is said again, under its id, to somebody directly", async () => {
    const message = answer(`ann@${DOMAIN}/laptop`, "chat");
    const said = await saidInVain(message);
    const link = await connect();
    await link.send(message);
    expect(server.said.map(({ attrs }) => attrs["id"])).toEqual([said.attrs["id"], said.attrs["id"]]);
  });

  it("does not make the bot ask for history when nothing is unsure", async () => {
    const message = answer(OPS, "groupchat");
    await saidInVain(message);
    const second = await connect();
    await second.send(message);
    await second.close();
    await connect();
    expect(server.room(OPS).asked).toEqual({ maxstanzas: "0", maxchars: "0" });
  });
});
