import { afterEach, expect, it } from "vitest";
import { rpcClient } from "../../../src/core/client/rpc.ts";
import { deadline } from "../../../src/core/deadline.ts";
import { askNodes } from "../../../src/core/health/health.ts";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import type { ServiceNode } from "../../../src/core/registry/registry.ts";
import { defaultSelector } from "../../../src/core/selector/default.ts";
import { httpTransport } from "../../../src/core/transport/http.ts";
import { answer, type RawPeer, rawPeer } from "../../fakes/raw-peer.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

it("asks all nodes at once, in their own protocol; one that hangs or is gone costs no more than the time limit", async () => {
  const well = await rawPeer((socket) => setTimeout(() => socket.write(answer('{"status":"ok"}\n')), 100));
  const old = await rawPeer((socket) => socket.write(answer('{"id":0,"result":{"status":"ok"},"error":null}\n')));
  const silent = await rawPeer(() => {});
  const client = rpcClient()({
    transport: httpTransport(),
    selector: defaultSelector()({ registry: memoryRegistry()() }),
  });
  closing.push(
    () => client.close(),
    () => well.close(),
    () => old.close(),
    () => silent.close(),
  );

  const modern = { protocol: "mucp" };
  const nodes: ServiceNode[] = Array.from({ length: 100 }, (_, index) => ({
    id: `n${index}`,
    address: well.address,
    metadata: modern,
  }));
  nodes.push({ id: "old", address: old.address, metadata: {} });
  nodes.push({ id: "silent", address: silent.address, metadata: modern });
  nodes.push({ id: "gone", address: "127.0.0.1:1", metadata: modern });

  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  closing.push(async () => void process.off("warning", onWarning));

  using limit = deadline({}, 30_000, "all");
  const began = performance.now();
  const [answers] = await askNodes(
    client,
    [{ name: "svc", version: "1", metadata: {}, endpoints: [], nodes }],
    "Debug.Health",
    (said) => (said as { status: string }).status,
    { timeoutMs: 2500, signal: limit.signal },
  );
  expect(performance.now() - began).toBeLessThan(8000);
  expect(answers?.nodes.map(({ node }) => node.id)).toEqual(nodes.map(({ id }) => id));
  expect(answers?.nodes.slice(0, 101).every((found) => found.answer === "ok")).toBe(true);
  expect(answers?.nodes[101]?.error).toMatchObject({ code: 408 });
  expect(answers?.nodes[102]?.error?.detail).toContain("connection error: dial tcp 127.0.0.1:1");
  expect(questionsAtOnce(well)).toBeGreaterThan(20);
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);
});

/** Each was asked on a connection of its own, because this server does not say that it can do more. */
function questionsAtOnce(peer: RawPeer): number {
  return peer.connections;
}
