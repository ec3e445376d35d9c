import { expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { silent } from "../../src/core/log.ts";
import { memoryKv } from "../../src/platform/kv/memory.ts";
import { createLeading } from "../../src/platform/leading.ts";

const until = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

async function pair() {
  const kv = memoryKv();
  await kv.start();
  const init = { kv, key: "it.worker", clock: systemClock, log: silent, what: "things", leaseMs: 200, turnMs: 10 };
  return { kv, one: createLeading(init), other: createLeading(init) };
}

it("is done by one at a time, and by the other when that one leaves", async () => {
  const { kv, one, other } = await pair();
  const doing = new Set<string>();
  const seen: string[] = [];
  const work = (name: string) => (signal: AbortSignal) => [
    (async () => {
      doing.add(name);
      seen.push([...doing].join("+"));
      await until(signal);
      doing.delete(name);
    })(),
  ];
  const [first, second] = [new AbortController(), new AbortController()];
  const running = one.run(work("one"), first.signal);
  await expect.poll(() => seen).toEqual(["one"]);
  const waiting = other.run(work("other"), second.signal);
  first.abort();
  await running;
  await one.lease.stop();
  await expect.poll(() => seen).toEqual(["one", "other"]);
  second.abort();
  await waiting;
  await other.lease.stop();
  expect(doing.size).toBe(0);
  await kv.stop();
});

it("begins all of it anew when a part throws", async () => {
  const { kv, one } = await pair();
  const leaving = new AbortController();
  let begun = 0;
  let beside = 0;
  const running = one.run((signal) => {
    begun += 1;
    const fails = begun === 1 ? Promise.reject(new Error("a fault")) : until(signal);
    const goesOn = until(signal).then(() => {
      beside += 1;
    });
    return [fails, goesOn];
  }, leaving.signal);
  await expect.poll(() => ({ begun, beside })).toEqual({ begun: 2, beside: 1 });
  leaving.abort();
  await running;
  await one.lease.stop();
  await kv.stop();
});
