import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { Clock } from "../../../src/core/clock.ts";
import type { Log } from "../../../src/core/log.ts";
import { type HipChatInit, hipchatInput } from "../../../src/inputs/hipchat/hipchat.ts";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { BOT, CHAT, type FakeHipChat, fakeHipChat } from "../../fakes/hipchat.ts";
import { type Certificate, makeCertificate } from "../../fakes/xmpp-certificate.ts";

/** A fake for each test, and links to it. */
export interface AtFake {
  readonly server: FakeHipChat;
  readonly certificate: Certificate;
  /** All lines of the log. */
  readonly logged: readonly string[];
  connect(init?: Partial<HipChatInit>, clock?: Clock): Promise<InputConnection>;
  /** Everything the bot hears up to a last word said now. */
  heard(): Promise<readonly IncomingMessage[]>;
}

export function atFake(): AtFake {
  let certificate: Certificate | undefined;
  let server: FakeHipChat | undefined;
  let link: InputConnection | undefined;
  const open: InputConnection[] = [];
  const logged: string[] = [];
  const record = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: record, info: record, warn: record, error: record };
  const there = <T>(one: T | undefined): T => {
    if (one === undefined) throw new Error("only in tests");
    return one;
  };

  beforeAll(async () => {
    certificate = await makeCertificate(CHAT);
  });
  afterAll(() => certificate?.remove());
  beforeEach(async () => {
    server = await fakeHipChat(there(certificate));
    logged.length = 0;
  });
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
    await server?.close();
  });

  return {
    get server() {
      return there(server);
    },
    get certificate() {
      return there(certificate);
    },
    logged,
    connect: async (init = {}, clock) => {
      const input = hipchatInput({
        username: BOT,
        password: "botpw",
        server: there(server).address,
        ca: there(certificate).file,
        ...init,
      })({ log, ...(clock && { clock }) });
      link = await input.connect();
      open.push(link);
      return link;
    },
    heard: async () => {
      const end = `the end ${Math.random()}`;
      there(server).tell(`12345_99@${CHAT}/x`, end);
      const messages: IncomingMessage[] = [];
      const iterator = there(link)[Symbol.asyncIterator]();
      for (;;) {
        const { value, done } = await iterator.next();
        if (done) throw new Error("the link ended");
        if (value.text === end) return messages;
        messages.push(value);
      }
    },
  };
}
