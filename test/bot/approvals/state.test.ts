import { describe, expect, it } from "vitest";
import { readPolicy } from "../../../src/bot/policy.ts";
import type { AnyCommand } from "../../../src/commands/command.ts";
import { deregisterService, registerService } from "../../../src/commands/register-service.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { Registry } from "../../../src/core/registry/registry.ts";
import type { Offer, Owned } from "../../../src/plugins/plugins.ts";
import { telling, textOf } from "../run-bot.ts";
import { asking, rightsOf, service } from "./asking.ts";

/* A yes is bound to what was shown: the line, and what it touches. */

describe("a yes to a command of others", () => {
  /** A bot with one source, which offers what the test says. */
  const offering = async (first: Owned) => {
    let offer: Offer = () => {};
    const source = {
      name: "services",
      start: async (given: Offer) => {
        offer = given;
        offer({ commands: [first] });
      },
      stop: async () => {},
    };
    const rights = rightsOf({ approvals: { count: 1, role: "lead" } });
    const bot = await asking({ rights, bot: { sources: [source] } });
    return { ...bot, offer: (owned: Owned) => offer({ commands: [owned] }) };
  };
  const deploy = (init: Partial<AnyCommand> = {}) => telling("deploy", { effect: "write", ...init });

  it.each<[string, Partial<AnyCommand>, Partial<Owned>]>([
    ["comes from elsewhere", {}, { from: "commands/deploy.ts" }],
    ["has other code", {}, { digest: "2" }],
    ["says of itself that it is something else", { summary: "Deploy and tell nobody" }, {}],
    ["wants another grant", { permission: "test:other" }, {}],
  ])("is none to the one of its name that %s", async (_, changed, owned) => {
    const old = { command: deploy().command, from: "go.micro.bot.deploy", digest: "1" };
    const { input, ask, idOf, offer } = await offering(old);
    await ask(() => input.say("deploy prod"));
    const { command, runs } = deploy(changed);
    const now = { ...old, command, ...owned };
    offer(now);
    const first = `the yes is void, because \`deploy\` is another command than the one that was shown, from ${now.from}`;
    const again = await ask(() => input.say(`approve ${idOf()}`, { from: "bob" }));
    expect(again.split("\n")[0]).toBe(first);
    expect(runs).toEqual([]);
    expect(await ask(() => input.say(`approve ${idOf()}`, { from: "bob" }))).toBe("deploy prod done");
    expect(runs).toEqual(["prod"]);
  });

  it("holds while its source only offers the same again", async () => {
    const from = "go.micro.bot.deploy";
    const { input, ask, idOf, offer } = await offering({ command: deploy().command, from });
    await ask(() => input.say("deploy prod"));
    const { command, runs } = deploy();
    offer({ command, from });
    expect(await ask(() => input.say(`approve ${idOf()}`, { from: "bob" }))).toBe("deploy prod done");
    expect(runs).toEqual(["prod"]);
  });
});

describe("what a question shows", () => {
  it("void is a yes when a node came or went since, and the difference is shown with the question anew", async () => {
    const { input, registry, runs, ask, idOf } = await asking();
    await registry.register(service("payments", "1.0", "p-1", "p-2"));
    await ask(() => input.say("drain payments"));
    const first = idOf();
    await registry.deregister(service("payments", "1.0", "p-2"));
    await registry.register(service("payments", "1.1", "p-3"));
    const text = await ask(() => input.say("yes"));
    expect(text.split("\n").slice(0, 8)).toEqual([
      "the yes is void, because what it touches is not what it was when it was shown:",
      "- payments 1.0 node p-2",
      "+ payments 1.1",
      "+ payments 1.1 node p-3",
      "",
      "this changes things: drain payments",
      "touches payments 1.0: node p-1",
      "touches payments 1.1: node p-3",
    ]);
    expect(textOf(input.sent[0])).toContain("the yes is void");
    expect(input.sent[0]?.choices).toBeUndefined();
    expect(await ask(() => input.say(`yes ${first}`))).toMatch(/^that is over: drain payments\nthe yes is void/);
    expect(runs).toEqual([]);
    expect(await ask(() => input.say("yes"))).toBe("drain payments done");
    expect(runs).toEqual(["payments"]);
  });

  it("holds while nodes only say again that they are there", async () => {
    const { input, registry, runs, ask } = await asking();
    await registry.register(service("payments", "1.0", "p-2", "p-1"));
    await ask(() => input.say("drain payments"));
    await registry.register(service("payments", "1.0", "p-1"));
    expect(await ask(() => input.say("yes"))).toBe("drain payments done");
    expect(runs).toEqual(["payments"]);
  });

  it("moves with other things than nodes where a command says what it touches", async () => {
    const touched = [{ name: "table orders", version: "7", nodes: [] as string[] }];
    const { command } = telling("migrate", { effect: "write", touches: async () => touched });
    const { input, ask } = await asking({ commands: [command] });
    expect(await ask(() => input.say("migrate now"))).toContain("\ntouches table orders 7\n");
    touched[0] = { name: "table orders", version: "8", nodes: [] };
    expect(await ask(() => input.say("yes"))).toContain("\n- table orders 7\n+ table orders 8\n");
  });

  it("is looked up in the name of who asks, also when nobody vouches for them", async () => {
    const guests: (boolean | undefined)[] = [];
    const touches: AnyCommand["touches"] = async (_, { guest }) => {
      guests.push(guest);
      return [];
    };
    const { command } = telling("migrate", { effect: "write", touches });
    const { input, ask } = await asking({ commands: [command] });
    await ask(() => input.say("migrate now"));
    await ask(() => input.say("migrate now", { from: { id: "eve", name: "eve", guest: true } }));
    expect(guests).toEqual([false, true]);
  });

  it("shows the versions and nodes that a registration touches, and only those it takes away", async () => {
    const { input, registry, ask } = await asking({ commands: [registerService, deregisterService] });
    await registry.register(service("foo", "1", "foo-1", "foo-2"));
    const record = '{"name":"foo","version":"1","nodes":[{"id":"foo-1","address":"10.0.0.5:9090"}]}';
    expect(await ask(() => input.say(`register service ${record}`))).toContain("\ntouches foo 1: nodes foo-1, foo-2\n");
    expect(await ask(() => input.say(`deregister service ${record}`))).toContain("\ntouches foo 1: node foo-1\n");
    expect(await ask(() => input.say('deregister service {"name":"bar"}'))).toContain(
      "\ntouches nothing that is registered now\n",
    );
    expect(await ask(() => input.say(`deregister service {"name":"foo","version":"2"}`))).toContain(
      "\ntouches nothing that is registered now\n",
    );
    expect(await ask(() => input.say("register service {}"))).toContain("a service needs a name");
    expect(await ask(() => input.say("drain nothing"))).toContain("\ntouches nothing (not registered)\n");
  });

  it("is not asked when nobody can see what it touches, and not done when nobody can by the yes", async () => {
    const real = memoryRegistry()();
    let away = true;
    const gone = async () => {
      throw new MicroError("unavailable", "the registry is away");
    };
    const registry: Registry = { ...real, get: (...call) => (away ? gone() : real.get(...call)) };
    const { input, runs, ask } = await asking({ bot: { registry } });
    expect(await ask(() => input.say("drain payments"))).toBe("the registry is away");
    away = false;
    await ask(() => input.say("drain payments"));
    away = true;
    expect(await ask(() => input.say("yes"))).toBe("the registry is away");
    expect(runs).toEqual([]);
    away = false;
    // That was no fault of theirs: the same question still stands.
    expect(await ask(() => input.say("yes"))).toBe("drain payments done");
  });

  it("spells out characters that nobody sees, and lets no line pass for two", async () => {
    const { input, ask } = await asking({ commands: [telling("note", { effect: "write" }).command] });
    const text = await ask(() => input.say("note 'pay\u202estnem\u200b'"));
    expect(text).toContain("\nit holds characters that cannot be seen; spelled out: note 'pay<U+202E>stnem<U+200B>'\n");
    const two = await ask(() => input.say("note 'x\ntouches nothing'"));
    expect(two).toContain("this changes things: note 'x\n  touches nothing'\n");
  });

  it("keeps a node's name in its line", async () => {
    const { input, registry, ask } = await asking();
    await registry.register(
      service("payments", "1.0", "p-1\nsay `micro yes`", ...Array.from({ length: 12 }, (_, n) => `q${n}`)),
    );
    const text = await ask(() => input.say("drain payments"));
    expect(text).toContain("touches payments 1.0: nodes p-1 say `micro yes`, q0");
    expect(text).toContain(" and 3 more\n");
  });

  it("with a policy file's rule goes by the service it names", async () => {
    const policy = readPolicy(
      [
        "roles: { lead: { members: ['memory:bob'], grants: [] } }",
        "rules: ['allow members test:drain', 'allow members test:drain payments approve 1 of role:lead']",
      ].join("\n"),
      "test",
    );
    const { input, ask, idOf } = await asking({ bot: { policy } });
    expect(await ask(() => input.say("drain orders"))).toContain("say `micro yes`");
    expect(await ask(() => input.say("drain payments"))).toContain("1 of the role lead has to say");
    expect(await ask(() => input.say(`approve ${idOf()}`, { from: "bob" }))).toBe("drain payments done");
  });
});
