import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type HipChatInit, hipchatInput } from "../../../src/inputs/hipchat/hipchat.ts";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { inputContract } from "../../contract/input.contract.ts";
import { readTyped } from "../../fakes/hipchat-reader.ts";
import { hasProsody, startProsody, type XmppServer } from "../../fakes/prosody-server.ts";
import { hasSlixmpp, type XmppPerson, xmppPerson } from "../../fakes/xmpp-person.ts";
import { WITHOUT } from "./without.ts";

const CHAT = "chat.hipchat.com";
const BOT = "12345_1";
const NICK = "Micro Bot";
const ANN = "Ann Smith";

describe.runIf(hasProsody && hasSlixmpp)("at a real server under HipChat's names", () => {
  let server: XmppServer;
  let ann: XmppPerson;
  let bob: XmppPerson;
  let rooms = 0;
  const open: InputConnection[] = [];

  beforeAll(async () => {
    server = await startProsody([BOT, "12345_2", "12345_3"], {
      domain: CHAT,
      rooms: "conf.hipchat.com",
      names: { [BOT]: NICK, "12345_2": ANN, "12345_3": "Bob" },
    });
    const bot = await xmppPerson(server, BOT);
    const card = `<vCard xmlns='vcard-temp'><FN>${NICK}</FN></vCard>`;
    bot.do({ do: "iq", to: `${BOT}@${CHAT}`, xml: card });
    await bot.until(({ event }) => event === "done", "its vCard");
    await bot.close();
    ann = await xmppPerson(server, "12345_2");
    bob = await xmppPerson(server, "12345_3");
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
    return `12345_room${rooms}@${server.rooms}`;
  };
  const inputAt = (init: Partial<HipChatInit>) =>
    hipchatInput({
      username: `${BOT}@${CHAT}/bot`,
      password: `${BOT}pw`,
      server: server.address,
      ca: server.certificate.file,
      ...init,
    })();
  const connect = async (init: Partial<HipChatInit>) => {
    const link = await inputAt(init).connect();
    open.push(link);
    return { link, hear: link[Symbol.asyncIterator]() };
  };
  const next = async (hear: AsyncIterator<IncomingMessage>): Promise<IncomingMessage> => {
    const { value, done } = await hear.next();
    if (done) throw new Error("the link ended");
    return value;
  };
  const say = (who: XmppPerson, room: string, body: string) => who.do({ do: "say", to: room, type: "groupchat", body });

  // First, since Prosody makes its list when it is asked for one and does not add to it.
  it("goes into the rooms of the server's list, and into one that it is invited to", async () => {
    const [listed, invited] = [newRoom(), newRoom()];
    await ann.join(listed, ANN);
    const { hear } = await connect({});
    say(ann, listed, "@MicroBot one");
    expect(await next(hear)).toMatchObject({ text: "one", place: { room: listed } });
    await ann.join(invited, ANN);
    const invite = `<x xmlns='http://jabber.org/protocol/muc#user'><invite to='${BOT}@${CHAT}'/></x>`;
    ann.do({ do: "raw", xml: `<message to='${invited}'>${invite}</message>` });
    await ann.until(({ event, from }) => event === "presence" && from === `${invited}/${NICK}`, "the bot");
  });

  inputContract("hipchat at prosody", {
    without: {
      ...WITHOUT,
      deliverAgain: "a server delivers once",
      sayAsStranger: "this server knows no other",
      lose: "killing it is tested of its own",
      refuse: "a wrong password is tested of its own",
      unreachable: "the fake is away as well",
      failSend: "a server refuses when it wants to",
      hold: "a server answers when it wants to",
    },
    create: async () => {
      const room = newRoom();
      await ann.join(room, ANN);
      const since = ann.events.length;
      const close = async () => ann.do({ do: "leave", room, nick: ANN });
      const seen = () =>
        ann.events.slice(since).flatMap(({ event, from = "", type, body = "" }) => {
          const bare = from.slice(0, from.indexOf("/"));
          const bots = from === `${room}/${NICK}` || bare === `${BOT}@${CHAT}`;
          return event === "message" && body !== "" && bots ? [{ ...readTyped(body), where: `${type}/${bare}` }] : [];
        });
      return {
        input: inputAt({ rooms: [room] }),
        say: (text) => say(ann, room, `@microbot ${text}`),
        heard: seen,
        alive: (raw) => readTyped(raw).live,
        sayElsewhere: (text) => ann.do({ do: "say", to: `${room}/${NICK}`, type: "chat", body: text }),
        sayDirect: (text) => ann.do({ do: "say", to: `${BOT}@${CHAT}`, type: "chat", body: text }),
        overhear: (text) => say(ann, room, text),
        spoof: async (text) => {
          ann.do({ do: "nick", room, nick: "Ann was here" });
          await ann.until(({ event, from }) => event === "presence" && from === `${room}/Ann was here`, "a new nick");
          await bob.join(room, ANN);
          say(bob, room, `@microbot ${text}`);
        },
        alone: () => seen().flatMap(({ text, where }) => (where === `chat/${BOT}@${CHAT}` ? [text] : [])),
        whispered: () => seen().flatMap(({ text, where }) => (where === `chat/${BOT}@${CHAT}` ? [text] : [])),
        flood: (length) => say(ann, room, `@microbot ${"x".repeat(Math.min(length, 200_000))}`),
        noise: () => {
          ann.do({ do: "say", to: room, type: "groupchat", body: "@microbot list", replaces: "whatever" });
          ann.do({ do: "raw", xml: `<message to='${room}' type='groupchat'><subject>@microbot</subject></message>` });
        },
        close,
        [Symbol.asyncDispose]: close,
      };
    },
  });

  it("hears who is who by number, and Identity confusion (chat.md §6): not who only shows the name", async () => {
    const room = newRoom();
    await ann.join(room, ANN);
    const { hear } = await connect({ rooms: [room] });
    say(ann, room, "@MicroBot one");
    expect((await next(hear)).from).toEqual({ id: "12345_2", name: ANN, guest: false });
    ann.do({ do: "nick", room, nick: "Ann was here" });
    await ann.until(({ event, from }) => event === "presence" && from === `${room}/Ann was here`, "a new nick");
    await bob.join(room, ANN);
    say(bob, room, "@MicroBot two");
    expect((await next(hear)).from).toEqual({ id: undefined, name: ANN, guest: true });
    bob.do({ do: "say", to: `${BOT}@${CHAT}`, type: "chat", body: "three" });
    expect((await next(hear)).from).toEqual({ id: "12345_3", name: "Bob", guest: false });
  });

  it("History replay = command replay (chat.md §6): what was said before the bot came is not heard", async () => {
    const room = newRoom();
    await ann.join(room, ANN);
    for (const body of ["@microbot deregister one", "@microbot deregister two"]) say(ann, room, body);
    await ann.until(({ body }) => body === "@microbot deregister two", "her own words");
    ann.do({ do: "say", to: `${BOT}@${CHAT}`, type: "chat", body: "deregister, while it was away" });
    const { hear } = await connect({ rooms: [room] });
    say(ann, room, "@microbot ping");
    expect((await next(hear)).text).toBe("ping");
  });

  it("says unauthenticated for a wrong password", async () => {
    const error = await connect({ password: "wrong-password" }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unauthenticated" });
    expect(String(error)).not.toContain("wrong-password");
  });

  it("the link is lost with the server, and comes back with it", async () => {
    const room = newRoom();
    const { hear } = await connect({ rooms: [room] });
    const lost = hear.next();
    await Promise.all([expect(lost).rejects.toMatchObject({ code: "unavailable" }), server.kill()]);
    await expect(connect({ rooms: [room] })).rejects.toMatchObject({ code: "unavailable" });
    await server.restart();
    const { link } = await connect({ rooms: [room] });
    await link.send({ place: { room, to: room, type: "groupchat" }, parts: [{ kind: "text", text: "back" }] });
  }, 60_000);
});

it.skipIf(hasProsody && hasSlixmpp)("a real server (not here: prosody and slixmpp are to be installed)", () => {
  expect(process.env["MICRO_TEST_REQUIRE_SERVERS"]).not.toBe("1");
});
