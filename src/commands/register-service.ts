import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import { readService } from "../core/wire/record.ts";
import { defineCommand } from "./command.ts";
import { readObject } from "./json.ts";

const definition = z
  .string({ error: "require service definition" })
  .describe('the record as JSON: {"name":"foo","version":"1","nodes":[{"id":"foo-1","address":"10.0.0.5:9090"}]}');

export const registerService = defineCommand({
  name: "register service",
  summary: "Register a service",
  input: z.object({ definition }),
  words: ["definition"],
  rest: "definition",
  permission: "registry:write",
  effect: "write",
  examples: ['register service {"name":"foo","version":"1","nodes":[{"id":"foo-1","address":"10.0.0.5:9090"}]}'],
  run: async (input, { registry, signal, oneShot }) => {
    const service = readService(JSON.parse(readObject(input.definition)));
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
  examples: ['deregister service {"name":"foo","version":"1","nodes":[{"id":"foo-1","address":"10.0.0.5:9090"}]}'],
  run: async (input, { registry, signal }) => {
    const service = readService(JSON.parse(readObject(input.definition)));
    await registry.deregister(service, { signal });
    return { deregistered: service };
  },
  view: () => ({ kind: "text", text: "ok" }),
});
