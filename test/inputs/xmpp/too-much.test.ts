import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { hipchatInput } from "../../../src/inputs/hipchat/hipchat.ts";
import type { ConnectOptions, Input, InputConnection } from "../../../src/inputs/input.ts";
import { xmppInput } from "../../../src/inputs/xmpp/xmpp.ts";
import { BOT, CHAT, CONF, type FakeHipChat, fakeHipChat } from "../../fakes/hipchat.ts";
import { DOMAIN, type FakeXmpp, fakeXmpp, OPS } from "../../fakes/xmpp.ts";
import { type Certificate, makeCertificate } from "../../fakes/xmpp-certificate.ts";

/* More is said than the bot gets to, on the networks that can be kept waiting. */

const AT_MOST = 10_000;

interface Pings {
  readonly pingEveryMs?: number;
  readonly pingWithinMs?: number;
}

interface Network {
  readonly name: string;
  readonly domain: string;
  readonly start: (certificate: Certificate) => Promise<FakeXmpp>;
  readonly input: (server: FakeXmpp, ca: string, pings: Pings) => Input;
  readonly say: (server: FakeXmpp, text: string) => void;
  readonly mutter: (server: FakeXmpp, text: string) => void;
}

const NETWORKS: readonly Network[] = [
  {
    name: "XMPP",
    domain: DOMAIN,
    start: fakeXmpp,
    input: (server, ca, pings) =>
      xmppInput({
        username: `bot@${DOMAIN}`,
        password: "botpw",
        server: server.address,
        ca,
        rooms: [OPS],
        ...pings,
      })(),
    say: (server, text) => void server.say(`micro: ${text}`),
    mutter: (server, text) => void server.say(text),
  },
  {
    name: "HipChat",
    domain: CHAT,
    start: async (certificate) => {
      const server = await fakeHipChat(certificate);
      server.person("2", "Ann Smith", `12345_ops@${CONF}`);
      return server;
    },
    input: (server, ca, pings) =>
      hipchatInput({ username: BOT, password: "botpw", server: server.address, ca, ...pings })(),
    say: (server, text) => void (server as FakeHipChat).sayAs("Ann Smith", `@Micro ${text}`),
    mutter: (server, text) => void (server as FakeHipChat).sayAs("Ann Smith", text),
  },
];

describe.each(NETWORKS)("too much at once in $name", { timeout: 60_000 }, ({ domain, start, input, say, mutter }) => {
  let certificate: Certificate;
  let server: FakeXmpp;
  let untaken: number;
  const open: InputConnection[] = [];
  beforeAll(async () => {
    certificate = await makeCertificate(domain);
  });
  afterAll(() => certificate.remove());
  beforeEach(async () => {
    server = await start(certificate);
    untaken = 0;
  });
  afterEach(async () => {
    for (const link of open.splice(0)) await link.close();
    await server.close();
  });

  const connect = async (pings: Pings = {}, options: ConnectOptions = {}) => {
    const onUntaken = () => {
      untaken += 1;
    };
    const link = await input(server, certificate.file, pings).connect({ onUntaken, ...options });
    open.push(link);
    const hear = link[Symbol.asyncIterator]();
    const read = async (count: number) => {
      const texts: string[] = [];
      while (texts.length < count) texts.push((await hear.next()).value.text.trim());
      return texts;
    };
    return { link, read };
  };
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n));

  it("is kept waiting at the server, and heard in its order", async () => {
    let here = 0;
    const heeds = () => {
      here += 1;
      return true;
    };
    const { read } = await connect({ pingWithinMs: 60_000 }, { heeds });
    const count = 1.5 * AT_MOST;
    for (const n of numbers(count)) say(server, n);
    // Until all of it is here, or no more comes.
    for (let before = -1; here < count && (here === 0 || here > before); ) {
      before = here;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    expect(here).toBeLessThan(AT_MOST);
    expect(await read(count)).toEqual(numbers(count));
    expect(untaken).toBe(0);
  });

  it("is told of when it has waited as long as may be, and the link stays", async () => {
    const { link, read } = await connect({ pingEveryMs: 500, pingWithinMs: 10_000 });
    let lost = false;
    void link.lost?.then(() => {
      lost = true;
    });
    for (const n of numbers(AT_MOST + 500)) say(server, n);
    await expect.poll(() => untaken, { timeout: 30_000 }).toBe(500);
    expect(await read(AT_MOST)).toEqual(numbers(AT_MOST));
    say(server, "again");
    expect(await read(1)).toEqual(["again"]);
    expect([lost, untaken]).toEqual([false, 500]);
  });

  it("is not what people say to each other, which takes no place", async () => {
    const { read } = await connect({}, { heeds: ({ addressed }) => addressed });
    for (const n of numbers(2 * AT_MOST)) mutter(server, n);
    say(server, "list services");
    expect(await read(1)).toEqual(["list services"]);
    expect(untaken).toBe(0);
  });
});
