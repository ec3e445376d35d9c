import { afterAll, beforeAll, describe } from "vitest";
import { consulKv } from "../../../src/platform/kv/consul.ts";
import { kvContract } from "../../contract/kv.contract.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../../fakes/consul-agent.ts";

describe.skipIf(!hasConsul)(`a real Consul agent${hasConsul ? "" : " (skipped: consul is not installed)"}`, () => {
  let agent: ConsulAgent;
  beforeAll(async () => {
    agent = await startConsul();
  }, 60_000);
  afterAll(() => agent?.stop());

  kvContract("consul", { create: () => consulKv({ addresses: [agent.address] }), settleMs: 5000 });
});
