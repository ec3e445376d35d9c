import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import { marked } from "../core/look-alike.ts";
import type { EndpointRecord, ServiceRecord, ValueRecord } from "../core/registry/registry.ts";
import { defineCommand } from "./command.ts";
import { lookUp } from "./look-up.ts";
import { wireName } from "./names.ts";
import { remembered } from "./remembered.ts";
import { serviceNames } from "./service-names.ts";

export const getService = defineCommand({
  name: "get service",
  summary: "Show a service: its nodes and its endpoints",
  input: z.object({
    service: wireName("service requested").describe("its name"),
    version: z.string().optional().describe("only this version"),
  }),
  words: ["service"],
  permission: "registry:read",
  effect: "read",
  examples: ["get service go.micro.srv.greeter"],
  run: async ({ service, version }, context) => {
    const found = await lookUp(service, context);
    const versions = version === undefined ? found : found.filter((record) => record.version === version);
    if (versions.length === 0) {
      const known = found.map((record) => record.version).join(", ");
      throw new MicroError("not_found", `${service} has no version ${version}; it has ${known}`);
    }
    return { service, versions, ...remembered(context.registry, context.clock) };
  },
  records: {
    rows: ({ versions }) =>
      versions.flatMap(({ version, nodes }) =>
        nodes.map(({ id, address, metadata, origin }) => ({ node: id, version, address, registry: origin, metadata })),
      ),
  },
  view: ({ service, versions, note }) => ({ kind: "report", text: serviceReport(service, versions), note }),
  complete: (_field, _given, context) => serviceNames(context),
});

/** The layout of `toolkit.md §1.5`, era A. Endpoints are shown once, of the first version. */
function serviceReport(name: string, versions: readonly ServiceRecord[]): string {
  const lines = [`service  ${marked(name)}`];
  for (const { version, nodes } of versions) {
    // Only where several registries are asked there is more to tell than era A did.
    const several = nodes.some(({ origin }) => origin !== undefined);
    lines.push("", `version ${version}`, "", `Id\tAddress\tPort\tMetadata${several ? "\tRegistry" : ""}`);
    for (const node of nodes) {
      const [host, port] = hostAndPort(node.address);
      const cells = [node.id, host, port, pairs(node.metadata)];
      lines.push([...cells, ...(several ? [node.origin ?? ""] : [])].join("\t"));
    }
  }
  const endpoints = versions[0]?.endpoints ?? [];
  for (const endpoint of endpoints) lines.push("", ...endpointLines(endpoint), "");
  return lines.join("\n");
}

function endpointLines(endpoint: EndpointRecord): readonly string[] {
  return [
    `Endpoint: ${endpoint.name}`,
    `Metadata: ${pairs(endpoint.metadata)}`,
    "",
    ...message("Request", endpoint.request),
    "",
    ...message("Response", endpoint.response),
  ];
}

function message(title: string, value: ValueRecord | undefined): readonly string[] {
  const parts = value?.values ?? [];
  return parts.length === 0 ? [`${title}: {}`] : [`${title}: {`, ...parts.flatMap((part) => valueLines(part, 1)), "}"];
}

function valueLines(value: ValueRecord, depth: number): readonly string[] {
  const indent = "\t".repeat(depth);
  const line = `${indent}${snakeCase(value.name)} ${value.type}`;
  if (value.values.length === 0) return [line];
  return [`${line} {`, ...value.values.flatMap((part) => valueLines(part, depth + 1)), `${indent}}`];
}

/** `numEntities` is shown as `num_entities`. */
function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
}

function pairs(metadata: Readonly<Record<string, string>>): string {
  return Object.keys(metadata)
    .sort()
    .map((key) => `${key}=${metadata[key]}`)
    .join(",");
}

/** `[fd00::2]:80` and `10.0.0.5:80` apart; a queue name has no port. */
function hostAndPort(address: string): readonly [string, string] {
  const colon = address.lastIndexOf(":");
  if (colon === -1 || address.endsWith("]")) return [address, "0"];
  return [address.slice(0, colon).replace(/^\[|\]$/g, ""), address.slice(colon + 1)];
}
