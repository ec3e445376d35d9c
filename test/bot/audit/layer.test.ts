import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { AuditLog } from "../../../src/bot/audit/audit-log.ts";
import { type Linked, readRow } from "../../../src/bot/audit/chain.ts";
import { memoryAudit } from "../../../src/bot/audit/memory.ts";
import type { BotInit } from "../../../src/bot/bot.ts";
import { canonicalJson, sha256 } from "../../../src/bot/canonical.ts";
import { readPolicy } from "../../../src/bot/policy.ts";
import { builtin } from "../../../src/commands/builtin.ts";
import { type AnyCommand, defineCommand } from "../../../src/commands/command.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { createRedactor } from "../../../src/core/redact.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { type MemoryInput, memoryInput } from "../../../src/inputs/memory/memory.ts";
import { rowsOf } from "../../contract/audit.contract.ts";
import { cannedClient } from "../../fakes/canned-client.ts";
import { type ManualClock, manualClock } from "../../fakes/clock.ts";
import { botOn, telling, textOf } from "../run-bot.ts";

const POLICY = `
members: ['test:*', 'bot:talk', 'service:call']
people: { ann: ['memory:ann'] }
roles: { auditors: { members: ['memory:olga'], grants: ['audit:read'] } }
`;

/** A log that can be told to fail. */
function brittle(log: AuditLog) {
  let why: string | undefined;
  let since = 0;
  return {
    fail: (reason: string | undefined, now = 0) => {
      why = reason;
      since = now;
    },
    log: Object.create(log, {
      trouble: { get: () => (why === undefined ? log.trouble : { since, why }) },
      append: {
        value: (...given: Parameters<AuditLog["append"]>) =>
          why === undefined ? log.append(...given) : Promise.reject(new MicroError("unavailable", why)),
      },
    }) as AuditLog,
  };
}

interface World {
  readonly clock: ManualClock;
  readonly input: MemoryInput;
  readonly log: AuditLog;
  readonly fail: (why: string | undefined, now?: number) => void;
  ask(text: string, from?: string, room?: string): Promise<string>;
  rows(): Promise<readonly (Linked & Record<string, unknown>)[]>;
}

async function world(commands: readonly AnyCommand[] = [], init: Partial<BotInit> = {}): Promise<World> {
  const clock = manualClock();
  const input = memoryInput({ clock });
  const { log, fail } = brittle(memoryAudit({ clock, replica: "r1" }));
  const bot = botOn([input], {
    clock,
    auditLog: log,
    policy: readPolicy(POLICY, "test"),
    drainMs: 0,
    ...init,
    commands: [...builtin, ...commands],
  });
  await bot.start();
  return {
    clock,
    input,
    log,
    fail,
    ask: async (text, from = "ann", room = "room") => {
      const before = input.sent.length;
      input.say(text, { from, room });
      await expect.poll(() => input.sent.length).toBe(before + 1);
      return textOf(input.sent.at(-1));
    },
    rows: async () => (await rowsOf(log)).map(readRow) as (Linked & Record<string, unknown>)[],
  };
}

describe("the audit of a bot", () => {
  it("has a row before a command starts and one after it has ended", async () => {
    let during: readonly unknown[] = [];
    const { command } = telling("look", {
      gate: async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        during = await rowsOf(log);
      },
    });
    const { ask, rows, log } = await world([command]);
    await ask("micro look here");
    expect(during).toHaveLength(1);
    const [begun, ended] = await rows();
    const said = {
      replica: "r1",
      caller: "memory:ann",
      person: "ann",
      network: "memory",
      room: "room",
      text: "micro look here",
      line: "look here",
      command: "look",
      effect: "read",
      args: { what: "here" },
      rule: expect.any(String),
    };
    expect(begun).toMatchObject({ kind: "begun", ...said });
    expect(ended).toMatchObject({
      kind: "ended",
      ...said,
      outcome: "ok",
      result: sha256(canonicalJson({ what: "here" })),
    });
    expect(ended?.["id"]).toBe(begun?.["id"]);
  });

  it("proves the arguments it has no room for, their secrets crossed out, before the command runs", async () => {
    const command = defineCommand({
      name: "refund",
      summary: "Refund",
      input: z.object({ note: z.string(), pin: z.string(), list: z.string().transform((text) => text.split(",")) }),
      words: ["list"],
      secrets: ["pin"],
      permission: "test:refund",
      effect: "write",
      confirm: false,
      run: async () => ({}),
      view: () => ({ kind: "text", text: "refunded" }),
    });
    const { ask, rows } = await world([command]);
    const note = "ok ".repeat(700).trim();
    const list = Array.from({ length: 80 }, (_, at) => `${at}`);
    const line = (amount: string) => `refund --note "${note}" --pin=4711 ${[...list, amount].join(",")}`;
    expect(await ask(line("1000000"))).toBe("refunded");
    expect(await ask(line("1"))).toBe("refunded");
    const [begun, ended, other] = await rows();
    expect(JSON.stringify(begun)).not.toContain("1000000");
    const argsHash = sha256(canonicalJson({ note, pin: "[secret]", list: [...list, "1000000"] }));
    expect(begun).toMatchObject({ kind: "begun", argsHash });
    expect(ended).toMatchObject({ kind: "ended", argsHash });
    expect(other?.["argsHash"]).not.toBe(argsHash);
    // Whoever looks sees that it is not all, and which of two that look the same it was.
    const { id } = begun as { id: string };
    expect(await ask(`explain ${id}`)).toMatch(new RegExp(`^all of them +sha256 ${argsHash}$`, "m"));
    expect(await ask("audit")).toContain(`(arguments sha256 ${argsHash.slice(0, 12)}…)`);
    expect(await ask("audit --command explain")).not.toContain("sha256");
  });

  it("has what was refused, and by which rule; what was not understood; and what only asks", async () => {
    const { command } = telling("change", { effect: "write", permission: "nobody:has" });
    const { command: other } = telling("turn", { effect: "write" });
    const { ask, rows } = await world([command, other]);
    await ask("change it");
    await ask("chonge it");
    await ask("turn it");
    expect(await rows()).toMatchObject([
      {
        kind: "ended",
        command: "change",
        outcome: "permission_denied",
        rule: "default",
        why: expect.stringContaining("nobody:has"),
      },
      { kind: "ended", text: "chonge it", outcome: "not_found" },
      { kind: "ended", command: "turn", outcome: "asked" },
    ]);
  });

  it("has who said yes to what, and what that touched", async () => {
    const command = defineCommand({
      name: "restart",
      summary: "restart",
      input: z.object({ service: z.string().describe("it") }),
      words: ["service"],
      permission: "test:restart",
      effect: "write",
      run: async () => ({}),
      view: () => ({ kind: "text", text: "restarted" }),
    });
    const registry = memoryRegistry()();
    await registry.start();
    const node = { id: "pay-1", address: "10.0.0.1:1", metadata: {} };
    await registry.register({ name: "pay", version: "2", metadata: {}, endpoints: [], nodes: [node] });
    const { ask, rows } = await world([command], { registry });
    await ask("restart pay");
    await ask("yes");
    const [, begun, ended] = await rows();
    const meant = {
      text: "yes",
      line: "restart pay",
      target: "pay",
      touched: [{ name: "pay", version: "2", nodes: ["pay-1"] }],
      approvers: ["memory:ann"],
    };
    expect(begun).toMatchObject({ kind: "begun", ...meant });
    expect(ended).toMatchObject({ kind: "ended", ...meant, outcome: "ok" });
  });

  it("has the calls that were made, with node, outcome and trace, and what they would touch", async () => {
    const registry = memoryRegistry()();
    await registry.start();
    const nodes = [{ id: "pay-1", address: "10.0.0.1:1", metadata: {} }];
    await registry.register({ name: "pay", version: "2", metadata: {}, endpoints: [], nodes });
    const client = cannedClient({
      "Pay.Do": '{"n":1}',
      "Debug.Health": '{"status":"ok"}',
      "Pay.Fail": new MicroError("timeout", "late"),
    });
    const { ask, rows } = await world([], { registry, client });
    await ask("call pay Pay.Do {}");
    await ask("health pay");
    await ask("call pay Pay.Fail {}");
    const ended = (await rows()).filter(({ kind }) => kind === "ended");
    const call = { service: "pay", trace: ended[0]?.["id"] };
    expect(ended[0]).toMatchObject({
      target: "pay",
      touched: [{ name: "pay", nodes: ["pay-1"] }],
      calls: [{ ...call, endpoint: "Pay.Do", outcome: "ok", ms: 0 }],
      result: sha256('{"n":1}'),
    });
    expect(ended[1]).toMatchObject({
      calls: [{ service: "pay", endpoint: "Debug.Health", node: "pay-1", outcome: "ok" }],
    });
    expect(ended[2]).toMatchObject({ outcome: "timeout", calls: [{ endpoint: "Pay.Fail", outcome: "timeout" }] });
  });

  it("has no secret: not of fields that are, nor of what is known as one", async () => {
    const command = defineCommand({
      name: "log in",
      summary: "log in",
      input: z.object({ password: z.string().describe("it"), note: z.string().default("").describe("it") }),
      words: ["password", "note"],
      secrets: ["password"],
      permission: "test:login",
      effect: "read",
      run: async () => ({}),
      view: () => ({ kind: "text", text: "in" }),
    });
    const { ask, rows } = await world([command], { redactor: createRedactor(["hunter2-hunter2"]) });
    await ask("micro log in correct-horse hunter2-hunter2");
    await ask("micro log in x hunter2-hunter2");
    await ask("micro hunter2-hunter2");
    const all = JSON.stringify(await rows());
    expect(all).not.toContain("correct-horse");
    expect(all).not.toContain("hunter2");
    expect(all).toContain('"password":"[secret]"');
    expect(all).not.toContain("log in x");
  });

  it("keeps no text without end", async () => {
    const { command } = telling("look");
    const { ask, rows } = await world([command]);
    await ask(`look ${"x".repeat(100_000)}`);
    for (const row of await rows()) expect(JSON.stringify(row).length).toBeLessThan(6000);
  });
});

describe("an audit that cannot be written", () => {
  it("keeps writes from running, and says what holds", async () => {
    const { command, runs } = telling("turn", { effect: "write", confirm: false });
    const { ask, rows, fail } = await world([command]);
    fail("the disk is full");
    expect(await ask("turn it")).toContain(
      "nothing was done, because I cannot write down what is done: the disk is full",
    );
    expect(runs).toEqual([]);
    fail(undefined);
    expect(await ask("turn it")).toContain("turn it done");
    expect(runs).toEqual(["it"]);
    expect((await rows()).map(({ kind }) => kind)).toEqual(["begun", "ended"]);
  });

  it("lets reads go on, and tells each room once a minute", async () => {
    const { command, runs } = telling("look");
    const { ask, fail, clock } = await world([command]);
    fail("the disk is full", clock.now());
    expect(await ask("look 1")).toMatch(
      /^look 1 done\nsince 00:00:00 UTC nothing of this can be written into the audit/,
    );
    expect(await ask("look 2")).toBe("look 2 done");
    expect(await ask("look 3", "ann", "other")).toContain("cannot be written".replace("cannot", "can"));
    await clock.advance(61_000);
    expect(await ask("look 4")).toContain("the disk is full");
    fail(undefined);
    expect(await ask("look 5")).toBe("look 5 done");
    expect(runs).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("says so when a write was done and its end cannot be written down", async () => {
    const { command } = telling("turn", {
      effect: "write",
      confirm: false,
      gate: async () => fail("the disk is full"),
    });
    const { ask, fail } = await world([command]);
    expect(await ask("turn it")).toBe("turn it done\nthis was done, but how it ended cannot be written into the audit");
  });
});

describe("what tells of the audit", () => {
  it("shows one's own records to everybody, and all of them to who may read them", async () => {
    const { command } = telling("look");
    const { ask } = await world([command]);
    await ask("look here", "ann");
    await ask("look there", "bob");
    const own = await ask("audit", "bob");
    expect(own).toContain("look there");
    expect(own).not.toMatch(/running|\baudit$/m);
    expect(own).not.toContain("look here");
    expect(own).toContain("audit:read");
    expect(await ask("audit --who ann", "bob")).toContain("there is no record of that");
    const all = await ask("audit --command look", "olga");
    expect(all).toMatch(/Id .*When .*Who .*Where .*Outcome .*Took .*Line/);
    expect(all).toMatch(/memory:bob .*look there[\s\S]*ann .*look here/);
    expect(await ask("audit --who @ann --limit 1", "olga")).toContain("look here");
    expect(await ask("audit --since 1h --room elsewhere", "olga")).toContain("no record");
    expect(await ask("audit --who me", "olga")).not.toContain("look here");
  });

  it("are all shown only where and to whom a rule says so, not to who may do everything to one service", async () => {
    const { command } = telling("look");
    const policy = `
people: { bob: ['memory:bob'], olga: ['memory:olga'] }
roles: { oncall: { members: [bob], grants: [] } }
rules:
  - allow role:oncall * payments/*
  - allow olga audit in memory:ops
`;
    const { ask } = await world([command], { policy: readPolicy(policy, "test") });
    await ask("look here", "ann");
    expect(await ask("audit", "bob")).not.toContain("look here");
    expect(await ask("audit", "olga")).not.toContain("look here");
    expect(await ask("audit", "olga", "ops")).toContain("look here");
  });

  it("explains one command, to who may see it", async () => {
    const { command } = telling("look");
    const { ask, rows } = await world([command]);
    await ask("micro look here", "ann");
    const id = String((await rows())[0]?.["id"]);
    const text = await ask(`explain ${id}`, "olga");
    for (const line of [
      /who +ann, memory:ann, who is ann/,
      /typed +micro look here/,
      /meant +look here/,
      /what +here/,
      /rule /,
      /ended +well after/,
      /kept as +row 1 and row 2, hash [0-9a-f]{64}/,
    ]) {
      expect(text).toMatch(line);
    }
    expect(await ask(`explain ${id}`, "bob")).toContain(`there is no record ${id} that you may see`);
    expect(await ask("explain ffffff", "olga")).toContain("there is no record ffffff");
  });

  it("replays by today's policy and state, and runs nothing", async () => {
    const registry = memoryRegistry()();
    await registry.start();
    const service = (id: string) => ({
      name: "pay",
      version: "2",
      metadata: {},
      endpoints: [],
      nodes: [{ id, address: "10.0.0.1:1", metadata: {} }],
    });
    await registry.register(service("pay-1"));
    const client = cannedClient({ "Pay.Do": "{}" });
    const { ask, rows } = await world([], { registry, client });
    await ask("call pay Pay.Do {}");
    const id = String((await rows())[0]?.["id"]);
    await registry.deregister(service("pay-1"));
    await registry.register(service("pay-2"));
    expect(await ask(`replay ${id}`)).toContain(
      "nothing is done again from the audit: type it yourself, `call pay Pay.Do {}`",
    );
    const told = await ask(`replay ${id} --dry-run`);
    expect(told).toContain("said now it would run (rule: ");
    expect(told).toContain("it would touch pay 2: pay-2");
    expect(told).toContain("- pay 2 node pay-1");
    expect(told).toContain("nothing was done");
    expect(client.asked).toHaveLength(1);
  });

  it("says that a replay would be refused now, and by which rule", async () => {
    const { command } = telling("turn", { effect: "write", confirm: false, permission: "nobody:has" });
    const { ask, rows } = await world([command]);
    await ask("turn it");
    const id = String((await rows())[0]?.["id"]);
    expect(await ask(`replay ${id} --dry-run`)).toContain("said now it would be refused: ");
  });

  it("says that a replay would wait for approvers, also of what changes nothing", async () => {
    const { command } = telling("look");
    let policy = readPolicy("members: ['bot:talk', 'test:*', 'bot:read']", "test");
    const { ask, rows } = await world([command], {
      policy: { decide: (request) => policy.decide(request), allows: (...of) => policy.allows(...of) },
    });
    await ask("look around");
    const id = String((await rows())[0]?.["id"]);
    expect(await ask(`replay ${id} --dry-run`)).toContain("said now it would run");
    policy = readPolicy(
      "{ roles: { lead: { members: ['memory:bob'] } }, rules: ['allow members look approve 1 of role:lead'] }",
      "t",
    );
    expect(await ask(`replay ${id} --dry-run`)).toContain("said now it would wait for a yes");
  });

  it("verifies for who may read all, and exports into no chat", async () => {
    const { ask } = await world();
    expect(await ask("audit verify", "bob")).toContain("you need the permission audit:read");
    const verdict = await ask("audit verify", "olga");
    expect(verdict).toContain("the audit is whole");
    expect(await ask("audit export", "olga")).toContain("`micro audit export` writes it out");
  });
});
