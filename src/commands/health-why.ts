import { z } from "zod";
import { type ExplainWith, explain } from "../core/health/explain.ts";
import { examineAround } from "../core/health/suspect.ts";
import type { ServiceChange, ServiceChanges } from "../core/registry/service-change.ts";
import { type AnyCommand, defineCommand } from "./command.ts";
import type { HealthParts } from "./health.ts";
import { lookUpShort, mayRunOn } from "./look-up.ts";
import { wireName } from "./names.ts";
import { remembered } from "./remembered.ts";
import { serviceNames } from "./service-names.ts";

export interface WhyParts extends HealthParts {
  /** What changed lately; left out: nobody has looked. */
  readonly changes?: ServiceChanges;
}

const PERMISSION = { name: "why is", permission: "service:read", effect: "read", boundAs: ["health"] } as const;

/** What changed before that is not told of. */
const LATELY_MS = 3_600_000;
const MOST_CHANGES = 20;

/** `why is payments unhealthy?` */
export function whyCommand({ last, changes }: WhyParts = {}): AnyCommand {
  return defineCommand({
    ...PERMISSION,
    boundAs: [...PERMISSION.boundAs],
    summary: "Tell why a service is not well: what its failing nodes have in common, since when, and what changed",
    input: z.object({
      service: z
        .string({ error: "why is what unhealthy? name a service" })
        .transform((text) => text.replace(/\?+$/, ""))
        .pipe(wireName("name a service"))
        .describe("its name, or what its name ends with"),
      state: z.string().max(40).optional().describe("what you take it to be: unhealthy, down; it makes no difference"),
    }),
    words: ["service", "state"],
    examples: ["why is go.micro.srv.greeter unhealthy?", "why is greeter down"],
    run: async ({ service: said }, context) => {
      const { client, registry, clock, signal } = context;
      const { service } = await lookUpShort(said, PERMISSION, context);
      const may = (name: string) => mayRunOn(PERMISSION, name, context);
      const parts = { client, registry, clock, ...(last && { last }) };
      const [{ examination, suspect }, lately] = await Promise.all([
        examineAround(parts, service, { signal, may }),
        changes?.lately({ service, since: clock.now() - LATELY_MS, limit: MOST_CHANGES }).catch(() => undefined),
      ]);
      const init: ExplainWith = { ...(lately && { changes: lately }), ...(suspect && { suspect }) };
      const { headline, lines } = explain(examination, init);
      return {
        ...{ headline, lines, examination },
        changes: lately ?? ([] as readonly ServiceChange[]),
        ...(suspect && { suspect }),
        ...remembered(registry, clock),
      };
    },
    records: {
      rows: ({ examination }) =>
        examination.nodes.map(({ id, address, version, ok, status, latencyMs, cause, startedAt, since }) => ({
          ...{ node: id, address, version, ok, status, latency: latencyMs, cause: cause ?? "" },
          ...{ since: new Date(since).toISOString() },
          ...(startedAt !== undefined && { started: new Date(startedAt).toISOString() }),
        })),
    },
    view: ({ headline, lines, note }) => ({
      kind: "text",
      text: [headline, ...lines.map((line) => `- ${line}`), ...(note === undefined ? [] : [note])].join("\n"),
    }),
    complete: async (field, _given, context) => (field === "service" ? serviceNames(context) : ["unhealthy"]),
  });
}

/** Without what is known only by a bot that has looked before. */
export const whyIs = whyCommand();
