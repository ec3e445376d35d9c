import { describe, expect, it } from "vitest";
import type { CommandContext } from "../../src/commands/command.ts";
import { stream } from "../../src/commands/stream.ts";
import { systemClock } from "../../src/core/clock.ts";
import { MicroError } from "../../src/core/errors.ts";
import { closable } from "../../src/core/lifecycle.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";

describe("stream", () => {
  it("says that the request did not get through, if nothing else is heard", async () => {
    const registry = memoryRegistry()();
    await registry.start();
    const opened = {
      node: { id: "n", address: "n", metadata: {} },
      send: () => Promise.reject(new MicroError("unavailable", "the link broke")),
      async *[Symbol.asyncIterator]() {},
      ...closable(() => {}),
    };
    const context = {
      registry,
      client: { stream: async () => opened },
      clock: systemClock,
      signal: new AbortController().signal,
      oneShot: true,
    } as unknown as CommandContext;
    const asked = stream.run({ service: "svc", endpoint: "A.B", request: "{}" }, context);
    await expect(asked).rejects.toMatchObject({
      code: "unavailable",
      details: { reference: expect.stringMatching(/^error sending to svc\.A\.B: .*the link broke/) },
    });
    await registry.stop();
  });
});
