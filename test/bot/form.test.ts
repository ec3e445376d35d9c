import { afterEach, describe, expect, it } from "vitest";
import type { Bot } from "../../src/bot/bot.ts";
import { createBot } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import type { AuditRecord } from "../../src/commands/audit-record.ts";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { cannedClient } from "../fakes/canned-client.ts";

const POLICY = "roles: { ops: { members: ['memory:ann'], grants: ['*:*'] } }";

describe("forms", () => {
  let bot: Bot | undefined;
  afterEach(async () => bot?.stop());

  const begin = async () => {
    const input = memoryInput();
    const audited: AuditRecord[] = [];
    const registry = memoryRegistry()();
    bot = createBot({
      inputs: [input],
      commands: [...builtin, ...smallTalk],
      registry,
      client: cannedClient({}),
      policy: readPolicy(POLICY, "test"),
      audit: (record) => audited.push(record),
    });
    await bot.start();
    const answer = async () => (await input.next()).parts.map(({ text }) => text).join("\n");
    const opened = async () => {
      const until = Date.now() + 5000;
      while (input.forms.length === 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 2));
      return input.forms.at(-1);
    };
    return { input, audited, registry, answer, opened };
  };

  it("are opened for what is missing, with what was said, and become the line that could have been typed", async () => {
    const { input, audited, answer, opened } = await begin();
    input.say("echo", { takesForm: true });
    expect(await opened()).toMatchObject({
      command: "echo",
      fields: [{ name: "text", kind: "lines", required: true }],
    });
    input.fill({ text: "is “this” on?" });
    expect(await answer()).toBe("is “this” on?");
    expect(audited.map(({ text, outcome }) => [text, outcome])).toEqual([
      ["echo", "answered"],
      ["echo is “this” on?", "ok"],
    ]);
    input.say("call greeter", { takesForm: true });
    await expect.poll(() => input.forms.at(-1)?.fields[0]).toMatchObject({ name: "service", value: "greeter" });
  });

  it("say their words where no form can be opened, and where nobody could take one", async () => {
    const { input, answer } = await begin();
    input.failForms();
    input.say("echo", { takesForm: true });
    expect(await answer()).toBe("echo what?\nusage: echo <text>");
    input.say("echo");
    expect(await answer()).toBe("echo what?\nusage: echo <text>");
    expect(input.forms).toEqual([]);
  });

  it("are offered to nobody for what they may not run", async () => {
    const { input, answer } = await begin();
    input.say("call", { takesForm: true, from: "bob" });
    expect(await answer()).toContain("require service and method");
    expect(input.forms).toEqual([]);
  });

  it("lead to the question that a typed write leads to", async () => {
    const { input, answer, opened, registry } = await begin();
    input.say("register service", { takesForm: true });
    await opened();
    const definition = '{"name":"foo","version":"1","nodes":[{"id":"foo-1","address":"10.0.0.5:9090"}]}';
    input.fill({ definition });
    await expect
      .poll(() => input.sent.at(-1)?.parts[0]?.text ?? "")
      .toContain(`this changes things: register service ${definition}`);
    input.say("yes");
    await expect.poll(async () => (await registry.get("foo").catch(() => [])).length).toBe(1);
    expect(answer).toBeDefined();
  });

  it("tell what no line can say", async () => {
    const { input, answer, opened } = await begin();
    input.say("get service", { takesForm: true });
    await opened();
    input.fill({ service: `" ' \u201d \u2019 x` });
    expect(await answer()).toContain("every kind of quotes");
  });
});
