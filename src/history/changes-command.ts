import { z } from "zod";
import { type AnyCommand, defineCommand } from "../commands/command.ts";
import { mayRunOn } from "../commands/look-up.ts";
import { wireName } from "../commands/names.ts";
import { pastText, pastWords, readPast } from "../commands/past.ts";
import { nearestOf } from "../commands/pipe/nearest.ts";
import { serviceNames } from "../commands/service-names.ts";
import { meant } from "../core/health/short-name.ts";
import { spanWords } from "../core/health/words.ts";
import { marked } from "../core/look-alike.ts";
import type { ServiceChange, ServiceChanges } from "../core/registry/service-change.ts";

const PERMISSION = { name: "changes", permission: "registry:read", effect: "read" } as const;
const MOST = 200;

/** `changes`, of a service or of all. */
export function changesCommand(changes: ServiceChanges): AnyCommand {
  return defineCommand({
    ...PERMISSION,
    summary: "Show what changed lately: nodes that came and went, versions, metadata, deploys that were announced",
    input: z.object({
      service: wireName("a service has a name")
        .optional()
        .describe("its name, or what its name ends with; all if left out"),
      since: pastText
        .default("1h")
        .describe("so long ago at most, like 24h, or since then, like yesterday or 2026-11-20"),
      limit: z.number().int().min(1).max(MOST).default(50).describe(`so many at most, the newest; ${MOST} is the most`),
    }),
    words: ["service"],
    examples: ["changes", "changes go.micro.srv.greeter --since 24h"],
    run: async ({ service: said, since, limit }, context) => {
      const { clock, signal } = context;
      const now = clock.now();
      const ago = readPast(since, now);
      const named = said === undefined ? undefined : await fullName(said, changes, ago, context);
      const service = named?.name;
      const asked = new Map<string, boolean>([[said ?? "", true]]);
      const mine = ({ service: name }: ServiceChange) => {
        const may = asked.get(name) ?? mayRunOn(PERMISSION, name, context);
        asked.set(name, may);
        return may;
      };
      const query = {
        since: ago,
        limit: service === undefined ? 1000 : limit,
        ...(service !== undefined && { service }),
      };
      const found = (await changes.lately(query, { signal })).filter(mine);
      return {
        ...(service !== undefined && { service }),
        ...(named?.unknown !== undefined && { unknown: named.unknown }),
        since,
        now,
        changes: found.slice(0, limit),
        more: found.length > limit,
      };
    },
    records: {
      fields: ["at", "service", "kind", "version", "node", "words"],
      rows: (result) => result.changes.map(({ at, ...rest }) => ({ at: new Date(at).toISOString(), ...rest })),
    },
    view: ({ service, unknown = "", since, now, changes: found, more }) => {
      const of = service === undefined ? "" : ` of ${marked(service)}`;
      if (found.length === 0)
        return { kind: "text", text: `nothing${of} changed ${pastWords(since)}, as far as I saw${unknown}` };
      const head = service === undefined ? "when\tservice\twhat" : "when\twhat";
      const rows = found.map(({ at, service: name, words }) => {
        const when = `${spanWords(now - at)} ago`;
        return service === undefined ? `${when}\t${marked(name === "" ? "?" : name)}\t${words}` : `${when}\t${words}`;
      });
      const note = more ? "there were more: --limit shows them" : undefined;
      return { kind: "report", text: [head, ...rows].join("\n"), note };
    },
    complete: async (field, _given, context) => (field === "service" ? serviceNames(context) : []),
  });
}

/** A service that has changed may be gone, so names are looked for among those that changed, too. */
async function fullName(
  said: string,
  changes: ServiceChanges,
  since: number,
  context: Parameters<typeof serviceNames>[0],
): Promise<{ readonly name: string; readonly unknown?: string }> {
  const [there, gone] = await Promise.all([
    serviceNames(context),
    changes.lately({ since, limit: 1000 }, { signal: context.signal }),
  ]);
  const names = [...new Set([...there, ...gone.map(({ service }) => service)])];
  const may = names.filter((name) => name === said || mayRunOn(PERMISSION, name, context));
  const [name = said, ...others] = meant(said, may);
  if (others.length > 0) return { name: said };
  if (names.includes(name)) return { name };
  const ends = may.map((one) => one.slice(one.lastIndexOf(".") + 1));
  const near = nearestOf(said, [...may, ...ends]);
  const meantWords = near === undefined ? "" : `; did you mean ${marked(near)}?`;
  return { name, unknown: `, and no service is called that${meantWords}` };
}
