import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Bot, createBot } from "../../src/bot/bot.ts";
import { callerOf } from "../../src/bot/people.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import { defineCommand } from "../../src/commands/command.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { cannedClient } from "../fakes/canned-client.ts";

const call = { permission: "service:call", effect: "write" } as const;

const POLICY = `
people:
  ann: [slack:T01/U02, "xmpp:ann@chat.example.org"]
  bob: [slack:T01/U03]
roles:
  operators: { members: [ann], grants: ["service:call"] }
  others: { members: ["slack:*"], grants: ["topic:publish"] }
`;

describe("Identity confusion (chat.md §6): callers' names", () => {
  it("no id reads like a guest, or like guests of a room", () => {
    expect(callerOf("local", "ann")).toBe("local:ann");
    expect(callerOf("local", undefined)).toBe("local:guest");
    const ids = ["guest", "=guest", "==guest", "guest in ops", "=guest in ops", "guests", "=", "guest "];
    const names = ids.map((id) => callerOf("local", id));
    expect(new Set(names).size).toBe(ids.length);
    for (const name of names) expect(name).not.toMatch(/^local:guest(?: |$)/);
  });

  it("a user whose id is guest is not one with those whom nobody vouches for", async () => {
    const input = memoryInput();
    const records: { caller: string }[] = [];
    const bot = createBot({
      inputs: [input],
      commands: smallTalk,
      registry: memoryRegistry()(),
      client: cannedClient({}),
      policy: readPolicy("guests: ['bot:talk']", "p"),
      audit: (record) => records.push(record),
    });
    await bot.start();
    for (const id of ["guest", undefined]) input.say("ping", { from: { id } });
    await expect.poll(() => records.map(({ caller }) => caller)).toEqual(["memory:=guest", "memory:guest"]);
    await bot.stop();
  });
});

describe("people of a policy file", () => {
  it("are one on every network where they are linked, and a role may name them", () => {
    const policy = readPolicy(POLICY, "p");
    for (const id of ["slack:T01/U02", "xmpp:ann@chat.example.org"]) {
      expect(policy.personOf?.(id)).toBe("ann");
      expect(policy.allows(id, false, call)).toBe(true);
    }
    expect(policy.allows("slack:T01/U03", false, call)).toBe(false);
    expect(policy.personOf?.("slack:T01/U04")).toBe("slack:T01/U04");
  });

  it("Identity confusion (chat.md §6): nobody becomes a person by a name, a part of an id, or as a guest", () => {
    const policy = readPolicy(POLICY, "p");
    for (const id of ["slack:ann", "xmpp:ann@chat.example.org.evil.example", "slack:T01/U022", "slack:guest"]) {
      expect(policy.personOf?.(id)).toBe(id);
      expect(policy.allows(id, id === "slack:guest", call)).toBe(false);
    }
    // A stranger is whom their whole id names, and never one of *.
    expect(policy.allows("slack:T09/U09", true, { permission: "topic:publish", effect: "write" })).toBe(false);
  });

  it.each([
    ["people: { ann: ['slack:U1'], bob: ['slack:U1'] }", "policy p, at people: slack:U1 is both ann and bob"],
    ["people: { ann: ['slack:*'] }", "policy p, at people.ann.0: an id is input:id"],
    ["people: { ann: ['slack:guest'] }", "policy p, at people.ann.0: guest is everybody"],
    ["people: { ann: [U1] }", "policy p, at people.ann.0: an id is input:id"],
    ["people: { 'slack:U1': ['slack:U1'] }", "policy p, at people"],
    ["roles: { ops: { members: [ann], grants: [] } }", "policy p, at roles.ops.members: there is no person ann"],
  ])("refuses %s", (text, words) => {
    expect(() => readPolicy(text, "p")).toThrow(words);
  });
});

describe("one person on two networks", () => {
  let bot: Bot | undefined;
  afterEach(async () => bot?.stop());

  const wait = defineCommand({
    name: "wait",
    summary: "Wait",
    input: z.object({}),
    permission: "bot:talk",
    effect: "read",
    run: (_input, { signal }) =>
      new Promise<object>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    view: () => ({ kind: "text", text: "over" }),
  });

  it("cancels over one what was begun over the other; who is not linked cannot", async () => {
    const slack = memoryInput({ name: "slack" });
    const xmpp = memoryInput({ name: "xmpp" });
    bot = createBot({
      inputs: [slack, xmpp],
      commands: [wait, ...builtin, ...smallTalk],
      registry: memoryRegistry()(),
      client: cannedClient({}),
      policy: readPolicy(POLICY, "p"),
    });
    await bot.start();
    const text = async (input: typeof slack) => (await input.next()).parts.map((part) => part.text).join("\n");
    slack.say("wait", { from: "T01/U02" });
    let jobs = "";
    await expect
      .poll(async () => {
        xmpp.say("jobs", { from: "ann@chat.example.org" });
        jobs = await text(xmpp);
        return jobs;
      })
      .toContain("wait");
    const id = /^([0-9a-f]{6})/m.exec(jobs)?.[1] ?? "";
    xmpp.say(`cancel ${id}`, { from: "ann@evil.example" });
    expect(await text(xmpp)).toContain("they can cancel it, or who has the grant `bot:admin`");
    xmpp.say(`cancel ${id}`, { from: "ann@chat.example.org" });
    expect(await text(xmpp)).toBe(`cancelled ${id}: wait`);
    expect(await text(slack)).toContain("cancel");
  });

  it("Identity confusion (chat.md §6): strangers whom nobody vouches for are not one person", async () => {
    const input = memoryInput();
    bot = createBot({
      inputs: [input],
      commands: [wait, ...smallTalk],
      registry: memoryRegistry()(),
      client: cannedClient({}),
      policy: readPolicy("guests: ['bot:talk']", "p"),
      limit: { guest: { count: 20, ms: 60_000, burst: 20 } },
    });
    await bot.start();
    const from = { id: undefined };
    const ask = async (line: string, room: string) => {
      input.say(line, { from, room });
      return (await input.next()).parts.map((part) => part.text).join("\n");
    };
    input.say("wait", { from, room: "theirs" });
    let jobs = "";
    await expect.poll(async () => (jobs = await ask("jobs", "other"))).toContain("wait");
    const id = /^([0-9a-f]{6})/m.exec(jobs)?.[1] ?? "";
    expect(await ask(`cancel ${id}`, "other")).toContain("they can cancel it, or who has the grant `bot:admin`");
    let told = "pong";
    for (let n = 0; n < 20 && told === "pong"; n++) told = await ask("ping", "other");
    expect(told).toContain("more than 20 commands");
    input.say(`cancel ${id}`, { from, room: "theirs" });
    const answers = [await input.next(), await input.next()].map(({ parts }) => parts[0]?.text);
    expect(answers).toContain(`cancelled ${id}: wait`);
  });
});
