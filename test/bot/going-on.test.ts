import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Bot, type BotInit, createBot } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import { type AnyCommand, type CommandContext, defineCommand, type View } from "../../src/commands/command.ts";
import { memoryBroker } from "../../src/core/broker/memory.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { type MemoryInput, type MemoryInputInit, memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import { cannedClient } from "../fakes/canned-client.ts";
import { STREAMING } from "../golden/records.ts";

/* Commands that show something before they end, in chat. */

const running: Bot[] = [];
afterEach(async () => {
  for (const bot of running.splice(0)) await bot.stop();
});

const answers = {
  "Say.Count": ['{"n":1}', '{"n":2}'],
  "Say.Hello": '{"msg":"hi"}',
  "Say.Watch": ['{"n":1}', '{"n":2}', undefined],
};

async function botWith(limits: MemoryInputInit["limits"] = {}, init: Partial<BotInit> = {}) {
  const input = memoryInput({ limits });
  const registry = memoryRegistry({ services: STREAMING })();
  const broker = memoryBroker()();
  const client = cannedClient(answers);
  await Promise.all([registry.start(), broker.start()]);
  const bot = createBot({
    inputs: [input],
    commands: [...builtin, ...smallTalk],
    registry,
    client,
    broker,
    policy: readPolicy("members: ['*:*']", "test"),
    drainMs: 5000,
    ...init,
  });
  running.push(bot);
  await bot.start();
  return { input, bot, client, broker };
}

const text = (input: MemoryInput, at = -1) =>
  input.sent
    .at(at)
    ?.parts.map((part) => part.text)
    .join("\n") ?? "";
const said = async (input: MemoryInput) =>
  (await input.next({ timeoutMs: 8000 })).parts.map((part) => part.text).join("\n");

/** A command that shows what the test gives it, until the test ends it. */
function chatty(name = "chatty", extra: Partial<AnyCommand> = {}) {
  let show: (view: View) => Promise<void> = async () => {};
  let end = () => {};
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const command: AnyCommand = defineCommand({
    name,
    summary: name,
    input: z.object({}),
    permission: "test:chatty",
    effect: "read",
    maxMs: 60_000,
    run: async (_input: object, context: CommandContext) => {
      show = context.emit;
      begin();
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      return {};
    },
    view: () => ({ kind: "text", text: `${name} ended` }),
    ...extra,
  } as never);
  return {
    command,
    show: (words: string) => show({ kind: "text", text: words }),
    end: () => end(),
    started: () => begun,
  };
}

describe("where what was said can be changed", () => {
  it("shows answers in one message, and ends it with how many came in which time", async () => {
    const { input, client } = await botWith();
    input.say('stream go.micro.srv.greeter Say.Count {"to":2}');
    expect(await said(input)).toMatch(/^\{"n":1\}\n\{"n":2\}\n2 answers in \d\S*s$/);
    expect([input.sent.length, client.opened]).toEqual([1, 0]);
    expect(client.asked).toMatchObject([{ body: '{"to":2}', metadata: { "Micro-Trace-Id": expect.any(String) } }]);
  });

  it("says itself where a call comes from, whatever the line says", async () => {
    const { input, client } = await botWith();
    const forged =
      "--metadata Micro-Trace-Id=forged --metadata micro-trace-id=forged --metadata MICRO-From-Service=admin";
    for (const line of ["stream go.micro.srv.greeter Say.Count {}", "call go.micro.srv.greeter Say.Hello {}"]) {
      input.say(`${line} ${forged} --metadata a=b`);
      await said(input);
      expect(client.asked.at(-1)?.metadata).toEqual({
        a: "b",
        "Micro-Trace-Id": expect.not.stringContaining("forged"),
      });
    }
  });

  it("tells how to end it while it goes on, and what came before when it was cancelled", async () => {
    const { input, client } = await botWith();
    input.say("stream go.micro.srv.greeter Say.Watch");
    await expect.poll(() => text(input)).toMatch(/^\{"n":1\}\n\{"n":2\}\nit goes on; `cancel [0-9a-f]{6}` ends it$/);
    const id = /`cancel (\w+)`/.exec(text(input))?.[1];
    input.say(`cancel ${id}`);
    await expect.poll(() => text(input, 0), { timeout: 4000 }).toBe('{"n":1}\n{"n":2}\n`stream`: cancelled');
    await expect.poll(() => client.opened).toBe(0);
    expect(input.sent).toHaveLength(2);
  });

  it("ends at the bounds that the line gives", async () => {
    const { input } = await botWith();
    input.say("stream go.micro.srv.greeter Say.Watch --limit 1");
    expect(await said(input)).toMatch(/^\{"n":1\}\n1 answer in .*--limit allows more$/);
    input.say("stream go.micro.srv.greeter Say.Watch --for 50ms");
    expect(await said(input)).toMatch(/^\{"n":1\}\n\{"n":2\}\n2 answers in .*--for allows longer$/);
    input.say("stream go.micro.srv.greeter Say.Watch --for 2h");
    expect(await said(input)).toMatch(/^--for is at most 1h here/);
  });

  it("keeps the last lines that fit, and says how many came before", async () => {
    const { command, show, end, started } = chatty();
    const { input } = await botWith({ textLength: 500 }, { commands: [command] });
    input.say("chatty");
    await started();
    for (let n = 1; n <= 10_000; n++) await show(`line ${n}`);
    await show("long ".repeat(1000));
    end();
    const all = await said(input);
    expect(all.length).toBeLessThanOrEqual(510);
    const [first = "", ...rest] = all.split("\n");
    expect(rest.at(-1)).toBe("chatty ended");
    expect(rest.at(-2)?.length).toBe(250);
    expect(rest.at(-3)).toBe("line 10000");
    expect(first).toBe(`… after ${10_001 - (rest.length - 1)} lines that came before`);
  });

  it("says an error at the end of what was shown", async () => {
    const failing = defineCommand({
      name: "failing",
      summary: "Fail",
      input: z.object({}),
      permission: "test:fail",
      effect: "read",
      maxMs: 1000,
      run: async (_input, { emit }) => {
        await emit({ kind: "json", text: '{ "one": 1 }' });
        throw new MicroError("unavailable", "the wire was cut");
      },
      view: () => ({ kind: "text", text: "never" }),
    });
    const { input } = await botWith({}, { commands: [failing] });
    input.say("failing");
    expect(await said(input)).toBe('{"one":1}\nthe wire was cut');
  });

  it("shows nothing after the end", async () => {
    const { command, show, end, started } = chatty();
    const { input } = await botWith({}, { commands: [command] });
    input.say("chatty");
    await started();
    await show("one");
    end();
    expect(await said(input)).toBe("one\nchatty ended");
    await show("too late");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect([input.sent.length, text(input)]).toEqual([1, "one\nchatty ended"]);
  });
});

describe("where it cannot", () => {
  it("says each thing as it comes, then the end", async () => {
    const { command, show, end, started } = chatty();
    const { input } = await botWith({ edits: false }, { commands: [command] });
    input.say("chatty");
    await started();
    for (const words of ["one", "two"]) {
      await show(words);
      expect(await said(input)).toBe(words);
    }
    end();
    expect(await said(input)).toBe("chatty ended");
  });

  it("waits for a network that is slower than what comes, and puts together what came meanwhile", async () => {
    const { command, show, end, started } = chatty();
    const { input } = await botWith({ edits: false }, { commands: [command] });
    input.say("chatty");
    await started();
    const release = input.holdSends();
    let shown = 0;
    const showing = (async () => {
      for (let n = 1; n <= 500; n++) {
        await show(`line ${n}`);
        shown = n;
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(shown).toBeLessThanOrEqual(101);
    release();
    await showing;
    end();
    await expect.poll(() => text(input)).toBe("chatty ended");
    const lines = input.sent.slice(0, -1).flatMap(({ parts }) => parts.flatMap((part) => part.text.split("\n")));
    expect(lines).toEqual(Array.from({ length: 500 }, (_, at) => `line ${at + 1}`));
    expect(input.sent.length).toBeLessThan(250);
  });
});

describe("rooms and the bot", () => {
  it("what goes on stalls no room, takes nobody's turn, and is bounded in number", async () => {
    const { input } = await botWith({}, { order: { atOnce: 1, goingOn: 3, patienceMs: 60_000 } });
    for (const from of ["ann", "bob", "eve"]) input.say("stream go.micro.srv.greeter Say.Watch", { from });
    input.say("ping");
    await expect.poll(() => input.sent.length).toBe(4);
    expect(input.sent.map((message) => message.progress?.last)).toContain(undefined);
    input.say("stream go.micro.srv.greeter Say.Watch");
    await expect.poll(() => text(input)).toMatch(/^3 commands that go on are running already/);
    input.say("jobs");
    await expect.poll(() => text(input)).toMatch(/(stream go\.micro\.srv\.greeter Say\.Watch[\s\S]*){3}/);
  });

  it("what goes on is half one person's at most", async () => {
    const { input } = await botWith({}, { order: { goingOn: 4 } });
    for (let n = 0; n < 3; n++) input.say("stream go.micro.srv.greeter Say.Watch", { from: "eve" });
    await expect.poll(() => text(input)).toMatch(/^2 commands that go on are running already/);
    input.say("stream go.micro.srv.greeter Say.Watch", { from: "ann" });
    await expect.poll(() => input.sent.length).toBe(4);
    input.say("jobs");
    await expect
      .poll(() => text(input))
      .toMatch(/(stream go\.micro\.srv\.greeter Say\.Watch[\s\S]*|stream …[\s\S]*){3}/);
  });

  it("stops at once although something goes on, and says that it was cut off", async () => {
    const { input, bot, client } = await botWith({}, { drainMs: 60_000 });
    input.say("stream go.micro.srv.greeter Say.Watch");
    await expect.poll(() => input.sends).toBe(1);
    await bot.stop();
    expect(text(input)).toBe('{"n":1}\n{"n":2}\n`stream`: cancelled');
    expect(client.opened).toBe(0);
  });

  it("what is going on is open in the journal until its end was said", async () => {
    const store = memoryKv();
    await store.start();
    const { command, show, end, started } = chatty();
    const { input } = await botWith({}, { commands: [command], store });
    input.say("chatty");
    await started();
    await show("one");
    await expect.poll(() => input.sends).toBe(1);
    const journal = async () => (await store.list("journal.")).map(({ value }) => value).join();
    expect(await journal()).toContain('"text":"chatty"');
    end();
    expect(await said(input)).toBe("one\nchatty ended");
    await expect.poll(journal).not.toContain("chatty");
  });
});

describe("topics in chat", () => {
  it("publishes without asking back, and shows what is published aside", async () => {
    const { input, broker } = await botWith();
    input.say("subscribe greetings --limit 2");
    await expect.poll(() => text(input)).toMatch(/^listening to greetings on this process's memory\n/);
    expect(input.sent[0]?.aside).toBe(true);
    input.say('publish greetings {"hello":"world"}');
    await expect.poll(() => text(input)).toBe("ok");
    await broker.publish("greetings", { header: {}, body: new Uint8Array([1, 2]) });
    await expect
      .poll(() => text(input, 0), { timeout: 4000 })
      .toMatch(/^listening .*\n\{"hello":"world"\}\n2 bytes: 0102\n2 events in .*--limit allows more$/);
  });

  it("asks for topic:publish and topic:read", async () => {
    const { input } = await botWith({}, { policy: readPolicy("members: []", "test") });
    input.say("publish greetings {}");
    expect(await said(input)).toMatch(/topic:publish/);
    input.say("subscribe greetings", { from: { id: "eve", guest: true } });
    expect(await said(input)).toMatch(/topic:read/);
  });

  it("says that there is no broker where none was given", async () => {
    const input = memoryInput();
    const registry = memoryRegistry()();
    await registry.start();
    const bot = createBot({
      inputs: [input],
      commands: builtin,
      registry,
      client: cannedClient({}),
      policy: readPolicy("members: ['*:*']", "test"),
    });
    running.push(bot);
    await bot.start();
    input.say("publish greetings {}");
    expect(await said(input)).toMatch(/has no broker/);
  });
});
