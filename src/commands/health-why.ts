import { z } from "zod";
import { MicroError } from "../core/errors.ts";
import { type ExplainWith, explain } from "../core/health/explain.ts";
import { meant } from "../core/health/short-name.ts";
import { examineAround } from "../core/health/suspect.ts";
import { spanWords } from "../core/health/words.ts";
import { marked } from "../core/look-alike.ts";
import type { ServiceChange, ServiceChanges } from "../core/registry/service-change.ts";
import { type AnyCommand, type CommandContext, defineCommand } from "./command.ts";
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
const GONE_MS = 24 * LATELY_MS;

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
      const { service } = await lookUpShort(said, PERMISSION, context).catch((error: unknown) =>
        notThere(error, said, changes, context),
      );
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

/** What was there within the day is not only unknown: when somebody asks why it is down, that it went is the answer. */
async function notThere(
  error: unknown,
  said: string,
  changes: ServiceChanges | undefined,
  context: CommandContext,
): Promise<never> {
  const { clock, signal } = context;
  if (MicroError.from(error).code !== "not_found" || changes === undefined) throw error;
  const now = clock.now();
  const lately = await changes.lately({ since: now - GONE_MS, limit: 1000 }, { signal }).catch(() => []);
  const names = new Set(lately.map(({ service }) => service).filter((name) => mayRunOn(PERMISSION, name, context)));
  const [service, ...others] = meant(said, [...names]);
  const last = lately.find((change) => change.service === service && change.kind === "went");
  if (service === undefined || others.length > 0 || last === undefined) throw error;
  const when = `${spanWords(now - last.at)} ago ${last.words}`;
  throw new MicroError(
    "not_found",
    `no node of ${marked(service)} is registered any more: ${when}; \`changes ${marked(service)}\` tells more`,
    { cause: error },
  );
}

/** Without what is known only by a bot that has looked before. */
export const whyIs = whyCommand();
