import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import type { ServiceRecord } from "../core/registry/registry.ts";
import { readService } from "../core/wire/record.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { readObject } from "./json.ts";

const definition = z
  .string({ error: "require service definition" })
  .describe('the record as JSON: {"name":"foo","version":"1","nodes":[{"id":"foo-1","address":"10.0.0.5:9090"}]}');

/** @throws MicroError `invalid_argument` for what is no record */
function recordIn(text: string): ServiceRecord {
  return readService(JSON.parse(readObject(text)));
}

export const registerService = defineCommand({
  name: "register service",
  summary: "Register a service",
  input: z.object({ definition }),
  words: ["definition"],
  rest: "definition",
  permission: "registry:write",
  effect: "write",
  target: ({ definition }) => recordIn(definition).name,
  examples: ['register service {"name":"foo","version":"1","nodes":[{"id":"foo-1","address":"10.0.0.5:9090"}]}'],
  run: async (input, { registry, signal, oneShot }) => {
    const service = recordIn(input.definition);
    if (!oneShot) await checkFree(service, { registry, signal });
    if (oneShot && !registry.outlives) {
      throw new MicroError(
        "unimplemented",
        `${registry.where} keeps a registration only while the process that made it runs, and this one ends now; register from the bot, or use --registry=consul`,
      );
    }
    await registry.register(service, { signal });
    return { registered: service };
  },
  view: () => ({ kind: "text", text: "ok" }),
});

export const deregisterService = defineCommand({
  name: "deregister service",
  summary: "Take a service's nodes out of the registry",
  input: z.object({ definition }),
  words: ["definition"],
  rest: "definition",
  permission: "registry:write",
  effect: "write",
  target: ({ definition }) => recordIn(definition).name,
  touches: async ({ definition }, { registry, signal }) => {
    const { name, version, nodes } = recordIn(definition);
    const ids = new Set(nodes.map(({ id }) => id));
    const found = await registry.get(name, { signal }).catch((error: unknown) => {
      if (MicroError.from(error).code === "not_found") return [];
      throw error;
    });
    const there = found.filter((one) => one.version === version);
    return there.map((one) => ({ name, version, nodes: one.nodes.map(({ id }) => id).filter((id) => ids.has(id)) }));
  },
  takesAnyName: true,
  examples: ['deregister service {"name":"foo","version":"1","nodes":[{"id":"foo-1","address":"10.0.0.5:9090"}]}'],
  run: async (input, { registry, signal, oneShot }) => {
    const service = recordIn(input.definition);
    if (!oneShot) await checkOwn(service, { registry, signal });
    await registry.deregister(service, { signal });
    return { deregistered: service };
  },
  view: () => ({ kind: "text", text: "ok" }),
});

/* Some registries (Consul) know nodes by their ids alone: who may act on one service is not to reach another by an id of its. */

type Looking = Pick<CommandContext, "registry" | "signal">;

/** @throws MicroError `conflict`: a node of another service has one of those ids */
async function checkFree({ name, nodes }: ServiceRecord, looking: Looking): Promise<void> {
  const ids = new Set(nodes.map(({ id }) => id));
  for (const other of await looking.registry.list({ signal: looking.signal })) {
    if (other === name) continue;
    const taken = (await nodesOf(other, looking)).find((id) => ids.has(id));
    if (taken === undefined) continue;
    throw new MicroError("conflict", `nothing was done: ${taken} is a node of ${other}; give this one another id`);
  }
}

/** @throws MicroError `not_found`: one of those nodes is none of the service's */
async function checkOwn({ name, nodes }: ServiceRecord, looking: Looking): Promise<void> {
  const own = new Set(await nodesOf(name, looking));
  const foreign = nodes.find(({ id }) => !own.has(id));
  if (foreign === undefined) return;
  const words = `nothing was done: ${name} has no node ${foreign.id}; \`get service ${name}\` shows those that it has`;
  throw new MicroError("not_found", words);
}

async function nodesOf(name: string, { registry, signal }: Looking): Promise<readonly string[]> {
  try {
    return (await registry.get(name, { signal })).flatMap((one) => one.nodes.map(({ id }) => id));
  } catch (error) {
    if (MicroError.from(error).code === "not_found") return [];
    throw error;
  }
}
