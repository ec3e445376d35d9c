import { describe, expect, it } from "vitest";
import { readPolicy } from "../../src/bot/policy.ts";
import { getService } from "../../src/commands/get-service.ts";
import { health } from "../../src/commands/health.ts";
import { whyCommand, whyIs } from "../../src/commands/health-why.ts";
import { logs } from "../../src/commands/logs.ts";
import { stats } from "../../src/commands/stats.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { createHistory } from "../../src/history/history.ts";
import { HISTORY_TABLES } from "../../src/history/tables.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { memoryDb } from "../../src/platform/db/memory.ts";
import { nodesThat, refused, serviceOf } from "../core/health/fake-nodes.ts";
import { botOn, textOf } from "./run-bot.ts";

const services = [
  ...serviceOf("go.micro.srv.payments", { "1.3.0": ["p:1"], "1.4.0": ["p:2"] }),
  ...serviceOf("go.micro.srv.orders", { "1": ["o:1"] }),
  ...serviceOf("go.micro.api.orders", { "1": ["o:2"] }),
];
const members = "members: ['service:read', 'registry:read']";

async function asked(line: string, policy = members) {
  const input = memoryInput();
  const { client } = nodesThat({ "p:2": refused("p:2") });
  const registry = memoryRegistry({ services })();
  const bot = botOn([input], {
    registry,
    client,
    commands: [health, stats, whyIs, logs, getService],
    policy: readPolicy(policy, "test"),
  });
  await bot.start();
  await input.say(line);
  return textOf(await input.next());
}

describe("in chat", () => {
  it("tells how all services are, the worst first", async () => {
    const said = await asked("health");
    expect(said).toContain("1 of 3 services unhealthy");
    expect(said.indexOf("payments")).toBeLessThan(said.indexOf("api.orders"));
    expect(await asked("health --unhealthy")).not.toContain("orders");
  });

  it("takes the end of a name for it, where it is one's alone", async () => {
    expect(await asked("health payments")).toMatch(/service +go\.micro\.srv\.payments[\s\S]*a1 +p:1 +ok/);
    expect(await asked("health payments --unhealthy")).not.toMatch(/p:1/);
    expect(await asked("health orders")).toMatch(
      /orders may be go\.micro\.api\.orders or go\.micro\.srv\.orders: say which/,
    );
    expect(await asked("health go.micro.srv.orders --unhealthy")).toBe("go.micro.srv.orders is well: its node answers");
    expect(await asked("health payment")).toMatch(/no service payment is registered; did you mean/);
  });

  it.each(["why is payments unhealthy?", "why is payments?", "Why is go.micro.srv.payments unhealthy"])(
    "tells why: %s",
    async (line) => {
      const said = await asked(line);
      expect(said).toContain("go.micro.srv.payments: 1 of 2 nodes is not well");
      expect(said).toContain("likely: the failing node runs 1.4.0, and no node that is well does");
    },
  );

  it("asks the policy about what was found, not only about what was said", async () => {
    const rules = `${members}\nrules: ['deny members health go.micro.srv.payments']`;
    expect(await asked("health", rules)).toMatch(/all 2 services are well[\s\S]*1 other service you may not ask about/);
    expect(await asked("health payments", rules)).toMatch(/no service payments is registered/);
    expect(await asked("why is payments unhealthy?", rules)).toMatch(/no service payments is registered/);
    expect(await asked("why is go.micro.srv.payments unhealthy?", rules)).toMatch(/deny members health/);
    const noStats = `${members}\nrules: ['deny members stats go.micro.srv.payments']`;
    expect(await asked("stats payments", noStats)).toMatch(/no service payments is registered/);
    expect(await asked("stats payments")).toContain("service  go.micro.srv.payments");
    const noLogs = `${members}\nrules: ['deny members logs go.micro.srv.payments']`;
    expect(await asked("logs payments", noLogs)).toMatch(/no service payments is registered/);
    expect(await asked("logs go.micro.srv.payments", noLogs)).toMatch(/deny members logs/);
    expect(await asked("logs payments")).toContain("no node of go.micro.srv.payments tells its log");
    expect(await asked("logs orders")).toMatch(/orders may be go\.micro\.api\.orders or go\.micro\.srv\.orders/);
  });

  it("shows a service by its whole name only, and says which one may be meant by its end", async () => {
    expect(await asked("get service payments")).toBe(
      "no service payments is registered; did you mean go.micro.srv.payments?",
    );
    expect(await asked("get service orders")).toMatch(/did you mean go\.micro\.(api|srv)\.orders, go/);
    expect(await asked("get service go.micro.srv.payments")).toContain("service  go.micro.srv.payments");
  });
});

it("tells why of a service that has gone when it went, to who may ask for it", async () => {
  const went = (service: string, at: number) => ({
    at,
    service,
    kind: "went" as const,
    words: `node ${service}-1 went`,
  });
  const ask = async (line: string, policy = members) => {
    const input = memoryInput();
    const registry = memoryRegistry({ services })();
    const lately = [
      went("go.micro.srv.billing", Date.now() - 120_000),
      went("go.micro.srv.payments", Date.now() - 5000),
    ];
    const why = whyCommand({ changes: { lately: async () => lately } });
    const bot = botOn([input], { registry, commands: [health, why], policy: readPolicy(policy, "test") });
    await bot.start();
    await input.say(line);
    const said = textOf(await input.next());
    await bot.stop();
    return said;
  };
  for (const name of ["billing", "go.micro.srv.billing"]) {
    expect(await ask(`why is ${name} unhealthy?`)).toBe(
      "no node of go.micro.srv.billing is registered any more: 2 min ago node go.micro.srv.billing-1 went; `changes go.micro.srv.billing` tells more",
    );
  }
  expect(await ask("why is biling down")).toMatch(/no service biling is registered/);
  const rules = `${members}\nrules: ['deny members health go.micro.srv.billing']`;
  expect(await ask("why is billing down", rules)).toMatch(/^no service billing is registered/);
});

it("remembers how it was, and what changed, in a bot that does", async () => {
  const db = memoryDb(HISTORY_TABLES);
  await db.start();
  const input = memoryInput();
  const { client, behaviours } = nodesThat({});
  const registry = memoryRegistry({ services })();
  const history = createHistory({ registry, db, settleMs: 20 });
  const bot = botOn([input], {
    ...{ registry, client, commands: history.commands, extensions: [history.extension] },
    policy: readPolicy(members, "test"),
  });
  await bot.start();
  const ask = async (line: string) => {
    await input.say(line);
    return textOf(await input.next());
  };
  expect(await ask("changes")).toMatch(/nothing changed in the last 1h/);
  expect(await ask("changes --since yesterday")).toMatch(/nothing changed since yesterday/);
  expect(await ask("changes paymens")).toBe(
    "nothing of paymens changed in the last 1h, as far as I saw, and no service is called that; did you mean payments?",
  );
  expect(await ask("health payments")).toContain("ok");
  await history.last.settled();
  behaviours["p:2"] = refused("p:2");
  const before = (await history.last.of("go.micro.srv.payments")) ?? [];
  await history.last.keep(
    "go.micro.srv.payments",
    before.map((node) => ({ ...node, since: node.since - 3_600_000, ok: node.id !== "a2" })),
  );
  await history.changes.add([
    {
      at: Date.now() - 300_000,
      service: "go.micro.srv.payments",
      kind: "event",
      version: "1.4.0",
      words: "deploy of 1.4.0",
    },
  ]);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const said = await ask("why is payments unhealthy?");
  expect(said).toContain("1 node refuses connections for 60 min: a2 at p:2");
  expect(said).toContain("runs 1.4.0, which came 5 min ago");
  for (const line of ["changes payments", "changes --since yesterday", "changes payments --since 1w"]) {
    expect(await ask(line)).toMatch(/5 min ago .*deploy of 1\.4\.0/);
  }
  expect(await ask("changes --since 1y")).toContain("say 30m, 6h, 2d, 1w, today, yesterday, or a day as 2026-11-20");
  const [api] = serviceOf("go.micro.srv.payments", { "1.5.0": ["p:9"] });
  if (api) await registry.register({ ...api, nodes: [{ id: "z9", address: "p:9", metadata: {} }] });
  for (const end = Date.now() + 5000; Date.now() < end; ) {
    if ((await history.changes.lately({ since: 0, limit: 9 })).length > 1) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await ask("changes")).toMatch(/go\.micro\.srv\.payments +version 1\.5\.0 came with node z9 at p:9/);
  await bot.stop();
  await db.stop();
});
