import { setTimeout as wait } from "node:timers/promises";
import type { Client } from "../../src/core/client/client.ts";
import type { Registry, ServiceRecord } from "../../src/core/registry/registry.ts";
import type { ServiceInit } from "../../src/core/service.ts";
import { serve } from "./handlers.mjs";
import { repeat } from "./load.ts";
import type { Micro } from "./micro.ts";
import type { Tally } from "./tally.ts";

const NAMES = Array.from({ length: 20 }, (_, n) => `soak.churn.${n}`);

/** Records that come and go, while somebody reads them. */
export async function recordChurn(writer: Registry, reader: Registry, tally: Tally, signal: AbortSignal) {
  const any = (): ServiceRecord => {
    const name = NAMES[Math.floor(Math.random() * NAMES.length)] ?? "";
    const n = Math.floor(Math.random() * 3);
    const node = { id: `${name}-${n}`, address: `127.0.0.1:${10_000 + n}`, metadata: { turn: String(Math.random()) } };
    return { name, version: `${n % 2}`, metadata: {}, endpoints: [], nodes: [node] };
  };
  const timeoutMs = 2000;
  const writing = repeat(1, 200, signal, async () => {
    if (Math.random() < 0.6) {
      await tally.track("register", timeoutMs, () => writer.register(any(), { timeoutMs, ttlMs: 60_000 }));
    } else await tally.track("deregister", timeoutMs, () => writer.deregister(any(), { timeoutMs }));
  });
  const reading = repeat(2, 10, signal, async () => {
    await tally.track("registry get", timeoutMs, () => reader.get(any().name, { timeoutMs }));
    await tally.track("registry list", timeoutMs, () => reader.list({ timeoutMs }));
  });
  const watching = repeat(1, 500, signal, async () => {
    const watcher = await tally.track("registry watch", timeoutMs, () => reader.watch({ timeoutMs }));
    if (!watcher) return;
    const closing = wait(2000, undefined, { signal })
      .catch(() => {})
      .then(() => watcher.close());
    await tally.track("registry watch over", 3000, async () => {
      for await (const event of watcher) tally.ok("registry event", event.action);
    });
    await closing;
  });
  await Promise.all([writing, reading, watching]);
}

/** Whether the cache knows what the registry itself says, at the latest after `patienceMs`. */
export async function agreement(cache: Registry, truth: Registry, patienceMs: number): Promise<string> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const [known, said] = [await everything(cache), await everything(truth)];
    if (known === said) return "";
    if (performance.now() > until) return `the cache knows ${known}, the registry says ${said}`;
    await wait(200);
  }
}

async function everything(registry: Registry): Promise<string> {
  const nodes: string[] = [];
  for (const name of await registry.list()) {
    for (const { version, nodes: of } of await registry.get(name).catch(() => [])) {
      for (const { id, address, metadata } of of) nodes.push(`${id} ${version} ${address} ${metadata["turn"]}`);
    }
  }
  return nodes.sort().join("\n");
}

/** Whole services that start, are called and stop, for ever new ones. */
export async function serviceChurn(
  { createService, MicroError }: Micro,
  init: () => Omit<ServiceInit, "name">,
  client: Client,
  tally: Tally,
  signal: AbortSignal,
) {
  let n = 0;
  await repeat(1, 1000, signal, async () => {
    const name = `soak.passing.${n++ % 5}`;
    const service = createService({ name, ...init() });
    const running = serve(service.server, MicroError);
    const started = await tally.track("service start", 5000, async () => {
      await service.start({ timeoutMs: 5000 });
      return true;
    });
    for (let call = 0; started && call < 5; call++) {
      await tally.track("call passing", 1000, () => client.request(name, "Soak.Echo", {}, { timeoutMs: 1000 }));
      await wait(50);
    }
    await tally.track("service stop", 10_000, () => service.stop());
    if (running() > 0) tally.violation(`service stop: ${running()} handlers run still`);
  });
}
