import { describe, expect, it } from "vitest";
import { readPolicy } from "../../src/bot/policy.ts";
import type { AuditRecord } from "../../src/commands/audit-record.ts";
import { builtin } from "../../src/commands/builtin.ts";
import { type MemoryInput, memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import type { CommandSource, Offer } from "../../src/plugins/plugins.ts";
import { botOn, telling, textOf } from "./run-bot.ts";

/* Aliases, from message to answer. */

let said = 0;

async function answer(input: MemoryInput, text: string, from = "ann"): Promise<string> {
  const before = input.sent.length;
  input.say(text, { from, id: `said-${++said}` });
  await expect.poll(() => input.sent.length).toBe(before + 1);
  return textOf(input.sent.at(-1));
}

const policy = readPolicy("members: ['*:*']", "test");

async function setUp(init: Parameters<typeof botOn>[1] = {}) {
  const input = memoryInput({ limits: { textLength: 20_000 } });
  const look = telling("look");
  const change = telling("change", { effect: "write" });
  const records: AuditRecord[] = [];
  const commands = [look.command, change.command, ...builtin];
  await botOn([input], { commands, policy, limit: "none", audit: (record) => records.push(record), ...init }).start();
  return { input, look, change, records, ask: (text: string, from?: string) => answer(input, text, from) };
}

describe("an alias", () => {
  it("stands for its line, with the words behind it and a pipe behind those", async () => {
    const { ask, look } = await setUp();
    expect(await ask('alias add seen "look $1 | select what"')).toBe("`seen` is `look $1 | select what` now");
    expect(await ask("seen here")).toBe("What\nhere");
    expect(await ask("Seen 'two words' | json")).toContain('"what": "two words"');
    expect(await ask("seen", "bob")).toContain("wants one word behind it");
    expect(look.runs).toEqual(["here", "two words"]);
  });

  it("is listed, shown, told of in help, changed and taken away", async () => {
    const { ask } = await setUp();
    await ask('alias add l "look here"');
    for (const line of ["alias list", "aliases", "list aliases"]) {
      expect(await ask(line)).toMatch(/l +look here +memory:ann/);
    }
    expect(await ask("alias show l")).toContain("`l` is `look here`, made by memory:ann");
    expect(await ask("help")).toMatch(/\nl +alias: look here/);
    expect(await ask("help l")).toContain("look here");
    expect(await ask('alias add l "look there"')).toContain("it was `look here`");
    expect(await ask("l")).toBe("look there done");
    expect(await ask("alias remove l")).toContain("stands for nothing now");
    expect(await ask("l")).toContain('there is no command "l"');
    expect(await ask("alias remove l")).toContain("there is no alias l");
  });

  it("is meant by who asks whether its line may be said", async () => {
    const rules = "members: ['bot:*', 'policy:*']\nroles: { lead: { members: ['memory:ann'], grants: ['*:*'] } }";
    const { ask } = await setUp({ policy: readPolicy(rules, "test") });
    await ask('alias add go "change prod"');
    await ask("yes");
    expect(await ask("why can't I go?", "bob")).toContain("test:");
    expect(await ask("who can go?")).toContain("lead");
  });

  it("gives nobody more rights than its line, and the audit keeps both", async () => {
    const rules = "members: ['bot:talk', 'test:look']\nroles: { lead: { members: ['memory:ann'], grants: ['*:*'] } }";
    const { ask, change, records } = await setUp({ policy: readPolicy(rules, "test") });
    await ask('alias add go "change prod"');
    expect(await ask("go", "bob")).toMatch(/`change`|test:change/);
    expect(await ask('alias add mine "look"', "bob")).toContain("bot:alias");
    expect(await ask("alias remove go", "bob")).toContain("bot:alias");
    expect(change.runs).toEqual([]);
    expect(records.find(({ text, by }) => text === "go" && by === undefined)).toMatchObject({
      text: "go",
      line: "change prod",
      command: "change",
      outcome: "permission_denied",
    });
  });

  it("that writes is shown whole and confirmed, also where its command alone is not", async () => {
    const quick = telling("quick", { effect: "write", confirm: false });
    const { ask } = await setUp({ commands: [quick.command] });
    await ask('alias add go "quick prod"');
    expect(await ask("go", "bob")).toMatch(/^this changes things: quick prod\n/);
    expect(quick.runs).toEqual([]);
    // What it stands for by now is another matter: the yes is to what was shown.
    await ask('alias add go "quick test"');
    expect(await ask("yes", "bob")).toBe("quick prod done");
    expect(quick.runs).toEqual(["prod"]);
  });

  it("is its owner's: nobody else changes it, but who may everything", async () => {
    const rules =
      "members: ['bot:talk', 'bot:alias', 'test:*']\nroles: { lead: { members: ['memory:cid'], grants: ['*:*'] } }";
    const { ask } = await setUp({ policy: readPolicy(rules, "test") });
    await ask('alias add l "look"');
    expect(await ask('alias add l "look there"', "bob")).toContain("is an alias of memory:ann already");
    expect(await ask("alias remove l", "bob")).toContain("they can take it away");
    expect(await ask("alias remove l", "cid")).toContain("stands for nothing now");
  });

  it("is called like no command, and like nothing that cannot be said", async () => {
    const { ask } = await setUp();
    for (const [name, why] of [
      ["look", "there is a command `look`"],
      ["help", "there is a command `help`"],
      ["list", "commands begin with that word (`list aliases`, `list services`), and those count"],
      ["alias", "(`alias add`, `alias list`, `alias remove`)"],
      ["yes", "`yes` is what is said to me about a question or a request"],
      ["approve", "`approve` is what is said to me about"],
      ["hi", "`hi` is a greeting"],
      ["Hello", "`hello` is a greeting"],
      ["micro", "`micro` is what I am called"],
    ])
      expect(await ask(`alias add ${name} "look"`)).toContain(why);
    for (const name of ["'a b'", "-x", "a|b", `${"a".repeat(33)}`]) {
      expect(await ask(`alias add ${name} "look"`)).toMatch(/no alias can be called|has no option/);
    }
    expect(await ask('alias add lооk "look"')).toContain("no alias can be called");
    expect(await ask("alias list")).toContain("there is none");
  });

  it("of nothing that could be carried out is refused", async () => {
    const { ask } = await setUp();
    expect(await ask('alias add x "lok here"')).toContain("`lok` is no command and no alias; the nearest are `look`");
    expect(await ask('alias add x "look | srot a"')).toContain("the nearest is `sort`");
    expect(await ask('alias add x "look -$1"')).toContain("cannot be put in");
    for (const line of [
      'alias add x "look here',
      'alias add x "look',
      'alias add x "look here | top 3',
      "alias add x 'look | a",
    ]) {
      expect(await ask(line)).toMatch(/the (double|single) quote before "look" is not closed/);
    }
    expect(await ask(`alias add x "look | where a = 'b c"`)).toContain('the single quote before "b" is not closed');
    expect(await ask("alias add x look | top 3")).toContain("stands in quotes, all of it");
    expect(await ask(`alias add x "look ${"a".repeat(1000)}"`)).toContain("at most 1000");
    expect(await ask('alias add x "look AKIAIOSFODNN7EXAMPLE ghp_0123456789abcdefghijklmnopqrstuvwxyz"')).toContain(
      "holds a secret",
    );
  });

  it("with the value of a secret field in its line is refused, and the audit has it crossed out", async () => {
    const rotate = telling("rotate", { effect: "write", secrets: ["what"] });
    const { ask, records } = await setUp({ commands: [rotate.command] });
    for (const line of ['alias add x "rotate tiger-77"', "alias add x rotate tiger-77"]) {
      expect(await ask(line)).not.toContain("tiger-77");
    }
    expect(await ask("x")).toContain('there is no command "x"');
    expect(records.length).toBeGreaterThan(1);
    expect(JSON.stringify(records)).toContain("rotate [secret]");
    expect(JSON.stringify(records)).not.toContain("tiger-77");
  });

  it("that leads back to itself is refused, and bounded where two are changed at once", async () => {
    const store = memoryKv();
    await store.start();
    const { ask } = await setUp({ store });
    expect(await ask('alias add a "a x"')).toContain("leads back to itself: a → a");
    await ask('alias add a "look"');
    await ask('alias add b "a x"');
    expect(await ask("b")).toBe("look x done");
    expect(await ask('alias add a "b y"')).toContain("leads back to itself: a → b → a");
    await store.put("alias.a", JSON.stringify({ name: "a", line: "b y", owner: "memory:ann", at: 0 }));
    expect(await ask("b")).toContain("leads back to itself: b → a → b");
    await store.stop();
  });

  it("gives way to a command that comes later, and is reported broken", async () => {
    let offer: Offer = () => {};
    const source: CommandSource = {
      name: "files",
      start: async (given) => {
        offer = given;
      },
      stop: async () => {},
    };
    const { ask } = await setUp({ sources: [source] });
    await ask('alias add deploy "look old"');
    expect(await ask("deploy")).toBe("look old done");
    offer({ commands: [{ command: telling("deploy").command, from: "commands/deploy.ts" }] });
    expect(await ask("deploy new")).toBe("deploy new done");
    expect(await ask("alias list")).toContain("(broken) there is a command `deploy`");
    offer({ commands: [] });
    expect(await ask("deploy")).toBe("look old done");
  });

  it("is known to every replica, and no more of them are kept than can be looked through", async () => {
    const store = memoryKv();
    await store.start();
    const { ask } = await setUp({ store });
    const { ask: there } = await setUp({ store, replica: { name: "b" } });
    await ask('alias add l "look"');
    expect(await there("l")).toBe("look  done");
    for (let at = 0; at < 100; at++) {
      await store.put(`alias.n${at}`, JSON.stringify({ name: `n${at}`, line: "look", owner: "memory:bob", at: 0 }));
    }
    expect(await ask('alias add m "look"', "bob")).toContain("you have 100 aliases");
    await store.stop();
  });
});
