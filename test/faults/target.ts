import { setTimeout as wait } from "node:timers/promises";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import { createService } from "../../src/core/service.ts";

/** A service in another process than the bot's, whose calls change something: it counts them. */
export interface Target {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** How often each id was counted. */
  readonly effects: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export async function target(): Promise<Target> {
  const effects = new Map<string, number>();
  const service = createService({
    name: "counter",
    registry: memoryRegistry()(),
    address: "127.0.0.1:0",
    drainMs: 100,
  });
  service.server.handleRaw("Counter.Add", async (given) => {
    const { id, ms = 0 } = given as { readonly id: string; readonly ms?: number };
    effects.set(id, (effects.get(id) ?? 0) + 1);
    await wait(ms);
    return { counted: id };
  });
  await service.start();
  return { address: service.server.address, effects, stop: service.stop };
}

/** What is said to have it count an id and take so long for it. */
export function counting(address: string, id: string, ms: number): string {
  return `call counter Counter.Add {"id":"${id}","ms":${ms}} --address ${address} --output raw`;
}
