import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { natsLink } from "../../../src/core/transport/nats-link.ts";
import { natsKv } from "../../../src/platform/kv/nats.ts";
import { sweepDeletions } from "../../../src/platform/kv/nats-sweep.ts";
import { kvContract } from "../../contract/kv.contract.ts";
import { kvFaults } from "../../contract/kv-faults.contract.ts";
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

    let faulty: NatsServer;
    kvFaults(binary, {
      start: async () => {
        faulty = await startNats(binary);
        return faulty;
      },
      create: (clock) => natsKv({ addresses: [faulty.address], ...(clock && { clock }) }),
      nowhere: (password) => natsKv({ addresses: [`nats://bot:${password}@127.0.0.1:1`] }),
    });

    it("throws away the marks of old deletions, and nothing else", async () => {
      const kv = natsKv({ addresses: [server.address], bucket: "swept" });
      await kv.start();
      for (let n = 0; n < 20; n++) await kv.put(`gone.${n}`, "1");
      for (let n = 0; n < 20; n++) expect(await kv.delete(`gone.${n}`)).toBe(true);
      const back = await kv.create("gone.0", "back");
      const kept = await kv.put("kept", "1");
      // None of them has written so much that it looks for old marks by itself.
      for (let other = 0; other < 3; other++) {
        const busy = natsKv({ addresses: [server.address], bucket: "swept" });
        await busy.start();
        for (let n = 0; n < 34; n++) await Promise.all(Array.from({ length: 100 }, () => busy.put("busy", "1")));
        await busy.stop();
      }
      expect(await kv.put("late", "1")).toBeGreaterThan(10_000);
      await kv.delete("late");
      const session = await natsLink({ addresses: [server.address] }).join();
      const marks = async () => {
        const { jetstreamManager } = await import("@nats-io/jetstream");
        const { state } = await (await jetstreamManager(session.connection)).streams.info("KV_swept");
        return state.messages;
      };
      // 19 marks, what is back, kept, busy, and the late mark.
      expect(await marks()).toBe(23);
      await sweepDeletions(session.connection, "swept", new AbortController().signal);
      expect(await marks()).toBe(4);
      await session.leave();
      expect(await kv.get("gone.0")).toEqual({ key: "gone.0", value: "back", revision: back });
      expect((await kv.get("kept"))?.revision).toBe(kept);
      expect(await kv.create("gone.1", "1")).toBeGreaterThan(10_000);
      await kv.stop();
    }, 90_000);

    it("says why a bucket cannot be made", async () => {
      const kv = natsKv({ addresses: [server.address], bucket: "three", replicas: 3 });
      await expect(kv.start()).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining('"three"'),
      });
      await kv.stop();
    });
  });
});
