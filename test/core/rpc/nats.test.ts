import { afterAll, beforeAll, describe } from "vitest";
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
  });
}
