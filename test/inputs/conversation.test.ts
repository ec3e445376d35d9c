import { afterEach, describe, expect, it } from "vitest";
import { greeter } from "../../examples/greeter.ts";
import { type Bot, createBot } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import { memoryBroker } from "../../src/core/broker/memory.ts";
import { rpcClient } from "../../src/core/client/rpc.ts";
import { MicroError } from "../../src/core/errors.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { defaultSelector } from "../../src/core/selector/default.ts";
import type { CallContext, ServerStream } from "../../src/core/server/server.ts";
import { httpTransport } from "../../src/core/transport/http.ts";
import type { Input } from "../../src/inputs/input.ts";
import { EFFECTS, LINES, LONG, ODD, type Step } from "./conversation/lines.ts";
import { NETWORKS, type Network } from "./conversation/networks.ts";

/* The same conversation on every network, with one real bot and a real service: the same facts come out of it. */

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe.each(NETWORKS)("a conversation", ({ name, lacks, open }) => {
  it.skipIf(lacks !== undefined)(
    `tells the same facts on ${name}${lacks === undefined ? "" : ` (not here: ${lacks})`}`,
    async () => {
      const effects: string[] = [];
      const network = await open();
      cleanUps.push(network.close);
      await startBot(network.input, effects);
      const learnt = new Map<string, string>();
      const missing: string[] = [];
      for (const step of LINES) {
        const fits = network.input.limits.textLength > LONG.join().length;
        if (!(step.cut && fits)) missing.push(...(await take(step, network, learnt)));
      }
      expect(missing).toEqual([]);
      expect(network.heard().flatMap(({ live }) => live)).toEqual([]);
      expect(effects).toEqual(EFFECTS);
    },
    60_000,
  );

  it.skipIf(lacks === undefined)("needs servers that are not here", () => {
    expect(process.env["MICRO_TEST_REQUIRE_SERVERS"]).not.toBe("1");
  });
});

/** Says it, and waits until all that it is to bring stands there. What does not. */
async function take(step: Step, network: Network, learnt: Map<string, string>): Promise<readonly string[]> {
  const filled = (text: string) => text.replace(/\{(\w+)\}/g, (all, name: string) => learnt.get(name) ?? all);
  const before = network.heard().map(({ text }) => text);
  const news = () =>
    even(
      network
        .heard()
        .filter(({ text }, at) => text !== before[at])
        .map(({ text }) => text)
        .join("\n"),
    );
  const there = (fact: string | RegExp, text: string) =>
    typeof fact === "string" ? text.includes(even(filled(fact))) : fact.test(text);
  const wanted = [...step.facts, ...Object.values(step.learn ?? {})];
  network.say(filled(step.say));
  const until = Date.now() + PATIENCE_MS;
  let missing = wanted;
  while (missing.length > 0 && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const text = news();
    missing = wanted.filter((fact) => !there(fact, text));
  }
  for (const [name, pattern] of Object.entries(step.learn ?? {})) learnt.set(name, pattern.exec(news())?.[1] ?? "");
  if (step.after === "again") network.again?.();
  else if (step.after !== undefined) network.edit?.(step.after.edited);
  const tooMuch = (step.not ?? []).filter((fact) => there(fact, news()));
  return [
    ...missing.map((fact) => `${filled(step.say)} does not tell ${fact} but ${news().slice(0, 1500)}`),
    ...tooMuch.map((fact) => `${filled(step.say)} tells ${fact}: ${news().slice(0, 1500)}`),
  ];
}

/** How long the facts of one line may take on a busy machine. */
const PATIENCE_MS = 5000;

/** Blanks count as one, and what has no width or turns the writing around does not count. */
function even(text: string): string {
  return text.replace(/[\u200b\u2060\u202a-\u202e\u2066-\u2069]/g, "").replace(/\s+/g, " ");
}

async function startBot(input: Input, effects: string[]): Promise<Bot> {
  const registry = memoryRegistry()();
  await registry.start();
  const shared: Registry = { ...registry, start: async () => {}, stop: async () => {} };
  const service = greeter({ registry: shared, address: "127.0.0.1:0", drainMs: 200 });
  const { server } = service;
  server.handleRaw("Say.Odd", async () => ({ odd: ODD }));
  server.handleRaw("Say.Long", async () => ({ lines: LONG }));
  server.handleRaw("Say.Fail", async () => {
    throw new MicroError("conflict", "the greeter is out of greetings");
  });
  server.handleRaw("Say.Once", async (given) => {
    const { id } = given as { readonly id: string };
    effects.push(id);
    return { done: id };
  });
  const ticks = async (stream: ServerStream, { signal }: CallContext) => {
    for (let tick = 1; !signal.aborted; tick++) {
      await stream.send({ tick });
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  server.handleRawStream("Say.Ticks", ticks, { name: "Say.Ticks", metadata: { stream: "true" } });
  await service.start();
  cleanUps.push(service.stop);
  const client = rpcClient()({ transport: httpTransport(), selector: defaultSelector()({ registry }) });
  cleanUps.push(client.close);
  const broker = memoryBroker()();
  await broker.start();
  cleanUps.push(broker.stop);
  const bot = createBot({
    inputs: [input],
    commands: [...builtin, ...smallTalk],
    registry,
    client,
    broker,
    policy: readPolicy("members: ['*:*']", "test"),
    limit: "none",
    drainMs: 1000,
  });
  await bot.start();
  cleanUps.push(bot.stop);
  return bot;
}
