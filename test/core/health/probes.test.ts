import { expect, it } from "vitest";
import { createProbes, probesOf } from "../../../src/core/health/probes.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { manualClock } from "../../fakes/clock.ts";
import { nodesThat } from "./fake-nodes.ts";

const node = (address: string) => ({ id: address, address, metadata: {} });

it("asks a node once a second, whoever asks", async () => {
  const clock = manualClock();
  const probes = createProbes({ clock });
  const nodes = nodesThat({ "n:1": { status: "ok" } });
  const ask = () => probes.ask(nodes.client, "p", node("n:1"), "Debug.Health");
  const answers = await Promise.all(Array.from({ length: 1000 }, ask));
  expect(nodes.asked).toHaveLength(1);
  expect(new Set(answers).size).toBe(1);
  await clock.advance(999);
  await ask();
  expect(nodes.asked).toHaveLength(1);
  await clock.advance(1);
  await ask();
  expect(nodes.asked).toHaveLength(2);
  // Another one, or for something else.
  await probes.ask(nodes.client, "p", node("n:2"), "Debug.Health");
  await probes.ask(nodes.client, "p", node("n:1"), "Debug.Stats");
  expect(nodes.asked).toHaveLength(4);
});

it("asks only so many at once, the others when there is room", async () => {
  const probes = createProbes({ clock: manualClock(), atOnce: 7 });
  const nodes = nodesThat({});
  const all = Array.from({ length: 100 }, (_, at) => probes.ask(nodes.client, "p", node(`n:${at}`), "Debug.Health"));
  expect((await Promise.all(all)).every(({ error }) => error === undefined)).toBe(true);
  expect([nodes.asked.length, nodes.most]).toEqual([100, 7]);
});

it("says so of those whose turn did not come", async () => {
  const probes = createProbes({ clock: manualClock(), atOnce: 1, timeoutMs: 50 });
  const nodes = nodesThat({ "n:1": "hangs" });
  void probes.ask(nodes.client, "p", node("n:1"), "Debug.Health");
  const { error } = await probes.ask(nodes.client, "p", node("n:2"), "Debug.Health");
  expect(error).toMatchObject({ code: "exhausted" });
});

it("is one for all who look into a registry", () => {
  const [one, other] = [memoryRegistry()(), memoryRegistry()()];
  const clock = manualClock();
  expect(probesOf(one, clock)).toBe(probesOf(one, clock));
  expect(probesOf(other, clock)).not.toBe(probesOf(one, clock));
});
