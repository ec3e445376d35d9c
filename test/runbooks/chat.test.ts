import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin } from "../../src/commands/builtin.ts";
import { memoryBroker } from "../../src/core/broker/memory.ts";
import type { Client } from "../../src/core/client/client.ts";
import { RawJson } from "../../src/core/codec/json.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { runbooks } from "../../src/runbooks/extension.ts";
import { RUNBOOK_TABLES } from "../../src/runbooks/runs.ts";
import { folderShelf } from "../../src/runbooks/shelf.ts";
import { botOn, textOf } from "../bot/run-bot.ts";
import { cannedClient } from "../fakes/canned-client.ts";

const folder = mkdtempSync(join(tmpdir(), "micro-runbooks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ORDERS = {
  name: "go.micro.srv.orders",
  version: "1.0.0",
  metadata: {},
  endpoints: [],
  nodes: [{ id: "orders-1", address: "127.0.0.1:1", metadata: {} }],
};

const RULES = `
roles:
  oncall: { members: ["memory:bob"], grants: ["runbook:*"] }
  ops: { members: ["memory:ann"], grants: ["runbook:*", "service:*", "topic:*", "event:*", "broker:*"] }
members: ["bot:talk", "runbook:approve"]
`;

const dbs: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of dbs.splice(0)) await each.stop();
});

/** A bot with the runbooks of a folder, and what went over its transport and broker. */
async function botWith(from: string, init: { readonly rules?: string; readonly fails?: string } = {}) {
  const input = memoryInput();
  const sent: string[] = [];
  const registry = memoryRegistry({ services: [ORDERS] })();
  const canned = cannedClient({});
  const answer = (endpoint: string, body: unknown) => {
    sent.push(`${endpoint} ${body instanceof RawJson ? body.text : JSON.stringify(body)}`);
    if (endpoint === init.fails) throw new MicroError("conflict", `${endpoint} is away`);
    return endpoint === "Debug.Health" ? { status: "ok" } : new RawJson('{"ok":true}');
  };
  const client = {
    ...canned,
    call: async (to: { endpoint: string }, body: unknown) => answer(to.endpoint, body),
    request: async (_service: string, endpoint: string, body: unknown) => answer(endpoint, body),
  } as unknown as Client;
  const broker = memoryBroker()();
  const counted = {
    ...broker,
    publish: async (topic: string, ...rest: [never, never]) => {
      sent.push(`publish ${topic}`);
      return broker.publish(topic, ...rest);
    },
  };
  await broker.start();
  const db = memoryDb(RUNBOOK_TABLES);
  await db.start();
  dbs.push(db);
  const bot = botOn([input], {
    registry,
    client,
    broker: counted as never,
    commands: builtin,
    policy: readPolicy(init.rules ?? RULES, "test"),
    extensions: [runbooks({ shelf: folderShelf(from), db, leaseMs: 500, drainMs: 100 })],
  });
  await bot.start();
  const reply = async () => textOf(await input.next());
  return { input, sent, bot, reply };
}

const examples = resolve(import.meta.dirname, "../../examples/runbooks");

describe("a runbook in a room", () => {
  it("is asked about, approved by somebody else, and done, each step shown", async () => {
    const { input, sent } = await botWith(examples);
    input.say("runbook run drain-orders region=eu ticket=OPS-7");
    const question = await untilSaid(input, /runbook run drain-orders region=eu ticket=OPS-7/);
    expect(question).toMatch(/touches runbook drain-orders [0-9a-f]{8}/);
    expect(question).toContain("touches go.micro.srv.orders 1.0.0");
    expect(sent).toEqual([]);
    input.say("yes");
    const asked = await untilSaid(input, /waits at step confirm for 1 of role:oncall/);
    const [, id = ""] = /\((rb[0-9a-f]{6})\)/.exec(asked) ?? [];
    input.say(`runbook approve ${id}`);
    await untilSaid(input, /you have begun rb[0-9a-f]{6} yourself; role:oncall can approve it/);
    input.say(`runbook approve ${id}`, { from: "cid" });
    await untilSaid(input, /waits for role:oncall, and you are none of them/);
    input.say(`runbook approve ${id}`, { from: "bob" });
    await untilSaid(input, new RegExp(`drain-orders \\(${id}\\).*: done`));
    expect(sent.filter((one) => !one.startsWith("Debug.Health"))).toEqual([
      'Orders.Drain {"region":"eu","grace":30,"why":"OPS-7"}',
      "publish ops.orders",
    ]);
    expect(await untilSaid(input, /3\/5 drain {2}done/)).toContain("2/5 confirm  done");
    input.say("runbook history");
    expect(await untilSaid(input, /Ended as/)).toContain(`${id}`);
    input.say(`runbook status ${id}`);
    expect(await untilSaid(input, /Step +State/)).toMatch(/confirm +done.*approved by memory:bob/);
  });

  it("tells its end once, where who began it still watches", async () => {
    const { input } = await botWith(examples);
    const before = input.sent.length;
    for (let n = 1; n <= 5; n++) {
      const from = input.sent.length;
      input.say("runbook run morning");
      await untilSaid(input, /this changes things/, from);
      input.say("yes");
      const [, id = ""] = /\((rb[0-9a-f]{6})\).*: done/.exec(await untilSaid(input, /: done/, from)) ?? [];
      // Once it is there, it has been said by whoever wanted to.
      for (let shown = ""; !shown.includes(id); ) {
        const asked = input.sent.length;
        input.say("runbook history");
        shown = await untilSaid(input, /runbook has ended yet|Ended as/, asked);
      }
    }
    expect(
      input.sent
        .slice(before)
        .map(textOf)
        .filter((text) => /morning \(.*\): done/.test(text)),
    ).toHaveLength(5);
  });

  it("sends no write as a rehearsal, and shows what would be said", async () => {
    const { input, sent, reply } = await botWith(examples);
    input.say("runbook dry-run drain-orders region=us grace=5");
    const shown = await reply();
    expect(shown).toContain(
      'would say   call go.micro.srv.orders Orders.Drain {"region":"us","grace":5,"why":"OPS-0"}',
    );
    expect(shown).toMatch(/before +said/);
    expect(sent.every((one) => one.startsWith("Debug.Health"))).toBe(true);
    expect(sent.length).toBeGreaterThan(0);
    input.say("runbook run drain-orders region=us --dry-run");
    // Nobody is asked for what changes nothing.
    await untilSaid(input, /that was a rehearsal/);
    expect(await untilSaid(input, /Step +What +Line +Found\nbefore +said /)).not.toContain("\t");
    expect(sent.every((one) => one.startsWith("Debug.Health"))).toBe(true);
  });

  it("shows in a rehearsal what a wait would ask, with its parameters", async () => {
    const own = mkdtempSync(join(folder, "settle-"));
    const wait = "wait: { until: 'health ${service} is ok', every: 1s, atMost: 1m }";
    writeFileSync(
      join(own, "settle.yaml"),
      `summary: x\nparameters:\n  service: { type: string }\nsteps:\n  - ${wait}\n`,
    );
    const { input, reply } = await botWith(own);
    input.say("runbook dry-run settle service=go.micro.srv.orders");
    expect(await reply()).toContain("wait until health go.micro.srv.orders is ok");
  });

  it("shows what its yes will do", async () => {
    const { input } = await botWith(examples);
    input.say("runbook run drain-orders region=us");
    expect(await untilSaid(input, /this changes things/)).toContain(
      "touches what `call go.micro.srv.orders Orders.Drain",
    );
  });

  it("takes back what it did when something fails", async () => {
    writeFileSync(
      join(folder, "back.yaml"),
      `summary: x
steps:
  - {id: a, run: 'call go.micro.srv.orders Orders.Drain {"n":1}', rollback: 'call go.micro.srv.orders Orders.Fill {"n":1}'}
  - {id: b, run: 'call go.micro.srv.orders Orders.Break {}'}
`,
    );
    const { input, sent } = await botWith(folder, { fails: "Orders.Break" });
    input.say("runbook run back");
    await untilSaid(input, /runbook run back/);
    input.say("yes");
    expect(await untilSaid(input, /back \(rb[0-9a-f]{6}\): failed/)).toContain("taken back: a");
    expect(sent).toEqual(['Orders.Drain {"n":1}', "Orders.Break {}", 'Orders.Fill {"n":1}']);
  });

  it("is refused before anything runs: bad parameters, commands, rights, loops, files", async () => {
    const files: Record<string, string> = {
      loop: "summary: x\nsteps:\n  - run: runbook run pool\n",
      pool: "summary: x\nsteps:\n  - run: ping\n  - run: runbook run loop\n",
      self: "summary: x\nsteps:\n  - run: runbook run self\n",
      wrong:
        "summary: x\nsteps:\n  - run: pong\n  - run: call go.micro.srv.orders\n  - run: health a --loud\n  - wait: {run: 'call a B.C {}', until: result.ok}\n  - {run: 'call a B.C {}', retry: {times: 2}}\n",
      broken: "summary: x\nsteps:\n  - jump: high\n",
      param: "summary: x\nparameters: {region: {}}\nsteps:\n  - run: ping\n",
      piped: "summary: x\nsteps:\n  - run: health a | count\n",
      secret: "summary: x\nsteps:\n  - run: pause writes\n",
    };
    const own = mkdtempSync(join(folder, "bad-"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(own, `${name}.yaml`), text);
    const { input, sent } = await botWith(own);
    const refused = async (line: string) => {
      const before = input.sent.length;
      input.say(line);
      const text = await untilSaid(input, /./s, before);
      expect(text).not.toContain("this changes things");
      return text;
    };
    expect(await refused("runbook run self")).toContain("it would run itself without end: self -> self");
    expect(await refused("runbook run loop")).toContain("it would run itself without end: loop -> pool -> loop");
    const wrong = await refused("runbook run wrong");
    expect(wrong).toContain(
      'wrong.yaml, line 3, column 10: step step1: run `pong`: there is no command "pong"; the nearest are',
    );
    expect(wrong).toMatch(/line 4, column 10: step step2: run `call go.micro.srv.orders`: .*endpoint/);
    expect(wrong).toContain("health has no option --loud");
    expect(wrong).toContain("a wait says its command again and again, and `call` may change something");
    expect(wrong).toContain("tried again only with `idempotent: true`");
    expect(await refused("runbook run broken")).toContain(
      'broken.yaml, line 3, column 5: steps[1]: unknown key "jump"; a step has id',
    );
    expect(await refused("runbook run secret")).toContain("you may not run `pause writes` (bot:admin)");
    expect(await refused("runbook run piped")).toContain(
      "piped.yaml, line 3, column 10: step step1: run `health a | count`: a step's line has no pipe: its result is looked at by",
    );
    expect(await refused("runbook run lop")).toContain("there is no runbook lop; did you mean loop? there are broken");
    expect(await refused("runbook run param regoin=eu")).toContain(
      "no parameter regoin; did you mean region? there is region",
    );
    expect(await refused("runbook run param region=eu region=us")).toContain("region is given twice");
    expect(await refused("runbook run nothing")).toContain("there is no runbook nothing; there are broken, loop");
    expect(await refused("runbook run ../../etc/passwd")).toContain("there is no runbook ../../etc/passwd");
    expect(await refused("runbook run self a=b")).toContain("self has no parameter a; there are none");
    input.say("runbook check", { from: "bob" });
    await untilSaid(input, /loop.yaml, line 1, column 1: it would run itself without end/);
    expect(sent).toEqual([]);
  });

  it("is not done when its file is another one by the time that somebody says yes", async () => {
    const own = mkdtempSync(join(folder, "swap-"));
    writeFileSync(join(own, "swap.yaml"), "summary: x\nsteps:\n  - run: 'call go.micro.srv.orders Orders.Drain {}'\n");
    const { input, sent } = await botWith(own);
    input.say("runbook run swap");
    await untilSaid(input, /this changes things/);
    writeFileSync(
      join(own, "swap.yaml"),
      "summary: x\nsteps:\n  - run: 'call go.micro.srv.orders Orders.Destroy {}'\n",
    );
    input.say("yes");
    await untilSaid(input, /the yes is void/);
    expect(sent).toEqual([]);
  });

  it("is drafted from what somebody said", async () => {
    const { input } = await botWith(examples);
    input.say("health go.micro.srv.orders");
    await input.next();
    input.say('call go.micro.srv.orders Orders.Drain {"a":"${x}"}');
    await input.next();
    input.say("ping", { from: "bob" });
    await input.next();
    input.say("runbook record drain");
    const draft = textOf(await input.next());
    expect(draft).toContain("run: health go.micro.srv.orders");
    expect(draft).toContain('run: call go.micro.srv.orders Orders.Drain {"a":"$${x}"}');
    expect(draft).toContain("rollback: TODO");
    expect(draft).not.toContain("ping");
  });
});

async function untilSaid(input: ReturnType<typeof memoryInput>, words: RegExp, from = 0): Promise<string> {
  const limit = performance.now() + 8000;
  for (;;) {
    const found = input.sent
      .slice(from)
      .map(textOf)
      .find((text) => words.test(text));
    if (found !== undefined) return found;
    if (performance.now() > limit) throw new Error(`nobody said ${words}:\n${input.sent.map(textOf).join("\n---\n")}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
