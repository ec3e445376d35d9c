import { describe, expect, it } from "vitest";
import type { CommandContext } from "../../src/commands/command.ts";
import { stream } from "../../src/commands/stream.ts";
import { systemClock } from "../../src/core/clock.ts";
import { MicroError } from "../../src/core/errors.ts";
import { closable } from "../../src/core/lifecycle.ts";
import { memoryRegistry } from "../../src/core/registry/memory.ts";
import type { ServiceRecord } from "../../src/core/registry/registry.ts";
import type { Filter } from "../../src/core/selector/selector.ts";

const record = (version: string, address: string, endpoints: Readonly<Record<string, string>>): ServiceRecord => ({
  name: "svc",
  version,
  metadata: {},
  endpoints: Object.entries(endpoints).map(([name, stream]) => ({ name, metadata: stream ? { stream } : {} })),
  nodes: [{ id: `svc-${version}`, address, metadata: {} }],
});
const SERVICES = [
  record("1", "10.0.0.1:1", { "A.B": "true", "A.Purge": "false", "A.Old": "", "A.Turned": "false" }),
  record("2", "10.0.0.2:1", { "A.B": "true", "A.Turned": "true" }),
];

interface AskInit {
  readonly send?: () => Promise<void>;
  readonly oneShot?: boolean;
}

async function ask(input: Readonly<Record<string, unknown>>, init: AskInit = {}) {
  const registry = memoryRegistry({ services: SERVICES })();
  await registry.start();
  const { send = async () => {}, oneShot = true } = init;
  const said = { opened: 0, sent: 0, versions: [] as readonly string[] };
  const open = async (_service: string, _endpoint: string, { filters }: { readonly filters: readonly Filter[] }) => {
    said.opened++;
    said.versions = filters.reduce((found, filter) => [...filter(found)], [...SERVICES]).map(({ version }) => version);
    return {
      node: { id: "n", address: "n", metadata: {} },
      send: () => {
        said.sent++;
        return send();
      },
      async *[Symbol.asyncIterator]() {},
      ...closable(() => {}),
    };
  };
  const context = {
    registry,
    client: { stream: open },
    clock: systemClock,
    signal: new AbortController().signal,
    oneShot,
  } as unknown as CommandContext;
  try {
    await stream.run({ service: "svc", endpoint: "A.B", request: "{}", ...input }, context);
    return { ...said, error: undefined };
  } catch (error) {
    return { ...said, error };
  } finally {
    await registry.stop();
  }
}

describe("stream", () => {
  it("says that the request did not get through, if nothing else is heard", async () => {
    const { error } = await ask({}, { send: () => Promise.reject(new MicroError("unavailable", "the link broke")) });
    expect(error).toMatchObject({
      code: "unavailable",
      details: { reference: expect.stringMatching(/^error sending to svc\.A\.B: .*the link broke/) },
    });
  });

  it.each([
    ["of single calls", { endpoint: "A.Purge" }, "`call svc A.Purge` asks it"],
    [
      "at an address",
      { endpoint: "A.Purge", address: "10.0.0.1:1" },
      "`call svc A.Purge --address 10.0.0.1:1` asks it",
    ],
    ["at an address of nobody", { endpoint: "A.Purge", address: "10.9.9.9:1" }, "asks it"],
    ["that says nothing of itself", { endpoint: "A.Old" }, "`call svc A.Old` asks it"],
    ["in other letters", { endpoint: "a.purge" }, "has not registered a.purge as a stream"],
    ["by its path", { endpoint: "/svc.A/Purge" }, "has not registered /svc.A/Purge as a stream"],
    ["of another node", { endpoint: "A.Turned", address: "10.0.0.1:1" }, "is no stream"],
    ["of some version at an address of nobody", { endpoint: "A.Turned", address: "10.9.9.9:1" }, "is no stream"],
    ["of another version", { endpoint: "A.Turned", version: "1" }, "is no stream"],
  ])("reaches no handler %s", async (_which, input, why) => {
    const { opened, sent, error } = await ask(input);
    expect([opened, sent]).toEqual([0, 0]);
    expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining(why) });
  });

  it("reaches no service that the registry does not know, at whatever address", async () => {
    const { opened, error } = await ask({ service: "other", address: "10.0.0.1:1" });
    expect(opened).toBe(0);
    expect(error).toMatchObject({ code: "not_found" });
  });

  it("reaches in chat no address that is no node's of the service: what is there may take it for two calls", async () => {
    const foreign = await ask({ address: "10.9.9.9:1" }, { oneShot: false });
    expect(foreign).toMatchObject({ opened: 0, sent: 0, error: { code: "invalid_argument" } });
    expect(foreign.error).toMatchObject({
      message: expect.stringContaining("no node of svc is registered at 10.9.9.9:1"),
    });
    expect(await ask({ address: "10.0.0.2:1" }, { oneShot: false })).toMatchObject({ opened: 1, sent: 1 });
  });

  it.each([
    [{}, ["1", "2"]],
    [{ version: "1" }, ["1"]],
    [{ endpoint: "A.Turned" }, ["2"]],
    [{ endpoint: "A.Turned", address: "10.0.0.2:1" }, ["2"]],
    [{ address: "10.9.9.9:1" }, ["1", "2"]],
  ])("is opened at versions that register it as a stream: %o", async (input, versions) => {
    expect(await ask(input)).toEqual({ opened: 1, sent: 1, versions, error: undefined });
  });
});
