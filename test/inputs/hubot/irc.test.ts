import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hubotInput } from "../../../src/inputs/hubot/hubot.ts";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { HOSTILE } from "../../contract/input.contract.ts";
import { hasNgircd, type IrcPerson, ircPerson, type NgircdServer, startNgircd } from "../../fakes/ngircd-server.ts";

/*
 * An adapter of 2011, hubot-irc: CoffeeScript 1, CommonJS, written for Hubot 2. Not the whole contract: IRC breaks every
 * answer into lines, so none is "one whole message", and the adapter knows its link to be up before it is.
 */

describe.skipIf(!hasNgircd())("hubot-irc over a real IRC server (not here without ngircd)", () => {
  let server: NgircdServer;
  let ann: IrcPerson;
  const open: { close(): Promise<void> }[] = [];
  beforeEach(async () => {
    server = await startNgircd();
    ann = await ircPerson(server.port, "ann", "#lobby");
    open.push(ann);
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
    await server.stop();
  });

  const connect = async (trusted = false): Promise<{ link: InputConnection; next(): Promise<IncomingMessage> }> => {
    const link = await hubotInput({
      adapter: "hubot-irc",
      cwd: join(import.meta.dirname, "../../.."),
      env: {
        HUBOT_IRC_SERVER: "127.0.0.1",
        HUBOT_IRC_PORT: String(server.port),
        HUBOT_IRC_NICK: "micro",
        // The library of today fails without these two.
        HUBOT_IRC_USERNAME: "micro",
        HUBOT_IRC_REALNAME: "Micro Bot",
        HUBOT_IRC_ROOMS: "#lobby,#attic",
      },
      trusted,
    })().connect();
    open.push(link);
    await ann.sees("micro", "#lobby");
    const iterator = link[Symbol.asyncIterator]();
    return { link, next: async () => (await iterator.next()).value as IncomingMessage };
  };
  const answer = ({ place }: IncomingMessage, text: string) => ({ place, parts: [{ kind: "text" as const, text }] });

  it("hears rooms and direct talk, and answers each where it was asked", async () => {
    const { link, next } = await connect();
    ann.say("#lobby", "micro: list services");
    ann.say("#lobby", "shall we list services?");
    ann.say("micro", "ping");
    const [asked, overheard, direct] = [await next(), await next(), await next()];
    expect([asked, overheard, direct].map(({ text, addressed }) => [text, addressed])).toEqual([
      ["list services", true],
      ["shall we list services?", false],
      ["ping", true],
    ]);
    await link.send(answer(direct, "for you"));
    await link.send(answer(asked, "one\ntwo"));
    await vi.waitFor(() =>
      expect(ann.heard).toEqual([
        { from: "micro", to: "ann", text: "for you" },
        { from: "micro", to: "#lobby", text: "one" },
        { from: "micro", to: "#lobby", text: "two" },
      ]),
    );
  });

  it("never gives joins, nick changes or topics", async () => {
    const { next } = await connect();
    for (const line of ["JOIN #attic", "PART #attic", "NICK anna", "NICK ann", "TOPIC #lobby :micro ping"])
      ann.raw(line);
    ann.say("#lobby", "micro, after");
    expect((await next()).text).toBe("after");
  });

  it("Identity confusion (chat.md §6): a nick is nobody's id", async () => {
    const { next } = await connect();
    ann.say("#lobby", "micro: list services");
    expect((await next()).from).toEqual({ id: undefined, name: "ann", guest: true });
  });

  it("Mention / markup injection in output (chat.md §6): what is said stays one person's words, whatever stands in it", async () => {
    const { link, next } = await connect();
    ann.say("#lobby", "micro: ping");
    const asked = await next();
    await link.send(answer(asked, "one\r\nQUIT :gone\r\nJOIN #other\u0000\u0001ACTION waves\u0001 \u0003" + "4red"));
    for (const text of HOSTILE) await link.send(answer(asked, text));
    await vi.waitFor(() => expect(ann.heard).toHaveLength(3 + HOSTILE.length));
    const texts = ann.heard.map(({ text }) => text.replaceAll("\u200b", ""));
    expect(texts).toEqual(["one", "QUIT :gone", "JOIN #otherACTION waves 4red", ...HOSTILE]);
  });

  it("goes with its link: closing it leaves the server", async () => {
    const { link } = await connect();
    await link.close();
    await vi.waitFor(() => {
      const before = ann.heard.length;
      ann.say("micro", "still there?");
      expect(ann.heard.length).toBe(before);
    });
    const again = await connect();
    ann.say("#lobby", "micro: still there?");
    expect((await again.next()).text).toBe("still there?");
  });
});
