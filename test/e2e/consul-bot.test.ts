import { describe, expect, it } from "vitest";
import { createBot } from "../../src/bot/bot.ts";
import { builtin } from "../../src/commands/builtin.ts";
import { rpcClient } from "../../src/core/client/rpc.ts";
import { cached } from "../../src/core/registry/cache.ts";
import { consulRegistry } from "../../src/core/registry/consul.ts";
import { defaultSelector } from "../../src/core/selector/default.ts";
import { httpTransport } from "../../src/core/transport/http.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { hasConsul, startConsul } from "../fakes/consul-agent.ts";

/* The bot in front of a real Consul. */

describe.skipIf(!hasConsul)("the bot with a real Consul (not run where consul is not installed)", () => {
  it("lists 1,000 services of 3 nodes, and goes on when the agent is killed", async () => {
    const agent = await startConsul();
    const services = Array.from({ length: 1000 }, (_, index) => `go.micro.srv.s${String(index).padStart(4, "0")}`);
    await agent.http("PUT", "/v1/catalog/register", { Node: "far", Address: "127.0.0.1" });
    const steps = services.flatMap((name) =>
      [1, 2, 3].map((node) => ({ Service: { Verb: "set", Node: "far", Service: record(name, node) } })),
    );
    for (let at = 0; at < steps.length; at += 64) await agent.http("PUT", "/v1/txn", steps.slice(at, at + 64));
    const input = memoryInput({ limits: { textLength: 100_000 } });
    const registry = cached(consulRegistry({ addresses: [agent.address] })());
    const client = rpcClient()({ transport: httpTransport(), selector: defaultSelector()({ registry }) });
    const bot = createBot({
      inputs: [input],
      commands: builtin,
      registry,
      client,
      limit: "none",
      drainMs: 100,
    });
    try {
      await registry.start({ timeoutMs: 15_000 });
      await bot.start();
      await expect.poll(async () => (await registry.list().catch(() => [])).length, { timeout: 20_000 }).toBe(1001);

      input.say("list services");
      expect((await input.next()).parts[0]?.text.split("\n")).toEqual(["consul", ...services]);

      await agent.kill();
      await expect.poll(() => registry.lostAt, { timeout: 10_000 }).toBeTypeOf("number");
      input.say("get service go.micro.srv.s0001");
      const remembered = (await input.next()).parts.map((part) => part.text).join("\n");
      expect(remembered).toContain("go.micro.srv.s0001-2");
      expect(remembered).toMatch(/consul.* has been out of reach for \d+ s/);
      input.say("get service go.micro.srv.nope");
      expect((await input.next()).parts[0]?.text).toMatch(/consul.*cannot be reached/);

      await agent.restart();
      await expect.poll(() => registry.lostAt, { timeout: 20_000 }).toBeUndefined();
      input.say("list services");
      expect((await input.next()).parts[0]?.text).toBe("consul");
    } finally {
      await bot.stop();
      await client.close();
      await registry.stop();
      await agent.stop();
    }
  }, 90_000);
});

function record(name: string, node: number) {
  return {
    ID: `${name}-${node}`,
    Service: name,
    Address: "127.0.0.1",
    Port: 9000 + node,
    Tags: ["v-789c33d433d033000002ce00ee"],
  };
}
