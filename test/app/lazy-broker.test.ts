import { describe, expect, it } from "vitest";
import { lazyBroker } from "../../src/app/parts.ts";
import { memoryBroker } from "../../src/core/broker/memory.ts";
import { MicroError } from "../../src/core/errors.ts";

const message = { header: {}, body: new Uint8Array() };

describe("a broker that is made when it is wanted", () => {
  it("is made and started once, and stopped if it was made", async () => {
    const real = memoryBroker()();
    const did: string[] = [];
    const broker = lazyBroker("memory", async () => ({
      ...real,
      start: async () => {
        did.push("start");
        await real.start();
      },
      stop: async () => {
        did.push("stop");
        await real.stop();
      },
    }));
    await broker.start();
    expect([did, broker.where]).toEqual([[], "memory"]);
    await Promise.all([broker.publish("t", message), broker.subscribe("t", () => {}), broker.publish("t", message)]);
    expect([did, broker.where]).toEqual([["start"], "this process's memory"]);
    await broker.stop();
    expect(did).toEqual(["start", "stop"]);
    await lazyBroker("memory", () => Promise.reject(new Error("never"))).stop();
  });

  it("is tried again when it could not be started, and who gives up waits no longer", async () => {
    const real = memoryBroker()();
    let tries = 0;
    const broker = lazyBroker("memory", async () => {
      tries++;
      if (tries === 1) throw new MicroError("unavailable", "nobody there");
      return real;
    });
    await expect(broker.publish("t", message)).rejects.toMatchObject({ code: "unavailable" });
    await broker.publish("t", message);
    expect(tries).toBe(2);
    const never = lazyBroker("memory", () => new Promise(() => {}));
    await expect(never.publish("t", message, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "cancelled",
    });
  });
});
