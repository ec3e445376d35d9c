import { z } from "zod";
import { askNodes, type VersionAnswers } from "../core/health/health.ts";
import { errorText } from "../core/wire/error.ts";
import { defineCommand } from "./command.ts";
import { lookUp } from "./look-up.ts";
import { remembered } from "./remembered.ts";
import { serviceNames } from "./service-names.ts";

export const health = defineCommand({
  name: "health",
  summary: "Ask every node of a service whether it is well",
  input: z.object({ service: z.string({ error: "require service name" }).describe("its name") }),
  words: ["service"],
  permission: "service:read",
  effect: "read",
  examples: ["health go.micro.srv.greeter"],
  run: async ({ service }, context) => {
    const found = await lookUp(service, context);
    const versions = await askNodes(context.client, found, "Debug.Health", statusOf, { signal: context.signal });
    return { service, versions, ...remembered(context.registry, context.clock) };
  },
  view: ({ service, versions, note }) => ({ kind: "report", text: healthReport(service, versions), note }),
  complete: (_field, _given, context) => serviceNames(context),
});

/** The layout of `toolkit.md §1.8`; a node that failed shows the error instead of its status. */
function healthReport(service: string, versions: readonly VersionAnswers<string>[]): string {
  const lines = [`service  ${service}`];
  for (const { version, nodes } of versions) {
    lines.push("", `version ${version}`, "", "node\t\taddress:port\t\tstatus");
    for (const { node, answer, error } of nodes) {
      lines.push(`${node.id}\t\t${node.address}\t\t${error ? errorText(error) : answer}`);
    }
  }
  return lines.join("\n");
}

function statusOf(answer: unknown): string {
  const status = (answer as { readonly status?: unknown } | null)?.status;
  return typeof status === "string" ? status : "";
}
