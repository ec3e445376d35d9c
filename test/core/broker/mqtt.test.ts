import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BrokerEvent } from "../../../src/core/broker/broker.ts";
import { mqttBroker } from "../../../src/core/broker/mqtt.ts";
import { brokerContract, eventually, message, textOf } from "../../contract/broker.contract.ts";
import { hasMosquitto, type MosquittoServer, startMosquitto } from "../../fakes/mosquitto-server.ts";
import { HOSTILE } from "./hostile.ts";

describe.skipIf(!hasMosquitto)(hasMosquitto ? "mqtt broker" : "mosquitto is not installed", () => {
  let server: MosquittoServer;
  let foreign: MqttClient;
  beforeAll(async () => {
    server = await startMosquitto();
    foreign = await connectAsync(`mqtt://${server.address}`);
    foreign.on("error", () => {});
  }, 60_000);
  afterAll(async () => {
    await foreign?.endAsync(true);
    await server?.stop();
  });
  const create = async () => mqttBroker({ addresses: [server.address] })();

  brokerContract("mqtt", {
    create,
    settleMs: 5000,
    without: { queues: "MQTT 3.1.1 brings everything to everybody" },
    server: {
      kill: () => server.kill(),
      restart: async () => {
        await server.restart();
        await eventually(20_000, () => expect(foreign.connected).toBe(true));
      },
    },
    hostile: {
      payloads: HOSTILE,
      send: async (topic, payload) =>
        void (await foreign.publishAsync(topic, Buffer.from(payload as string), { qos: 1 })),
    },
  });

  it("writes what Go writes with QoS 1 and not retained, and reads what Go wrote", async () => {
    const broker = await create();
    await broker.start();
    const heard: unknown[] = [];
    foreign.on("message", (_topic, payload, { qos, retain }) => heard.push({ text: payload.toString(), qos, retain }));
    await foreign.subscribeAsync("events", { qos: 1 });
    const seen: BrokerEvent[] = [];
    await broker.subscribe("events", (event) => void seen.push(event));
    const text =
      '{"Header":{"Content-Type":"application/json","Micro-Topic":"events"},"Body":"eyJuYW1lIjoiSm9obiJ9Cg=="}';
    await broker.publish("events", message('{"name":"John"}\n'));
    await foreign.publishAsync("events", text, { qos: 1 });
    await eventually(5000, () => expect([seen.length, heard.length]).toEqual([2, 2]));
    expect(heard).toEqual([
      { text, qos: 1, retain: false },
      { text, qos: 1, retain: false },
    ]);
    expect(seen.map(textOf)).toEqual(['{"name":"John"}\n', '{"name":"John"}\n']);
    await broker.stop();
  });

  it("refuses patterns", async () => {
    const broker = await create();
    await broker.start();
    await expect(broker.publish("a/+", message("x"))).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(broker.subscribe("a/#", () => {})).rejects.toMatchObject({ code: "invalid_argument" });
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
      await expect((await create()).start({ timeoutMs: 300 })).rejects.toMatchObject({ code: "timeout" });
      await broker.subscribe("b", () => {}, { timeoutMs: 300 }).catch(() => {});
      await broker.stop();
    } finally {
      server.thaw();
    }
  });
});

describe("mqtt broker", () => {
  it("says who is not there, and no secret", async () => {
    const broker = mqttBroker({ addresses: ["mqtt://user:secret@127.0.0.1:1"] })();
    expect(broker.where).toBe("mqtt at 127.0.0.1:1");
    const failure = await broker.start().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "unavailable" });
    expect(String(failure)).not.toContain("secret");
  });
});
