import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createBot } from "../../src/bot/bot.ts";
import { readPolicy } from "../../src/bot/policy.ts";
import { builtin, smallTalk } from "../../src/commands/builtin.ts";
import { rpcClient } from "../../src/core/client/rpc.ts";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { Registry } from "../../src/core/registry/registry.ts";
import { defaultSelector } from "../../src/core/selector/default.ts";
import { createService } from "../../src/core/service.ts";
import { httpTransport } from "../../src/core/transport/http.ts";
import type { Input } from "../../src/inputs/input.ts";
import { memoryInput } from "../../src/inputs/memory/memory.ts";
import { sqliteKv } from "../../src/platform/kv/sqlite.ts";

/**
 * The bot's time goes ten times as fast: a link that is lost again and again is not tried more than twice a minute, which
 * is right for people and too slow for a test.
 */
const SPEED = 10;
const began = Date.now();
const fastClock: Clock = {
  now: () => began + (Date.now() - began) * SPEED,
  sleep: (ms, options) => systemClock.sleep(ms / SPEED, options),
};

/** A bot in front of a service that counts. */
export interface Counting {
  /** The ids of the commands whose answers nobody saw, as `jobs` tells. */
  undelivered(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** What is said to have the service count an id, and take so long for it. */
export function counting(id: string, ms: number): string {
  return `call counter Counter.Add {"id":"${id}","ms":${ms}} --output raw`;
}

export async function countingBot(inputs: readonly Input[], onCount: (id: string) => void): Promise<Counting> {
  const folder = mkdtempSync(join(tmpdir(), "micro-trouble-"));
  const store = sqliteKv({ path: join(folder, "store.sqlite") });
  await store.start();
  const registry = memoryRegistry()();
  await registry.start();
  const shared: Registry = { ...registry, start: async () => {}, stop: async () => {} };
  const counter = createService({ name: "counter", registry: shared, address: "127.0.0.1:0", drainMs: 200 });
  counter.server.handleRaw("Counter.Add", async (given) => {
    const { id, ms } = given as { readonly id: string; readonly ms: number };
    onCount(id);
    await wait(ms);
    return { counted: id };
  });
  await counter.start();
  const client = rpcClient()({ transport: httpTransport(), selector: defaultSelector()({ registry }) });
  const office = memoryInput({ name: "office" });
  const bot = createBot({
    inputs,
    beside: [office],
    commands: [...builtin, ...smallTalk],
    registry,
    client,
    policy: readPolicy("{ members: ['*:*'], guests: ['*:*'] }", "test"),
    store,
    clock: fastClock,
    // Networks date messages by their own clocks.
    maxAgeMs: Number.MAX_SAFE_INTEGER,
    limit: "none",
  });
  await bot.start();
  return {
    undelivered: async () => {
      office.say("jobs --output json");
      const { parts } = await office.next();
      const { lost } = JSON.parse(parts[0]?.text ?? "") as { readonly lost: readonly { readonly text: string }[] };
      return lost.map(({ text }) => /"id":"([^"]+)"/.exec(text)?.[1] ?? text);
    },
    stop: async () => {
      await bot.stop();
      await client.close();
      await counter.stop();
      await registry.stop();
      await store.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
