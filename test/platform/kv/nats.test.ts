import { afterAll, beforeAll, describe } from "vitest";
import { natsKv } from "../../../src/platform/kv/nats.ts";
import { kvContract } from "../../contract/kv.contract.ts";
import { hasNats, type NatsServer, startNats } from "../../fakes/nats-server.ts";

describe.each(["nats-server", "nats-server-next"] as const)("%s", (binary) => {
  const has = hasNats(binary);
  describe.skipIf(!has)(`a real server${has ? "" : ` (skipped: ${binary} is not installed)`}`, () => {
    let server: NatsServer;
    beforeAll(async () => {
      server = await startNats(binary);
    }, 60_000);
    afterAll(() => server?.stop());

    kvContract(binary, { create: () => natsKv({ addresses: [server.address] }), settleMs: 5000 });
  });
});
