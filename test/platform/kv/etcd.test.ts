import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { etcdKv } from "../../../src/platform/kv/etcd.ts";
import { kvContract } from "../../contract/kv.contract.ts";
import { kvFaults } from "../../contract/kv-faults.contract.ts";
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

    let faulty: EtcdServer;
    kvFaults(binary, {
      start: async () => {
        faulty = await startEtcd(binary);
        return faulty;
      },
      create: (clock) => etcdKv({ addresses: [faulty.address], ...(clock && { clock }) }),
      nowhere: (password) => etcdKv({ addresses: ["127.0.0.1:1"], username: "bot", password }),
    });

    it("keeps its keys below a root of their own, and goes to the next server", async () => {
      const kv = etcdKv({ addresses: ["127.0.0.1:1", server.address], root: "/elsewhere/" });
      await kv.start();
      await kv.put("rooted.a", "1");
      const key = Buffer.from("/elsewhere/rooted.a").toString("base64");
      expect(await server.post("/v3/kv/range", { key })).toMatchObject({ count: "1" });
      expect(await kv.list("rooted.")).toHaveLength(1);
      await kv.stop();
    });

    it("does not say with which password it was turned away", async () => {
      const guarded = await startEtcd(binary);
      await guarded.post("/v3/auth/user/add", { name: "root", password: "right" });
      await guarded.post("/v3/auth/role/add", { name: "root" });
      await guarded.post("/v3/auth/user/grant", { user: "root", role: "root" });
      await guarded.post("/v3/auth/enable", {});
      const wrong = etcdKv({ addresses: [guarded.address], username: "root", password: "wr0ng-word" });
      const failure = await wrong.start().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "unavailable", message: expect.stringContaining("password") });
      expect(`${failure}`).not.toContain("wr0ng-word");
      const right = etcdKv({ addresses: [guarded.address], username: "root", password: "right" });
      await right.start();
      expect(await right.create("let.in", "1")).toBeGreaterThan(0);
      await right.stop();
      await guarded.stop();
    }, 60_000);
  });
});
