import { z } from "zod";
import { marked } from "../core/look-alike.ts";
import { defineCommand } from "./command.ts";
import { remembered } from "./remembered.ts";

export const listServices = defineCommand({
  name: "list services",
  summary: "List the services in the registry",
  input: z.object({}),
  permission: "registry:read",
  effect: "read",
  examples: ["list services"],
  run: async (_input, { registry, signal, clock }) => ({
    services: await registry.list({ signal }),
    ...remembered(registry, clock),
  }),
  records: { fields: ["service"], rows: ({ services }) => services.map((service) => ({ service })) },
  view: ({ services, note }) => ({ kind: "list", items: services.map(marked), note }),
});
