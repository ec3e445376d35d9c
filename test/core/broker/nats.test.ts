import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BrokerEvent } from "../../../src/core/broker/broker.ts";
import { natsBroker } from "../../../src/core/broker/nats.ts";
import { brokerContract, eventually, message, textOf } from "../../contract/broker.contract.ts";
import { hasNats, type NatsServer, startNats } from "../../fakes/nats-server.ts";
import { HOSTILE } from "./hostile.ts";

for (const binary of ["nats-server", "nats-server-next"] as const) {
  const there = hasNats(binary);

  describe.skipIf(!there)(there ? binary : `${binary} is not installed`, () => {
    let server: NatsServer;
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "micro-nats-"));
      await writeFile(join(folder, "nats.conf"), "max_payload: 8MB\n"); // an envelope is a third larger than its body
      server = await startNats(binary, ["-c", join(folder, "nats.conf")]);
    }, 60_000);
    afterAll(async () => {
      await server?.stop();
      await rm(folder, { recursive: true, force: true });
    });
    const create = async () => natsBroker({ addresses: [server.address] })();

    brokerContract("nats", {
      create,
      settleMs: 5000,
      without: { oddTopics: "every sign but blanks; tested below" },
      server: { kill: () => server.kill(), restart: () => server.restart() },
      hostile: {
        payloads: HOSTILE,
        send: async (topic, payload) => {
          const nats = await connect({ servers: server.address });
          nats.publish(topic, payload);
          await nats.close();
        },
      },
    });

    it("writes what Go writes, and reads what Go wrote", async () => {
      const broker = await create();
      await broker.start();
      const nats = await connect({ servers: server.address });
      const heard: string[] = [];
      const seen: BrokerEvent[] = [];
      nats.subscribe("events", { callback: (_, { data }) => void heard.push(Buffer.from(data).toString()) });
      await nats.flush();
      await broker.subscribe("events", (event) => void seen.push(event));
      // The worked example of wire.md §8.2.
      const example =
        '{"Header":{"Content-Type":"application/json","Micro-Id":"a2ff7397-b686-46d5-b66d-05f1b03f2640","Micro-Topic":"events"},"Body":"eyJuYW1lIjoiSm9obiJ9Cg=="}';
      await broker.publish(
        "events",
        message('{"name":"John"}\n', { "micro-id": "a2ff7397-b686-46d5-b66d-05f1b03f2640" }),
      );
      nats.publish("events", example);
      await eventually(5000, () => expect([heard.length, seen.length]).toEqual([2, 2]));
      expect(heard).toEqual([example, example]);
      for (const event of seen) {
        expect(textOf(event)).toBe('{"name":"John"}\n');
        expect({ ...event.header }).toEqual({
          "content-type": "application/json",
          "micro-id": "a2ff7397-b686-46d5-b66d-05f1b03f2640",
          "micro-topic": "events",
        });
      }
      await nats.close();
      await broker.stop();
    });

    it("subscribes to patterns, and does not publish to them", async () => {
      const broker = await create();
      await broker.start();
      const topics: string[] = [];
      await broker.subscribe("orders.*.eu", ({ topic }) => void topics.push(topic));
      await broker.publish("orders.made.eu", message("x"));
      await broker.publish("orders.made.us", message("x"));
      await broker.publish("orders.été/a&b.eu", message("x"));
      await eventually(5000, () => expect(topics).toEqual(["orders.made.eu", "orders.été/a&b.eu"]));
      for (const wrong of ["orders.*", "orders.>", "a b", ".a", "a..b", "a\r\nPUB b 0"]) {
        await expect(broker.publish(wrong, message("x"))).rejects.toMatchObject({ code: "invalid_argument" });
      }
      await broker.stop();
    });

    it("does not wait for ever for a server that is frozen", async () => {
      const broker = await create();
      await broker.start();
      server.freeze();
      try {
        // It may take a moment until all its threads stand still.
        await eventually(5000, () =>
          expect(broker.subscribe("a", () => {}, { timeoutMs: 300 })).rejects.toMatchObject({ code: "timeout" }),
        );
        const much = { header: {}, body: new Uint8Array(700_000) };
        const filling = async () => {
          for (let index = 0; index < 50; index++) await broker.publish("b", much, { timeoutMs: 300 });
        };
        await expect(filling()).rejects.toMatchObject({ code: "timeout" });
        await broker.stop();
      } finally {
        server.thaw();
      }
    });
  });
}

describe("nats broker", () => {
  it("says who is not there", async () => {
    const broker = natsBroker({ addresses: ["nats://user:secret@127.0.0.1:1"] })();
    expect(broker.where).toBe("nats at 127.0.0.1:1");
    const failure = await broker.start().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "unavailable" });
    expect(String(failure)).not.toContain("secret");
  });
});
