import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BrokerEvent } from "../../../src/core/broker/broker.ts";
import { redisBroker } from "../../../src/core/broker/redis.ts";
import { brokerContract, eventually, message, textOf } from "../../contract/broker.contract.ts";
import { hasRedis, type RedisServer, startRedis } from "../../fakes/redis-server.ts";
import { HOSTILE } from "./hostile.ts";

describe.skipIf(!hasRedis)(hasRedis ? "redis broker" : "redis is not installed", () => {
  let server: RedisServer;
  let foreign: Redis;
  beforeAll(async () => {
    server = await startRedis();
    foreign = new Redis(`redis://${server.address}`);
    foreign.on("error", () => {});
  }, 60_000);
  afterAll(async () => {
    foreign?.disconnect();
    await server?.stop();
  });
  const create = async () => redisBroker({ addresses: [server.address] })();

  brokerContract("redis", {
    create,
    settleMs: 5000,
    without: { queues: "PUBLISH reaches everybody" },
    server: {
      kill: () => server.kill(),
      restart: async () => {
        await server.restart();
        await eventually(20_000, () => expect(foreign.status).toBe("ready"));
      },
    },
    hostile: {
      payloads: HOSTILE,
      send: async (topic, payload) => void (await foreign.publish(topic, Buffer.from(payload as string))),
    },
  });

  it("writes what Go writes, and reads what Go wrote", async () => {
    const broker = await create();
    await broker.start();
    const listener = foreign.duplicate();
    const heard: string[] = [];
    listener.on("message", (_channel, text) => heard.push(text));
    await listener.subscribe("events");
    const seen: BrokerEvent[] = [];
    await broker.subscribe("events", (event) => void seen.push(event));
    const example =
      '{"Header":{"Content-Type":"application/json","Micro-Topic":"events"},"Body":"eyJuYW1lIjoiSm9obiJ9Cg=="}';
    await broker.publish("events", message('{"name":"John"}\n'));
    await foreign.publish("events", example);
    await eventually(5000, () => expect(seen.length).toBe(2));
    expect(heard).toEqual([example, example]);
    expect(seen.map(textOf)).toEqual(['{"name":"John"}\n', '{"name":"John"}\n']);
    listener.disconnect();
    await broker.stop();
  });

  it("does not wait for ever for a server that is frozen", async () => {
    const broker = await create();
    await broker.start();
    server.freeze();
    try {
      await eventually(5000, () =>
        expect(broker.publish("a", message("x"), { timeoutMs: 300 })).rejects.toMatchObject({ code: "timeout" }),
      );
      await broker.stop();
      await expect((await create()).start({ timeoutMs: 300 })).rejects.toMatchObject({ code: "timeout" });
    } finally {
      server.thaw();
    }
  });
});

describe("redis broker", () => {
  it("says who is not there, and no secret", async () => {
    const broker = redisBroker({ addresses: ["redis://user:secret@127.0.0.1:1"] })();
    expect(broker.where).toBe("redis at 127.0.0.1:1");
    const failure = await broker.start().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "unavailable" });
    expect(String(failure)).not.toContain("secret");
  });
});
