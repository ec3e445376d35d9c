import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Log } from "../../../src/core/log.ts";
import type { IncomingMessage, InputConnection } from "../../../src/inputs/input.ts";
import { openTalk } from "../../../src/inputs/local/client.ts";
import { type LocalInit, localInput } from "../../../src/inputs/local/local.ts";
import { provenChat, type RawChat, rawChat } from "../../fakes/chat-socket.ts";
import { manualClock } from "../../fakes/clock.ts";

let folder: string;
let path: string;
const open: InputConnection[] = [];
const chats: RawChat[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "micro-local-"));
  path = join(folder, "chat.sock");
});
afterEach(async () => {
  for (const chat of chats.splice(0)) chat.destroy();
  for (const link of open.splice(0)) await link.close();
  rmSync(folder, { recursive: true });
});

const listen = async (init: Partial<LocalInit> = {}, tools: Parameters<ReturnType<typeof localInput>>[0] = {}) => {
  const link = await localInput({ path, ...init })(tools).connect();
  open.push(link);
  const iterator = link[Symbol.asyncIterator]();
  return { link, hear: async () => (await iterator.next()).value as IncomingMessage };
};
const raw = () => {
  const chat = rawChat(path);
  chats.push(chat);
  return chat;
};
const proven = async (claims?: object) => {
  const chat = await provenChat(path, claims);
  chats.push(chat);
  return chat;
};
const say = (id: number, text: string, more: object = {}) => `${JSON.stringify({ type: "say", id, text, ...more })}\n`;
const answer = (message: IncomingMessage, text: string) => ({
  place: message.place,
  parts: [{ kind: "text" as const, text }],
});

describe("local: who comes", () => {
  it("Identity confusion (chat.md §6): is who the kernel says, whatever they claim", async () => {
    const { hear } = await listen();
    const chat = await proven({ user: "eve", uid: 4711, from: { id: "eve" } });
    chat.write(say(1, "ping", { user: "eve", from: { id: "eve" } }));
    const { from } = await hear();
    const { username } = (await import("node:os")).userInfo();
    expect(from).toEqual({ id: username, name: username, guest: false });
  });

  it.each([
    ["nothing", () => {}],
    ["a file", (proof: string) => writeFileSync(proof, "")],
    ["a link to a folder", (proof: string) => symlinkSync("/", proof)],
    ["a folder that others may write to", (proof: string) => mkdirSync(proof, { mode: 0o777 })],
  ])("Identity confusion (chat.md §6): takes %s for no proof, and leaves none of it", async (_what, prove) => {
    const before = process.umask(0);
    try {
      await listen();
      const chat = raw();
      chat.write('{"type":"hello","version":1}\n');
      const { name } = await chat.next("prove");
      prove(join(`${path}.proof`, String(name)));
      chat.write('{"type":"proved"}\n');
      expect(await chat.next("refused")).toMatchObject({ code: "unauthenticated" });
      await chat.closed;
      expect(readdirSync(`${path}.proof`)).toEqual([]);
    } finally {
      process.umask(before);
    }
  });

  it("asks everybody for another proof", async () => {
    await listen();
    const names = new Set();
    for (let i = 0; i < 20; i++) {
      const chat = raw();
      chat.write('{"type":"hello","version":1}\n');
      names.add((await chat.next("prove"))["name"]);
    }
    expect(names.size).toBe(20);
  });

  it.each([
    ["another version", '{"type":"hello","version":2}', "unimplemented", /version 1/],
    ["no version", '{"type":"hello"}', "unimplemented", /version 1/],
    ["a command at once", '{"type":"say","id":1,"text":"ping"}', "invalid_argument", /begins/],
    ["another protocol", "GET / HTTP/1.1", "invalid_argument", /language/],
    ["a long line", `{"type":"hello","version":"${"x".repeat(2000)}"}`, "invalid_argument", /longer than 1000 bytes/],
  ])("refuses %s in one line", async (_what, line, code, words) => {
    await listen();
    const chat = raw();
    chat.write(`${line}\n`);
    expect(await chat.next("refused")).toMatchObject({ code, message: expect.stringMatching(words) });
    await chat.closed;
  });

  it("hangs up on who does not say who they are in time", async () => {
    const clock = manualClock();
    await listen({}, { clock });
    const silent = raw();
    const slow = raw();
    slow.write('{"type":"hello","version":1}\n');
    await slow.next("prove");
    await expect.poll(() => clock.sleepers).toBe(2);
    await clock.advance(10_000);
    await Promise.all([silent.closed, slow.closed]);
  });

  it("lets many knock who do not come in, and others come in none the less", async () => {
    await listen();
    const knocking = Array.from({ length: 200 }, raw);
    const chat = await proven();
    chat.write(say(1, "ping"));
    await Promise.all(knocking.slice(0, 100).map((one) => one.closed));
  });
});

describe("local: talking", () => {
  it("keeps sessions apart, each a room", async () => {
    const { link, hear } = await listen();
    const [one, two] = [await proven(), await proven()];
    one.write(say(1, "one"));
    const first = await hear();
    two.write(say(1, "two"));
    const second = await hear();
    expect(first.place.room).not.toBe(second.place.room);
    expect(first.id).not.toBe(second.id);
    await link.send(answer(second, "for two"));
    await link.send(answer(first, "for one"));
    expect(await one.next("answer")).toMatchObject({ to: 1, parts: [{ text: "for one" }] });
    expect(await two.next("answer")).toMatchObject({ to: 1, parts: [{ text: "for two" }] });
  });

  it("drops what comes after the session has ended, and says so in the log", async () => {
    const told: string[] = [];
    const log: Log = {
      debug: () => {},
      warn: () => {},
      error: () => {},
      info: (_fields, text) => void told.push(text),
    };
    const { link, hear } = await listen({}, { log });
    const chat = await proven();
    chat.write(say(1, "slow"));
    const message = await hear();
    chat.destroy();
    await link.send(answer(message, "late"));
    await expect.poll(() => told.join("\n")).toMatch(/dropped.*\n?.*left|left.*\n.*dropped/);
  });

  it("finishes what was said when there is nothing more to say", async () => {
    const { link, hear } = await listen();
    const chat = await proven();
    chat.write(say(1, "one") + say(2, "two"));
    chat.end();
    const [one, two] = [await hear(), await hear()];
    await link.send({ ...answer(one, "piece"), progress: { key: "k", last: false } });
    await link.send({ ...answer(one, "end"), progress: { key: "k", last: true }, failed: true });
    await link.send(answer(two, "done"));
    await chat.closed;
    expect(chat.heard.slice(2)).toMatchObject([
      { to: 1, last: false, failed: false },
      { to: 1, last: true, failed: true },
      { to: 2, last: true },
    ]);
  });

  it("hangs up on who does not read, and nobody else waits for that", async () => {
    const { link, hear } = await listen({ stalledMs: 200 });
    const [stuck, other] = [await proven(), await proven()];
    stuck.freeze();
    stuck.write(say(1, "much"));
    const much = await hear();
    const sending = (async () => {
      for (let i = 0; i < 20; i++) await link.send(answer(much, "x".repeat(500_000)));
    })();
    other.write(say(1, "ping"));
    await link.send(answer(await hear(), "pong"));
    await other.next("answer");
    await sending;
    stuck.thaw();
    await stuck.closed;
  });

  it("gives up a send in time when nobody reads", async () => {
    const { link, hear } = await listen();
    const stuck = await proven();
    stuck.freeze();
    stuck.write(say(1, "much"));
    const much = await hear();
    const fill = async () => {
      for (;;) await link.send(answer(much, "x".repeat(500_000)), { timeoutMs: 50 });
    };
    await expect(fill()).rejects.toMatchObject({ code: "timeout" });
    const late = expect(link.send(answer(much, "more"))).rejects.toMatchObject({ code: "unavailable" });
    await link.close();
    await late;
  });

  it("reads no more of a flood than it has answered", async () => {
    const { link, hear } = await listen();
    const chat = await proven();
    for (let i = 1; i <= 1000; i++) chat.write(say(i, `line ${i}`));
    const heard: IncomingMessage[] = [];
    void (async () => {
      for (let next = await hear(); next !== undefined; next = await hear()) heard.push(next);
    })();
    await expect.poll(() => heard.length).toBe(100);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(heard).toHaveLength(100);
    for (const message of [...heard]) await link.send(answer(message, "ok"));
    await expect.poll(() => heard.length).toBe(200);
  });

  it("refuses a line that is too long, and goes on with others", async () => {
    const { hear } = await listen();
    const [chat, other] = [await proven(), await proven()];
    chat.write(`{"type":"say","id":1,"text":"${"x".repeat(1_100_000)}`);
    expect(await chat.next("refused")).toMatchObject({ code: "invalid_argument" });
    await chat.closed;
    other.write(say(1, "ping"));
    expect((await hear()).text).toBe("ping");
    const talk = await openTalk(path);
    expect(() => talk.say("x".repeat(1_000_000))).toThrow(/bytes long/);
    await talk.close();
  });

  it("offers words, and none when that takes too long or fails", async () => {
    const answers: (() => Promise<readonly string[]>)[] = [
      async () => ["services"],
      async () => {
        throw new Error("no registry");
      },
    ];
    const asked: unknown[] = [];
    await listen({
      complete: async (...args) => {
        asked.push(args);
        return (await answers.shift()?.()) ?? [];
      },
    });
    const talk = await openTalk(path);
    expect(await talk.complete("list s")).toEqual(["services"]);
    expect(await talk.complete("list s")).toEqual([]);
    expect(asked[0]).toEqual(["list s", talk.user]);
    await talk.close();
    expect(await talk.complete("list s")).toEqual([]);
  });

  it("says what it leaves for, and leaves nothing behind", async () => {
    const { link, hear } = await listen();
    const talk = await openTalk(path);
    talk.say("slow");
    await hear();
    await link.close();
    await expect(talk.answers[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "unavailable",
      message: "the bot is leaving",
    });
    await talk.close();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("local: the socket", () => {
  it("is not taken from a bot that listens", async () => {
    await listen();
    await expect(localInput({ path })().connect()).rejects.toMatchObject({ code: "conflict" });
    const talk = await openTalk(path);
    await talk.close();
  });

  it("is not made of something else", async () => {
    writeFileSync(path, "precious");
    await expect(localInput({ path })().connect()).rejects.toMatchObject({ code: "conflict" });
    rmSync(path);
    writeFileSync(`${path}.proof`, "precious");
    await expect(localInput({ path })().connect()).rejects.toMatchObject({ code: "conflict" });
    expect(existsSync(path)).toBe(false);
  });

  it("cannot have a path that the kernel would cut", async () => {
    const long = `/${"x".repeat(120)}/chat.sock`;
    expect(() => localInput({ path: long })).toThrow(/131 bytes long and may be 10[37].*--chat_socket/);
    await expect(openTalk(long)).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("is looked for in vain where there is none", async () => {
    await expect(openTalk(path)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("--state_dir"),
    });
  });

  it("is not believed when it is no bot's", async () => {
    const server = createServer((socket) => socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await expect(openTalk(path)).rejects.toMatchObject({ message: expect.stringContaining("no bot") });
    await new Promise((resolve) => server.close(resolve));
  });

  it.each([
    ["../../etc", "a name that leads elsewhere"],
    ["0".repeat(32), "a link to another bot's folder"],
  ])("cannot make us prove ourselves elsewhere: %s, %s", async (name) => {
    const other = mkdtempSync(join(tmpdir(), "micro-other-"));
    symlinkSync(other, `${path}.proof`);
    const server = createServer((socket) => socket.write(`${JSON.stringify({ type: "prove", name })}\n`));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await expect(openTalk(path)).rejects.toThrow();
    expect(readdirSync(other)).toEqual([]);
    server.close();
    rmSync(other, { recursive: true });
  });
});

describe("local: words that may follow", () => {
  it("are none when the bot does not say so in time: who types is not held up", async () => {
    let offered = () => {};
    await listen({ complete: () => new Promise((resolve) => (offered = () => resolve(["late"]))) });
    const talk = await openTalk(path, { completeMs: 20 });
    try {
      const early = new Promise((resolve) => setTimeout(() => resolve("held up"), 1500));
      expect(await Promise.race([talk.complete("list s"), early])).toEqual([]);
      offered();
    } finally {
      await talk.close();
    }
  });
});
