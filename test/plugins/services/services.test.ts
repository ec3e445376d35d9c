import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { pickService } from "../../../examples/command-service.ts";
import { readPolicy } from "../../../src/bot/policy.ts";
import { defineCommand } from "../../../src/commands/command.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { silent } from "../../../src/core/log.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { Registry } from "../../../src/core/registry/registry.ts";
import { createService, defineEndpoint, type Service } from "../../../src/core/service.ts";
import { memoryTransport } from "../../../src/core/transport/memory.ts";
import { memoryInput } from "../../../src/inputs/memory/memory.ts";
import { createCommandService } from "../../../src/plugins/services/create.ts";
import { serviceCommands } from "../../../src/plugins/services/services.ts";
import { botOn, textOf } from "../../bot/run-bot.ts";

const open: Service[] = [];
afterEach(async () => {
  for (const service of open.splice(0)) await service.stop();
});

const POLICY = "members: ['test:*', 'bot:*', 'command:*', 'registry:*']";

async function bench(policy = POLICY) {
  const registry: Registry = memoryRegistry()();
  await registry.start();
  const shared = { ...registry, start: async () => {}, stop: async () => {} };
  const transport = memoryTransport();
  const parts = { registry: shared, transport, address: ":0", drainMs: 100 };
  const caller = createService({ name: "go.micro.bot", ...parts });
  open.push(caller);
  await caller.start();
  const input = memoryInput();
  const source = serviceCommands({
    registry: shared,
    client: caller.client,
    namespace: "go.micro.bot",
    clock: systemClock,
    log: silent,
  });
  const bot = botOn([input], {
    registry: shared,
    client: caller.client,
    policy: readPolicy(policy, "test"),
    sources: [source],
  });
  await bot.start();
  const run = async (service: Service) => {
    open.push(service);
    await service.start();
    return service;
  };
  // A question grows until it is decided, so what was said last is looked at.
  const ask = async (line: string) => {
    const { sends } = input;
    const { room } = input.say(line).place;
    await expect.poll(() => input.sends > sends).toBe(true);
    return textOf(input.sent.filter(({ place }) => place.room === room).at(-1));
  };
  const names = () => bot.catalog.commands.map(({ name }) => name);
  const known = (name: string, there = true) => expect.poll(() => names().includes(name)).toBe(there);
  return { parts, run, ask, known, bot, input, names };
}

/** As the bot of 2017 knew them: a usage line, and words in. */
function old(word: string, parts: object, extra: { fails?: string; help?: object; usage?: string } = {}): Service {
  const service = createService({ name: `go.micro.bot.${word}`, version: "1", ...parts });
  const asked: unknown[] = [];
  service.server.handleRaw(
    "Command.Help",
    async () => extra.help ?? { usage: extra.usage ?? `${word} [text]`, description: `Says ${word}` },
  );
  service.server.handleRaw("Command.Exec", async (body) => {
    asked.push(body);
    if (extra.fails) return { error: extra.fails };
    return { result: Buffer.from(`heard ${(body as { args: string[] }).args.join("|")}`).toString("base64") };
  });
  return Object.assign(service, { asked });
}

const scale = defineCommand({
  name: "scale",
  summary: "Run so many nodes of a service",
  input: z.object({
    service: z.string().describe("its name"),
    to: z.number().int().min(0).max(20).describe("how many nodes"),
    wait: z.boolean().default(false).describe("until they are healthy"),
  }),
  words: ["service", "to"],
  permission: "command:scale",
  effect: "read",
  examples: ["scale go.micro.srv.greeter 3"],
  run: async ({ service, to, wait }, { caller }) => ({ service, to, wait, caller }),
  view: ({ service, to, wait, caller }) => ({
    kind: "text",
    text: `${service} runs ${to}${wait ? " and waits" : ""} for ${caller}`,
  }),
});

describe("services that are commands", () => {
  it("come when they register, in help as well, and go with their last node", async () => {
    const { parts, run, ask, known } = await bench();
    const first = await run(old("echoes", parts));
    const second = await run(old("echoes", parts));
    await known("echoes");
    expect(await ask("help")).toMatch(/echoes \[words\]\s+Says echoes/);
    expect(await ask("help echoes")).toContain("as in `echoes [text]`");
    await first.stop();
    expect(await ask("help")).toContain("echoes");
    await second.stop();
    await known("echoes", false);
    expect(await ask("echoes hi")).toContain('there is no command "echoes hi"');
  });

  it("whose effect nobody knows are confirmed, and get their words as typed", async () => {
    const { parts, run, ask, known, input } = await bench();
    const service = await run(old("deploy", parts));
    await known("deploy");
    expect(await ask(`deploy web "to eu" {"a": [1, 2]}`)).toContain("yes");
    expect((service as unknown as { asked: unknown[] }).asked).toEqual([]);
    await ask("yes");
    await expect.poll(() => input.sent.map(textOf).join()).toContain(`heard deploy|web|to eu|{"a": [1, 2]}`);
    expect((service as unknown as { asked: unknown[] }).asked).toHaveLength(1);
  });

  it("are nobody's who has no grant for them", async () => {
    const { parts, run, ask, known } = await bench("members: ['bot:*']");
    await run(old("deploy", parts));
    await known("deploy");
    expect(await ask("deploy web")).toContain("command:deploy");
    expect(await ask("help")).not.toContain("deploy");
  });

  it("that fail say so, once", async () => {
    const { parts, run, ask, known, input } = await bench();
    await run(old("deploy", parts, { fails: "no such\u001b[2J host" }));
    await known("deploy");
    await ask("deploy web");
    await ask("yes");
    const said = () => input.sent.map(textOf).join("\n");
    await expect.poll(said).toContain("`deploy` failed: no such host");
    expect(said()).not.toContain("\u001b");
  });

  it("with a spec are typed like a command of the bot's own", async () => {
    const { parts, run, ask, known } = await bench();
    await run(createCommandService({ command: scale, ...parts }));
    await known("scale");
    expect(await ask("scale go.micro.srv.greeter 3")).toBe("go.micro.srv.greeter runs 3 for memory:ann");
    expect(await ask("scale go.micro.srv.greeter 3 --wait")).toContain("and waits");
    expect(await ask("scale go.micro.srv.greeter 30")).toContain("20");
    expect(await ask("help scale")).toContain("how many nodes");
  });

  it("are made in a few lines (examples/command-service.ts)", async () => {
    const { parts, run, ask, known } = await bench();
    await run(pickService(parts));
    await known("pick");
    expect(["Ann", "Bob"]).toContain(await ask("pick Ann Bob"));
  });

  it("answer bots of 2017, too", async () => {
    const { parts, run } = await bench();
    const service = await run(createCommandService({ command: scale, ...parts, namespace: "other.bot" }));
    const request = (endpoint: string, body: unknown) => service.client.request("other.bot.scale", endpoint, body);
    expect(await request("Command.Help", {})).toEqual({
      usage: "scale <service> <to> [--wait]",
      description: "Run so many nodes of a service",
    });
    const answer = (await request("Command.Exec", { args: ["scale", "web", "2"] })) as { result: string };
    expect(Buffer.from(answer.result, "base64").toString()).toBe("web runs 2 for service:unknown");
    expect(await request("Command.Exec", { args: ["scale", "web", "many"] })).toEqual({
      error: expect.stringContaining("to"),
    });
  });

  it("take no name of another command, and are named when they want one", async () => {
    const { parts, run, ask, known } = await bench();
    await run(old("help", parts));
    await run(old("yes", parts));
    await run(old("fine", parts));
    await known("fine");
    expect(await ask("help")).not.toContain("Says help");
    const plugins = await ask("plugins");
    expect(plugins).toContain('"help" is not taken as a command');
    expect(plugins).toContain('"yes" is not taken as a command');
    expect(plugins).toMatch(/fine\s+services\s+go\.micro\.bot\.fine/);
  });

  it.each([
    ["says nothing of itself", { help: { nothing: 7, usage: 9 } }, "does not say what it does"],
    ["has a word that cannot be typed", { usage: "x" }, "no command can be called"],
  ])("that %s are broken, not loaded", async (what, extra, words) => {
    const { parts, run, ask, names } = await bench();
    await run(old(what.includes("typed") ? "b{d" : "odd", parts, extra));
    await expect.poll(() => ask("plugins")).toContain(words);
    expect(names()).not.toContain("odd");
  });

  it.each([
    ["a permission of the bot's own", { permission: "registry:write" }, "command:name"],
    [
      "a pattern",
      { input: { type: "object", properties: { a: { type: "string", pattern: "(a+)+$" } } } },
      "input.properties.a",
    ],
    ["a word that is no field", { words: ["b"] }, 'no field "b"'],
    [
      "a default that does not fit",
      { input: { type: "object", properties: { a: { type: "integer", default: "x" } } } },
      "default",
    ],
  ])("with %s in their spec are refused", async (_what, extra, words) => {
    const { parts, run, ask } = await bench();
    const service = createService({ name: "go.micro.bot.odd", version: "1", ...parts });
    const spec = JSON.stringify({ summary: "odd", effect: "read", ...extra });
    const any = z.looseObject({});
    service.handle(
      defineEndpoint({ service: "go.micro.bot.odd", name: "Command.Spec", input: any, output: any }),
      () => ({ spec }),
    );
    await run(service);
    await expect.poll(() => ask("plugins")).toContain(words);
  });

  it("keep what they were while they say something wrong of themselves", async () => {
    const { parts, run, ask, known } = await bench();
    await run(old("echoes", parts));
    await known("echoes");
    await run(old("echoes", { ...parts, version: "2" }, { help: { usage: 3 } }));
    await run(old("echoes", { ...parts, version: "3" }, { help: { usage: 3 } }));
    await expect.poll(async () => /echoes/.test(await ask("help"))).toBe(true);
  });

  it("cannot be made of a command that nobody can say from afar", () => {
    const nested = { ...scale, input: z.object({ what: z.object({ a: z.string() }) }), words: [] };
    expect(() => createCommandService({ command: nested })).toThrow("cannot be a service");
    expect(() => createCommandService({ command: { ...scale, name: "scale up" } })).toThrow("one word");
    expect(() => createCommandService({ command: { ...scale, permission: "registry:write" } })).toThrow("command:name");
  });
});
