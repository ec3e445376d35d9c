import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createBot } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silent } from "../../src/core/log.ts";
import { cached } from "../../src/core/registry/cache.ts";
import { consulRegistry } from "../../src/core/registry/consul.ts";
import { createService, type Service } from "../../src/core/service.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { serviceCommands } from "../../src/plugins/services/services.ts";
import { textOf } from "../bot/run-bot.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../fakes/consul-agent.ts";
import { programOf, reasonOf } from "./build.mjs";

const missing = hasConsul ? reasonOf("command") : "Consul is not installed";

/* `examples/go-command`, as somebody would start it beside a bot. */
describe(`a command service in Go${missing === undefined ? "" : ` (not run: ${missing})`}`, () => {
  let consul: ConsulAgent;
  let caller: Service;
  const input = memoryInput();
  let bot: ReturnType<typeof createBot>;

  beforeAll(async () => {
    if (missing !== undefined) return;
    consul = await startConsul();
    const clock = systemClock;
    const registry = cached(consulRegistry({ addresses: [consul.address] })({ clock }), { clock, log: silent });
    caller = createService({ name: "go.micro.bot", registry, address: "127.0.0.1:0" });
    await caller.start();
    const { client } = caller;
    bot = createBot({
      inputs: [input],
      commands: [],
      registry,
      client,
      policy: readPolicy("members: ['bot:*', 'command:*']", "test"),
      sources: [serviceCommands({ registry, client, namespace: "go.micro.bot", clock, log: silent })],
    });
    await bot.start();
  });
  afterAll(async () => {
    await bot?.stop();
    await caller?.stop();
    await consul?.stop();
  });

  const start = () => spawn(programOf("command"), ["--registry_address", consul.address], { stdio: "ignore" });
  const isThere = () => bot.catalog.commands.some(({ name }) => name === "rota");
  const registered = async () => (await caller.registry.list()).includes("go.micro.bot.rota");
  const ask = async (line: string) => {
    const { sends } = input;
    input.say(line);
    await expect.poll(() => input.sends > sends, { timeout: 5000 }).toBe(true);
    return textOf(input.sent.at(-1));
  };

  it.skipIf(missing !== undefined)(
    "is in help within 2 s, answers, and goes when it is stopped or killed",
    async () => {
      for (const [signal, limitMs] of [
        ["SIGTERM", 5000],
        ["SIGKILL", 40_000],
      ] as const) {
        const child = start();
        try {
          await expect.poll(registered, { timeout: 15_000, interval: 20 }).toBe(true);
          await expect.poll(isThere, { timeout: 2000, interval: 20 }).toBe(true);
          expect(await ask("help")).toContain("rota <team>");
          expect(await ask("rota orders")).toBe("Ann is on call for orders");
          expect(await ask("rota nobody")).toContain('there is no team "nobody"; there are orders, payments');
        } finally {
          child.kill(signal);
        }
        await expect.poll(isThere, { timeout: limitMs }).toBe(false);
        expect(await ask("rota orders")).toContain("there is no command");
      }
    },
    90_000,
  );
});
