import { describe, expect, it } from "vitest";
import { deregisterService, registerService } from "../../src/commands/register-service.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { ServiceRecord } from "../../src/core/registry/registry.ts";
import { contextFor } from "./context.ts";

/* Consul knows nodes by their ids alone, so what one may do to one service is not to reach another. */

const record = (name: string, id: string): ServiceRecord => ({
  name,
  version: "1",
  metadata: {},
  endpoints: [],
  nodes: [{ id, address: "10.0.0.1:1", metadata: {} }],
});

async function say(
  command: typeof registerService | typeof deregisterService,
  service: ServiceRecord,
  oneShot = false,
) {
  const registry = memoryRegistry({ services: [record("payments", "payments-1"), record("foo", "foo-1")] })();
  await registry.start();
  const did: string[] = [];
  const watched = {
    ...registry,
    outlives: true as const,
    register: async () => void did.push("register"),
    deregister: async () => void did.push("deregister"),
  };
  const definition = JSON.stringify(service);
  const error = await command.run({ definition }, contextFor({ registry: watched, oneShot })).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  await registry.stop();
  return { did, error };
}

describe("register service", () => {
  it("takes no id that is a node's of another service", async () => {
    expect(await say(registerService, record("foo", "payments-1"))).toMatchObject({
      did: [],
      error: {
        code: "conflict",
        message: "nothing was done: payments-1 is a node of payments; give this one another id",
      },
    });
    expect(await say(registerService, record("foo", "foo-1"))).toEqual({ did: ["register"], error: undefined });
    expect(await say(registerService, record("new", "new-1"))).toEqual({ did: ["register"], error: undefined });
  });
});

describe("deregister service", () => {
  it("takes out no node that is not the service's", async () => {
    expect(await say(deregisterService, record("foo", "payments-1"))).toMatchObject({
      did: [],
      error: { code: "not_found", message: expect.stringContaining("foo has no node payments-1") },
    });
    expect(await say(deregisterService, record("foo", "foo-1"))).toEqual({ did: ["deregister"], error: undefined });
  });

  it("takes out on the command line whatever it is told to", async () => {
    expect(await say(deregisterService, record("foo", "payments-1"), true)).toMatchObject({ did: ["deregister"] });
  });
});
