import { describe, expect, it } from "vitest";
import type { CommandContext } from "../../src/commands/command.ts";
import { publish } from "../../src/commands/publish.ts";
import { subscribe } from "../../src/commands/subscribe.ts";
import type { BrokerMessage } from "../../src/core/broker/broker.ts";
import { memoryBroker } from "../../src/core/broker/memory.ts";
import { contextFor } from "./context.ts";

/* Topics are no way to call what one may not call, nor to take what others wait for. */

async function publishing(topic: string, metadata: Readonly<Record<string, string>>, oneShot = false) {
  const sent: BrokerMessage[] = [];
  const broker = { publish: async (_topic: string, message: BrokerMessage) => void sent.push(message) };
  const context = contextFor({ broker: broker as unknown as CommandContext["broker"], oneShot });
  const error = await publish.run({ topic, message: "{}", metadata }, context).catch((thrown: unknown) => thrown);
  return { sent, error };
}

const READS_ONLY = { mayRun: ({ effect }: { readonly effect: string }) => effect === "read" };

describe("publish", () => {
  it("sends nothing that a transport over the same broker would take for a call", async () => {
    const names = [
      "Micro-Service",
      "micro-endpoint",
      "X-Micro-Endpoint",
      "MICRO-METHOD",
      "X-Micro-Target",
      ":topic",
      "Micro-Id",
    ];
    const metadata = Object.fromEntries([...names, "Micro-Topic", "Content-Type"].map((name) => [name, "evil"]));
    const { sent } = await publishing("greetings", { ...metadata, "X-Own": "mine" });
    expect(sent.map(({ header }) => header)).toEqual([
      {
        "x-own": "mine",
        "content-type": "application/json",
        "micro-topic": "greetings",
        "micro-id": expect.any(String),
      },
    ]);
    expect(JSON.stringify(sent)).not.toContain("evil");
  });

  it.each(["_INBOX.a1b2", "$KV.micro.pause", "$JS.API.STREAM.DELETE.x", "$share/q/t", ">", "#"])(
    "sends nothing in chat to what the broker keeps for itself: %s",
    async (topic) => {
      const { sent, error } = await publishing(topic, {});
      expect(sent).toEqual([]);
      expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining("nothing was done") });
      expect((await publishing(topic, {}, true)).sent).toHaveLength(1);
    },
  );
});

describe("subscribe", () => {
  const listening = async (topic: string, queue: string | undefined, init: Partial<CommandContext>) => {
    const broker = memoryBroker()();
    await broker.start();
    try {
      return await subscribe.run({ topic, for: "1ms", ...(queue && { queue }) }, contextFor({ broker, ...init }));
    } catch (error) {
      return error;
    } finally {
      await broker.stop();
    }
  };

  it("takes no messages from a queue's others for who may only read", async () => {
    expect(await listening("orders", "payments", READS_ONLY)).toMatchObject({ code: "permission_denied" });
    expect(await listening("orders", undefined, READS_ONLY)).toMatchObject({ count: 0 });
    expect(await listening("orders", "payments", {})).toMatchObject({ count: 0 });
    expect(await listening("orders", "payments", { ...READS_ONLY, oneShot: true })).toMatchObject({ count: 0 });
  });

  it.each(["_INBOX.>", "$KV.>", ">", "*", "#"])(
    "hears nothing in chat of what the broker keeps for itself: %s",
    async (topic) => {
      expect(await listening(topic, undefined, {})).toMatchObject({ code: "invalid_argument" });
    },
  );
});
