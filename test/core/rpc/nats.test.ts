import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryRegistry } from "../../../src/core/registry/memory.ts";
import { createService } from "../../../src/core/service.ts";
import { natsTransport } from "../../../src/core/transport/nats.ts";
import { rpcContract } from "../../contract/rpc.contract.ts";
import { hasNats, type NatsServer, startNats } from "../../fakes/nats-server.ts";

for (const binary of ["nats-server", "nats-server-next"] as const) {
  const there = hasNats(binary);
  describe.skipIf(!there)(`over ${binary}${there ? "" : " (not installed)"}`, () => {
    let server: NatsServer;
    beforeAll(async () => {
      server = await startNats(binary);
    }, 30_000);
    afterAll(async () => server?.stop());
    rpcContract(binary, {
      create: async () => ({ transport: natsTransport({ addresses: [server.address] }) }),
      without: { cancel: "nobody is told that the other side is gone", largeBodies: "max_payload is 1 MiB" },
    });

    it("tries another node when nobody listens at the first, and says that an answer is too large", async () => {
      const registry = memoryRegistry()();
      const service = createService({
        name: "large",
        registry,
        transport: natsTransport({ addresses: [server.address] }),
      });
      service.server.handleRaw("Large.Echo", async () => ({ ok: true }));
      service.server.handleRaw("Large.Answer", async () => ({ text: "x".repeat(2 << 20) }));
      await service.start();
      try {
        const { record } = service.server;
        const [node] = record.nodes;
        if (node === undefined) throw new Error("no node");
        await registry.register({ ...record, nodes: [{ ...node, id: "gone", address: "_INBOX.nobody" }] });
        for (let i = 0; i < 20; i++)
          expect(await service.client.request("large", "Large.Echo", {})).toEqual({ ok: true });
        const answer = service.client.request("large", "Large.Answer", {}, { node });
        await expect(answer).rejects.toThrow(/the answer cannot be sent/);
      } finally {
        await service.stop();
      }
    });
  });
}
