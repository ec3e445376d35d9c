import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe } from "vitest";
import { cached } from "../../../src/core/registry/cache.ts";
import { consulRegistry } from "../../../src/core/registry/consul.ts";
import { registryContract } from "../../contract/registry.contract.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../../fakes/consul-agent.ts";

describe.skipIf(!hasConsul)(`a real Consul agent${hasConsul ? "" : " (skipped: consul is not installed)"}`, () => {
  let agent: ConsulAgent;
  beforeAll(async () => {
    agent = await startConsul();
  });
  afterAll(() => agent.stop());

  registryContract("consul", {
    create: async () => consulRegistry({ addresses: [agent.address] })(),
    advance: (ms) => sleep(ms),
    settleMs: 2000,
  });

  registryContract("cached(consul)", {
    create: async () => cached(consulRegistry({ addresses: [agent.address] })()),
    advance: (ms) => sleep(ms),
    settleMs: 2000,
  });
});
