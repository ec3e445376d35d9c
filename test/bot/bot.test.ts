import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Bot, type BotInit, createBot } from "../../src/bot/bot.ts";
import { memoryJournal } from "../../src/bot/journal.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import { type AnyCommand, defineCommand } from "../../src/commands/command.ts";
import type { Client } from "../../src/core/client/client.ts";
import { systemClock } from "../../src/core/clock.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryShelf } from "../../src/platform/kv/memory.ts";
import { brittleKv } from "../fakes/brittle-kv.ts";

const noClient: Client = {
  call: async () => {
    throw new MicroError("unavailable", "no services in this test");
  },
  request: async () => {
    throw new MicroError("unavailable", "no services in this test");
  },
  open: async () => {
    throw new MicroError("unavailable", "no services in this test");
  },
  stream: async () => {
    throw new MicroError("unavailable", "no services in this test");
  },
  use: () => {},
  close: async () => {},
};

/** A command that ends when the test says so. */
function slow(name: string, extra: Partial<AnyCommand> = {}) {
  const ends: (() => void)[] = [];
  const runs: string[] = [];
  const command: AnyCommand = defineCommand({
    name,
    summary: name,
    input: z.object({ what: z.string().default("") }),
    words: ["what"],
    permission: "test:slow",
    effect: "read",
    run: async ({ what }: { what: string }) => {
      runs.push(what);
      await new Promise<void>((resolve) => ends.push(resolve));
      return { what };
    },
    view: ({ what }: { what: string }) => ({ kind: "text", text: `${name} ${what} ended` }),
    ...extra,
  } as never);
  return { command, runs, end: () => ends.shift()?.() };
}

function counting(name: string, effect: "read" | "write" = "read") {
  const runs: string[] = [];
  const command = defineCommand({
    name,
    summary: name,
    input: z.object({ what: z.string().default("") }),
    words: ["what"],
    permission: "test:count",
    effect,
    run: async ({ what }) => {
      runs.push(what);
      return {};
    },
    view: () => ({ kind: "text", text: `${name} done` }),
  });
  return { command, runs };
}

const running: Bot[] = [];
afterEach(async () => {
  for (const bot of running.splice(0)) await bot.stop();
});

async function botWith(init: Partial<BotInit> = {}): Promise<{ input: MemoryInput; bot: Bot }> {
  const input = (init.inputs?.[0] as MemoryInput | undefined) ?? memoryInput();
  const registry = memoryRegistry()();
  await registry.start();
  const bot = createBot({
    inputs: [input],
    commands: [...builtin, ...smallTalk],
    registry,
    client: noClient,
    drainMs: 200,
    ...init,
  });
  running.push(bot);
  await bot.start();
  return { input, bot };
}

const said = async (input: MemoryInput) =>
  (await input.next({ timeoutMs: 4000 })).parts.map((part) => part.text).join("\n");
const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

describe("who is spoken to", () => {
  it.each([
    ["ping", true],
    ["micro ping", true],
    ["micro ping", false],
    ["Micro: ping", false],
    ["@micro, ping", false],
    ["  micro\u00a0ping", false],
  ])("%j (addressed %s) is answered", async (text, addressed) => {
    const { input } = await botWith();
    input.say(text, { addressed });
    expect(await said(input)).toBe("pong");
  });

  it.each(["microscope ping", "ping", "micros: ping", "I like micro ping", "micro-ping", ""])(
    "%j between people is left alone",
    async (text) => {
      const { input } = await botWith();
      input.say(text, { addressed: false });
      input.say("hello");
      expect(await said(input)).toBe("hey what's up?");
      expect(input.sent).toHaveLength(1);
    },
  );
});

describe("what is not understood", () => {
  it("is answered with the nearest three", async () => {
    const { input } = await botWith();
    input.say("micro lst services");
    const text = await said(input);
    expect(text).toContain('there is no command "lst services"');
    expect(text).toContain("`list services`");
    expect(text.match(/`/g)).toHaveLength(6);
  });

  it("is answered with the usage and the word to blame", async () => {
    const { input } = await botWith();
    input.say("get service foo --limt 3");
    expect(await said(input)).toBe(
      [
        "get service has no option --limt",
        "get service foo --limt 3",
        "                ^^^^^^",
        "usage: get service <service> [--version <string>]",
      ].join("\n"),
    );
  });

  it("says something even to nothing", async () => {
    const { input } = await botWith();
    input.say("micro");
    expect(await said(input)).toContain("help");
  });
});

describe("a message takes effect once", () => {
  it("when it is delivered twice, at once and later", async () => {
    const once = counting("count");
    const { input } = await botWith({ commands: [once.command] });
    input.say("count a", { id: "1" });
    input.say("count a", { id: "1" });
    await said(input);
    input.say("count a", { id: "1" });
    input.say("count b", { id: "2" });
    await said(input);
    expect(once.runs).toEqual(["a", "b"]);
    expect(input.sent).toHaveLength(2);
  });

  it("when the link breaks and what was not acknowledged comes again", async () => {
    const once = counting("count");
    const { input } = await botWith({ commands: [once.command] });
    input.say("count a");
    await said(input);
    input.lose();
    input.say("count b");
    await said(input);
    expect(once.runs).toEqual(["a", "b"]);
  });

  it("also after a restart, and a write that was interrupted is told, not repeated", async () => {
    const shelf = memoryShelf();
    const store = await brittleKv(shelf);
    const policy = readPolicy("members: ['test:*']", "test");
    const shared = { replica: { leaseMs: 300 }, policy };
    const work = slow("work", { effect: "write", confirm: false });
    const first = await botWith({ commands: [work.command], store, ...shared, commandMs: 60_000 });
    first.input.say("work done", { id: "a" });
    await expect.poll(() => work.runs).toEqual(["done"]);
    work.end();
    await said(first.input);
    first.input.say("work half", { id: "b", room: "ops" });
    await expect.poll(() => work.runs).toEqual(["done", "half"]);
    // What kill -9 leaves behind: the store as it is, and no call of close().
    store.fail("unreached");

    const again = slow("work", { effect: "write", confirm: false });
    const second = await botWith({ commands: [again.command], store: await brittleKv(shelf), ...shared });
    const report = await second.input.next();
    expect(report.place.room).toBe("ops");
    expect(report.parts[0]?.text).toContain("work half");
    expect(report.parts[0]?.text).toContain("not repeated");
    second.input.say("work done", { id: "a" });
    second.input.say("work half", { id: "b", room: "ops" });
    second.input.say("work new", { id: "c" });
    await expect.poll(() => again.runs).toEqual(["new"]);
    again.end();
    work.end();
    await said(second.input);
    expect(second.input.sent).toHaveLength(2);
  });

  it("and not at all when it is older than a minute", async () => {
    const once = counting("count");
    const { input } = await botWith({ commands: [once.command] });
    input.say("count a", { sentAt: Date.now() - 61_000 });
    expect(await said(input)).toContain("say it again");
    expect(once.runs).toEqual([]);
  });
});

describe("who may do what", () => {
  it("denies writes by default and names the permission", async () => {
    const { input } = await botWith();
    input.say('register service {"name":"x"}');
    expect(await said(input)).toContain("registry:write");
  });

  it("lets a guest do nothing until granted", async () => {
    const policy = readPolicy("guests: ['bot:talk']", "test");
    const { input } = await botWith();
    for (const from of [{ id: undefined }, { id: "T9/U9", guest: true }]) {
      input.say("list services", { from });
      expect(await said(input)).toContain("guests need the permission registry:read");
    }
    const open = await botWith({ policy });
    open.input.say("ping", { from: { id: undefined } });
    expect(await said(open.input)).toBe("pong");
  });

  it("does not call somebody a guest whom the network could not be asked about", async () => {
    const { input } = await botWith();
    input.say("list services", { from: { id: "T1/U1", guest: true, unsure: true } });
    const words = await said(input);
    expect(words).toMatch(/^nothing was done: memory does not tell me just now who you are.*say it again in a moment/);
    expect(words).not.toContain("registry:read");
    const open = await botWith({ policy: readPolicy("guests: ['bot:talk']", "test") });
    open.input.say("ping", { from: { id: "T1/U1", guest: true, unsure: true } });
    expect(await said(open.input)).toBe("pong");
  });

  it("does not name to a caller what they may not run", async () => {
    const { input } = await botWith();
    input.say("registr service");
    expect(await said(input)).not.toContain("register");
  });

  it("asks before a write, and takes yes once, from the same person in the same room, for what was shown", async () => {
    const write = counting("change", "write");
    const policy = readPolicy("members: ['test:*']", "test");
    const input = memoryInput({ limits: { edits: false } });
    await botWith({ inputs: [input], commands: [write.command], policy });
    input.say("change prod", { from: "ann" });
    expect(await said(input)).toContain("change prod");
    input.say("yes", { from: "bob" });
    expect(await said(input)).toContain("nothing of yours");
    input.say("yes", { from: "ann", room: "other" });
    expect(await said(input)).toContain("nothing of yours");
    expect(write.runs).toEqual([]);
    input.say("yes", { from: "ann" });
    expect(await said(input)).toBe("change done");
    input.say("yes", { from: "ann" });
    expect(await said(input)).toContain("nothing of yours");
    expect(write.runs).toEqual(["prod"]);
    input.say("change test");
    await said(input);
    input.say("micro no");
    expect(await said(input)).toContain("not done");
    expect(write.runs).toEqual(["prod"]);
  });

  it("refuses a policy file that says something else than it should", () => {
    expect(() => readPolicy("grants: []", "p.yaml")).toThrow("p.yaml");
    expect(() => readPolicy("members: [everything]", "p.yaml")).toThrow("members.0");
    expect(() => readPolicy("roles: {a: {members: [x", "p.yaml")).toThrow("not YAML");
  });
});

describe("many commands at once", () => {
  it("starts a room's commands in order, and a slow one does not stall the room", async () => {
    const work = slow("work");
    const { input } = await botWith({ commands: [work.command, ...smallTalk], order: { patienceMs: 50 } });
    input.say("work long");
    input.say("ping");
    expect(await said(input)).toBe("pong");
    work.end();
    expect(await said(input)).toBe("work long ended");
  });

  it("waits for the one before as long as its patience lasts", async () => {
    const work = slow("work");
    const { input } = await botWith({ commands: [work.command] });
    input.say("work a");
    input.say("work b");
    input.say("work c", { room: "elsewhere" });
    await expect.poll(() => work.runs).toEqual(["a", "c"]);
    await settle();
    expect(work.runs).toEqual(["a", "c"]);
    work.end();
    await expect.poll(() => work.runs).toEqual(["a", "c", "b"]);
    work.end();
    work.end();
  });

  it("runs no more than so many at once", async () => {
    const work = slow("work");
    const { input } = await botWith({ commands: [work.command], order: { atOnce: 2 } });
    for (const room of ["a", "b", "c"]) input.say(`work ${room}`, { room, from: room });
    await expect.poll(() => work.runs).toEqual(["a", "b"]);
    await settle();
    expect(work.runs).toEqual(["a", "b"]);
    work.end();
    await expect.poll(() => work.runs).toEqual(["a", "b", "c"]);
    work.end();
    work.end();
  });

  it("shows what runs, and lets only its caller cancel it", async () => {
    const work = slow("work");
    const { input } = await botWith({ commands: [work.command] });
    input.say("work long", { from: "ann" });
    await expect.poll(() => work.runs).toEqual(["long"]);
    input.say("jobs");
    const jobs = await said(input);
    expect(jobs).toContain("work long");
    const id = /^([0-9a-f]{6})/m.exec(jobs)?.[1];
    input.say(`cancel ${id}`, { from: "bob" });
    expect(await said(input)).toContain("they can cancel it, or who has the grant `bot:admin`");
    input.say(`cancel ${id}`, { from: "ann" });
    const answers = [await said(input), await said(input)].join("\n");
    expect(answers).toContain(`cancelled ${id}`);
    expect(answers).toContain("`work`: cancelled");
  });

  it("ends a command at its deadline and says so", async () => {
    const work = slow("work");
    const { input } = await botWith({ commands: [work.command], commandMs: 40 });
    input.say("work long");
    expect(await said(input)).toContain("did not answer within 40 ms");
  });

  it("slows down who is too fast, and says so", async () => {
    const { input } = await botWith({ limit: { person: { count: 2, ms: 5000, burst: 2 } } });
    for (let i = 0; i < 3; i++) input.say("ping");
    expect([await said(input), await said(input), await said(input)].join()).toContain("more than 2 commands in 5s");
    input.say("ping", { from: "bob" });
    expect(await said(input)).toBe("pong");
  });
});

describe("answers", () => {
  it("wait as long as the network asks, and keep their order", async () => {
    const { input } = await botWith();
    input.failSends(new MicroError("exhausted", "too fast", { details: { retryAfterMs: 120 } }), 2);
    input.say("echo one");
    input.say("echo two");
    expect([await said(input), await said(input)]).toEqual(["one", "two"]);
  });

  it("go over the next link when one is lost", async () => {
    const work = slow("work");
    const { input } = await botWith({ commands: [work.command] });
    input.say("work long");
    await expect.poll(() => work.runs).toEqual(["long"]);
    input.lose();
    work.end();
    expect(await said(input)).toBe("work long ended");
  });

  it("that the network refuses are not dropped in silence", async () => {
    const { input } = await botWith();
    input.failSends(new MicroError("invalid_argument", "msg_too_long"), 1);
    input.say("echo one");
    expect(await said(input)).toBe("my answer was refused here: msg_too_long");
    input.failSends(new MicroError("invalid_argument", "is_archived"), 2);
    input.say("echo two");
    input.say("echo three");
    expect(await said(input)).toBe("three");
  });

  it("say so when the journal cannot be written, and nothing is done", async () => {
    const once = counting("count");
    const full = {
      ...memoryJournal(),
      take: async () => {
        throw new Error("ENOSPC: no space left on device");
      },
    };
    const { input } = await botWith({ commands: [once.command], journal: full });
    input.say("count a");
    expect(await said(input)).toContain("no space left");
    expect(once.runs).toEqual([]);
  });

  it("never show the insides of a mistake of ours", async () => {
    const broken = { ...counting("break").command, run: async () => JSON.parse("{secret") };
    const { input } = await botWith({ commands: [broken] });
    input.say("break");
    const text = await said(input);
    expect(text).toMatch(/something went wrong inside the bot.*\([0-9a-f]{6}\)/);
    expect(text).not.toContain("secret");
  });

  it("that are too long become a summary and a file", async () => {
    const input = memoryInput({ limits: { textLength: 500 } });
    const many = Array.from({ length: 300 }, (_, index) => `go.micro.srv.s${index}`).join(" ");
    await botWith({ inputs: [input] });
    input.say(`echo ${many}`);
    const message = await input.next();
    expect(message.parts.reduce((sum, part) => sum + part.text.length, 0)).toBeLessThan(500);
    expect(message.file?.text).toBe(many);
  });

  it("are finished before the bot stops", async () => {
    const work = slow("work");
    const { input, bot } = await botWith({ commands: [work.command], drainMs: 5000 });
    input.say("work long");
    await expect.poll(() => work.runs).toEqual(["long"]);
    const stopped = bot.stop();
    await settle();
    work.end();
    await stopped;
    expect(input.sent.at(-1)?.parts[0]?.text).toBe("work long ended");
  });
});

describe("a bot that is stopped", () => {
  it("tells what it had to cut off, and begins nothing more", async () => {
    const work = slow("work");
    const { input, bot } = await botWith({ commands: [work.command], drainMs: 50 });
    input.say("work long");
    input.say("work queued");
    await expect.poll(() => work.runs).toEqual(["long"]);
    await bot.stop();
    const texts = input.sent.map((message) => message.parts[0]?.text);
    expect(texts).toEqual([expect.stringContaining("cancelled"), expect.stringContaining("not begun")]);
    expect(work.runs).toEqual(["long"]);
  });

  it("leaves at once when it is told to before its network was there", async () => {
    const input = memoryInput();
    input.failConnects(new MicroError("unavailable", "away"), 100);
    const leave = new AbortController();
    setTimeout(() => leave.abort(), 30);
    const bot = createBot({ inputs: [input], commands: [], registry: memoryRegistry()(), client: noClient });
    const began = Date.now();
    await expect(bot.start({ signal: leave.signal })).rejects.toMatchObject({ code: "cancelled" });
    await bot.stop();
    expect(Date.now() - began).toBeLessThan(5000);
  });
});

describe("links", () => {
  it("are tried again until the network is there", async () => {
    const input = memoryInput();
    input.failConnects(new MicroError("unavailable", "away"), 1);
    await botWith({ inputs: [input] });
    input.say("ping");
    expect(await said(input)).toBe("pong");
  });

  it("that are refused end the start with the reason", async () => {
    const input = memoryInput();
    input.failConnects(new MicroError("unauthenticated", "the token is refused"));
    await expect(botWith({ inputs: [input] })).rejects.toThrow("the token is refused");
  });

  it("that end by themselves end the bot, once everything is answered", async () => {
    const { input, bot } = await botWith();
    input.say("ping");
    input.end();
    expect(await bot.done).toBeUndefined();
    expect(input.sent).toHaveLength(1);
  });
});

describe("a registry that is away", () => {
  it("is said, with the age of what is known", async () => {
    const registry = memoryRegistry()();
    const away = new Proxy(registry, {
      get: (target, key) => (key === "lostAt" ? systemClock.now() - 12_000 : Reflect.get(target, key, target)),
    });
    await registry.start();
    await registry.register({
      name: "greeter",
      version: "1",
      metadata: {},
      endpoints: [],
      nodes: [{ id: "greeter-1", address: "127.0.0.1:1", metadata: {} }],
    });
    const { input } = await botWith({ registry: away });
    input.say("list services");
    const text = await said(input);
    expect(text).toContain("greeter");
    expect(text).toContain("out of reach for 12 s");
  });
});
