import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { consulKv } from "../../../src/platform/kv/consul.ts";
import { kvContract } from "../../contract/kv.contract.ts";
import { kvFaults } from "../../contract/kv-faults.contract.ts";
import { type ConsulAgent, hasConsul, startConsul } from "../../fakes/consul-agent.ts";

describe.skipIf(!hasConsul)(`a real Consul agent${hasConsul ? "" : " (skipped: consul is not installed)"}`, () => {
  let agent: ConsulAgent;
  beforeAll(async () => {
    agent = await startConsul();
  }, 60_000);
  afterAll(() => agent?.stop());

  kvContract("consul", { create: () => consulKv({ addresses: [agent.address] }), settleMs: 5000 });

  let faulty: ConsulAgent;
  kvFaults("consul", {
    start: async () => {
      faulty = await startConsul({ keep: true });
      return faulty;
    },
    create: (clock) => consulKv({ addresses: [faulty.address], ...(clock && { clock }) }),
    nowhere: (token) => consulKv({ addresses: ["127.0.0.1:1"], token }),
  });

  it("gives a new revision to a value that is what was there", async () => {
    const kv = consulKv({ addresses: [agent.address] });
    await kv.start();
    const first = await kv.put("same.a", "1");
    const second = await kv.put("same.a", "1");
    expect(second).toBeGreaterThan(first);
    expect(await kv.update("same.a", "1", first)).toBeUndefined();
    expect(await kv.update("same.a", "1", second)).toBeGreaterThan(second);
    await kv.stop();
  });
});
