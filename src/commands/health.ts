import { z } from "zod";
import { defineCommand } from "./command.ts";
import { askEachNode, drawNodes, nodeRows, serviceWord } from "./node-report.ts";
import { serviceNames } from "./service-names.ts";

export const health = defineCommand({
  name: "health",
  summary: "Ask every node of a service whether it is well",
  input: z.object({ service: serviceWord }),
  words: ["service"],
  permission: "service:read",
  effect: "read",
  examples: ["health go.micro.srv.greeter"],
  run: ({ service }, context) => askEachNode(service, "Debug.Health", statusOf, context),
  records: {
    fields: ["node", "address", "version", "status", "error"],
    rows: (report) => nodeRows(report, (status) => ({ status })),
  },
  view: (report) => drawNodes(report, "status", (status) => status),
  complete: (_field, _given, context) => serviceNames(context),
});

function statusOf(answer: unknown): string {
  const status = (answer as { readonly status?: unknown } | null)?.status;
  return typeof status === "string" ? status : "";
}
