import { z } from "zod";
import type { Examination } from "../core/health/examination.ts";
import { examineAll, examineFound } from "../core/health/examine.ts";
import type { LastKnown } from "../core/health/last.ts";
import { marked } from "../core/look-alike.ts";
import type { ServiceRecord } from "../core/registry/registry.ts";
import { type AnyCommand, type CommandContext, defineCommand, type View } from "./command.ts";
import { drawAll, type HealthOfAll, ofAll, rowsOfAll } from "./health-all.ts";
import { lookUpShort, mayRunOn } from "./look-up.ts";
import { wireName } from "./names.ts";
import { drawNodes, type NodeReport, nodeRows } from "./node-report.ts";
import { remembered } from "./remembered.ts";
import { serviceNames } from "./service-names.ts";

/** What its commands know beside what they see. */
export interface HealthParts {
  readonly last?: LastKnown;
}

/** The health of a service, as a report of its nodes. */
interface HealthOfOne extends NodeReport<string> {
  /** Only those that are not well are in it, of so many. */
  readonly of?: number;
}

const PERMISSION = { name: "health", permission: "service:read", effect: "read" } as const;

/** `health`, of a service or of all. */
export function healthCommand({ last }: HealthParts = {}): AnyCommand {
  const known = last ? { last } : {};
  return defineCommand({
    ...PERMISSION,
    summary: "Ask every node of a service, or of all services, whether it is well",
    input: z.object({
      service: wireName("require service name")
        .optional()
        .describe("its name, or what its name ends with; all services if left out"),
      unhealthy: z.boolean().default(false).describe("only what is not well"),
    }),
    words: ["service"],
    examples: ["health", "health --unhealthy", "health go.micro.srv.greeter"],
    run: async ({ service, unhealthy }, context): Promise<HealthOfOne | HealthOfAll> => {
      const { client, registry, clock, signal } = context;
      const parts = { client, registry, clock, ...known };
      const options = { signal, uptime: false };
      const note = () => remembered(registry, clock);
      if (service === undefined) {
        const { names, left } = await servicesFor(context);
        const all = ofAll(await examineAll(parts, names, options), unhealthy);
        return { ...all, ...(left > 0 && { left }), ...note() };
      }
      const found = await lookUpShort(service, PERMISSION, context);
      const examination = await examineFound(parts, found.service, found.records, options);
      return { ...reportOf(examination, found.records, unhealthy), ...note() };
    },
    records: {
      fields: ["service", "nodes", "unhealthy", "versions", "why", "node", "address", "version", "status", "error"],
      rows: (result) => ("services" in result ? rowsOfAll(result) : nodeRows(result, (status) => ({ status }))),
    },
    view: (result) => ("services" in result ? drawAll(result) : drawOne(result)),
    complete: (_field, _given, context) => serviceNames(context),
  });
}

/** Without what is known only by a bot that has looked before. */
export const health = healthCommand();

/** Every service that who asks may ask, and how many others there are. */
async function servicesFor(
  context: CommandContext,
): Promise<{ readonly names: readonly string[]; readonly left: number }> {
  const all = await context.registry.list({ signal: context.signal });
  const names = all.filter((name) => mayRunOn(PERMISSION, name, context));
  return { names, left: all.length - names.length };
}

/** In the registry's order, as the reference shows it. */
function reportOf({ service, nodes }: Examination, records: readonly ServiceRecord[], unhealthy: boolean): HealthOfOne {
  const said = [...nodes];
  const versions = records
    .map(({ version, nodes: registered }) => ({
      version,
      nodes: registered.flatMap((node) => {
        const one = said.shift();
        if (one === undefined || (unhealthy && one.ok)) return [];
        return [one.error ? { node, error: one.error } : { node, answer: one.status }];
      }),
    }))
    .filter((version) => !unhealthy || version.nodes.length > 0);
  return { service, versions, ...(unhealthy && { of: nodes.length }) };
}

function drawOne(report: HealthOfOne): View {
  const { service, of, versions } = report;
  if (of !== undefined && versions.length === 0) {
    return {
      kind: "text",
      text: `${marked(service)} is well: ${of === 1 ? "its node answers" : `all ${of} nodes answer`}`,
    };
  }
  return drawNodes(report, "status", (status) => status);
}
