import { afterAll, beforeAll, describe } from "vitest";
import { etcdKv } from "../../../src/platform/kv/etcd.ts";
import { kvContract } from "../../contract/kv.contract.ts";
import { type EtcdServer, hasEtcd, startEtcd } from "../../fakes/etcd-server.ts";

describe.each(["etcd", "etcd-next"] as const)("%s", (binary) => {
  const has = hasEtcd(binary);
  describe.skipIf(!has)(`a real server${has ? "" : ` (skipped: ${binary} is not installed)`}`, () => {
    let server: EtcdServer;
    beforeAll(async () => {
      server = await startEtcd(binary);
    }, 60_000);
    afterAll(() => server?.stop());

    kvContract(binary, { create: () => etcdKv({ addresses: [server.address] }), settleMs: 5000 });
  });
});
