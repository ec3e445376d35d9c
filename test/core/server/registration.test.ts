import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Broker } from "../../../src/core/broker/broker.ts";
import { MicroError } from "../../../src/core/errors.ts";
import { closable } from "../../../src/core/lifecycle.ts";
import { silent } from "../../../src/core/log.ts";
import type { Registry } from "../../../src/core/registry/registry.ts";
import { advertised } from "../../../src/core/server/address.ts";
import { describeEndpoint } from "../../../src/core/server/describe.ts";
import type { Door } from "../../../src/core/server/door.ts";
import { startHeartbeat } from "../../../src/core/server/heartbeat.ts";
import { rpcServer } from "../../../src/core/server/rpc.ts";
import { memoryTransport } from "../../../src/core/transport/memory.ts";
import { manualClock } from "../../fakes/clock.ts";

describe("the advertised address (wire.md §1.4)", () => {
  const of = (...addresses: string[]) =>
    ({
      eth0: addresses.map((address) => ({ address, internal: address.startsWith("127.") || address === "::1" })),
    }) as never;
  it.each([
    ["10.1.2.3:80", of("192.168.1.5"), "10.1.2.3:80"],
    ["0.0.0.0:80", of("127.0.0.1", "8.8.8.8", "192.168.1.5", "10.0.0.1"), "192.168.1.5:80"],
    ["[::]:80", of("127.0.0.1", "172.17.0.1"), "172.17.0.1:80"],
    [":80", of("172.32.0.1", "100.64.0.1"), "100.64.0.1:80"],
    [":80", of("8.8.8.8", "9.9.9.9"), "9.9.9.9:80"],
    [":80", of("8.8.8.8", "127.0.0.1"), "8.8.8.8:80"],
    ["[::]:80", of("fe80::1", "fd00::2"), "[fd00::2]:80"],
    [":80", of("127.0.0.1"), "127.0.0.1:80"],
    [":80", {} as never, "127.0.0.1:80"],
    ["queue.subject", of("10.0.0.1"), "queue.subject"],
  ])("%s becomes %s", (listening, interfaces, expected) => {
    expect(advertised(listening, interfaces)).toBe(expected);
  });
});

describe("what an endpoint says of itself (wire.md §1.5)", () => {
  it("names messages, fields to two levels, lists and maps", () => {
    const endpoint = {
      service: "s",
      name: "Greeter.Hello",
      input: z
        .object({
          name: z.string(),
          user_id: z.number().int(),
          score: z.number().optional(),
          tags: z.array(z.string()),
          labels: z.record(z.string(), z.string()),
          location: z.object({ lat: z.number(), deep: z.object({ deeper: z.object({ lost: z.boolean() }) }) }),
        })
        .meta({ title: "HelloRequest" }),
      output: z.object({ ok: z.boolean() }),
    };
    const leaf = (name: string, type: string) => ({ name, type, values: [] });
    expect(describeEndpoint(endpoint)).toEqual({
      name: "Greeter.Hello",
      metadata: {},
      request: {
        name: "HelloRequest",
        type: "HelloRequest",
        values: [
          leaf("name", "string"),
          leaf("user_id", "int64"),
          leaf("score", "float64"),
          leaf("tags", "[]string"),
          leaf("labels", ""),
          { name: "location", type: "Location", values: [leaf("lat", "float64"), leaf("deep", "Deep")] },
        ],
      },
      response: { name: "HelloResponse", type: "HelloResponse", values: [leaf("ok", "bool")] },
    });
  });
});

describe("the heartbeat", () => {
  const record = {
    name: "svc",
    version: "1",
    metadata: {},
    endpoints: [],
    nodes: [{ id: "svc-1", address: "127.0.0.1:1", metadata: {} }],
  };
  function registryThat(register: () => Promise<void>) {
    const calls: string[] = [];
    const registry = {
      kind: "fake",
      where: "fake",
      register: async () => {
        calls.push("register");
        await register();
      },
      deregister: async () => void calls.push("deregister"),
    } as unknown as Registry;
    return { registry, calls };
  }

  it("registers again within each interval, and takes itself out at the end", async () => {
    const clock = manualClock();
    const { registry, calls } = registryThat(async () => {});
    const beat = await startHeartbeat({ registry, record, clock, log: silent, ttlMs: 60_000, intervalMs: 30_000 });
    expect(calls).toEqual(["register"]);
    await clock.advance(30_000);
    await clock.advance(30_000);
    expect(calls).toEqual(["register", "register", "register"]);
    await beat.close();
    expect(calls.at(-1)).toBe("deregister");
    await clock.advance(120_000);
    expect(calls).toHaveLength(4);
  });

  it("goes on trying while the registry is away, even if it registers only once", async () => {
    const clock = manualClock();
    let away = true;
    const { registry, calls } = registryThat(async () => {
      if (away) throw new MicroError("unavailable", "away");
    });
    const beat = await startHeartbeat({ registry, record, clock, log: silent, ttlMs: 0, intervalMs: 0 });
    await clock.advance(500);
    await clock.advance(1000);
    expect(calls).toHaveLength(3);
    away = false;
    await clock.advance(2000);
    expect(calls).toHaveLength(4);
    await clock.advance(600_000);
    expect(calls).toHaveLength(4);
    await beat.close();
  });
});

describe("a server", () => {
  const silentRegistry = () => {
    const seen = { registered: 0, deregistered: 0 };
    const registry = {
      kind: "silent",
      where: "nowhere",
      start: async () => {},
      stop: async () => {},
      register: (_record: unknown, { signal }: { signal?: AbortSignal } = {}) =>
        new Promise<void>((_resolve, reject) => {
          seen.registered++;
          signal?.addEventListener("abort", () => reject(new MicroError("cancelled", "cancelled")));
        }),
      deregister: async () => {
        seen.deregistered++;
      },
    } as unknown as Registry;
    return { registry, seen };
  };

  it("that is stopped while it registers leaves no heartbeat, and does not wait for it", async () => {
    const { registry, seen } = silentRegistry();
    const server = rpcServer({ name: "s", registerIntervalMs: 10 })({ transport: memoryTransport(), registry });
    const starting = server.start();
    await expect.poll(() => seen.registered).toBe(1);
    await server.stop();
    await starting;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen).toEqual({ registered: 1, deregistered: 1 });
  });

  it("that could not start has closed its door, and can be started again", async () => {
    const { registry } = silentRegistry();
    let broken = true;
    const broker = {
      kind: "fake",
      where: "fake",
      start: async () => {},
      stop: async () => {},
      publish: async () => {},
      subscribe: async () => {
        if (broken) throw new MicroError("unavailable", "the broker is away");
        return { close: async () => {} };
      },
    } as unknown as Broker;
    const doors: string[] = [];
    const door: Door = {
      metadata: {},
      listen: async () => {
        doors.push("open");
        return { address: "127.0.0.1:1", ...closable(() => void doors.push("closed")) };
      },
    };
    const server = rpcServer({ name: "s" })({ transport: memoryTransport(), door, registry, broker });
    server.subscribe("topic", () => {});
    await expect(server.start()).rejects.toThrow("the broker is away");
    expect(doors).toEqual(["open", "closed"]);
    expect(server.address).toBe("");
    broken = false;
    const starting = server.start();
    await expect.poll(() => server.address).toBe("127.0.0.1:1");
    await server.stop();
    await starting;
    expect(doors).toEqual(["open", "closed", "open", "closed"]);
  });

  it("never registers an address that means every interface", async () => {
    const { registry } = silentRegistry();
    const server = rpcServer({ name: "s", advertise: "0.0.0.0:8080" })({ transport: memoryTransport(), registry });
    const starting = server.start();
    await expect.poll(() => server.address).not.toBe("");
    expect(server.record.nodes[0]?.address).toMatch(/:8080$/);
    expect(server.record.nodes[0]?.address).not.toContain("0.0.0.0");
    await server.stop();
    await starting;
  });
});
