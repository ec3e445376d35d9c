import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { type AnyCommand, defineCommand } from "../../commands/command.ts";
import { lookUpShort } from "../../commands/look-up.ts";
import { MicroError } from "../../core/errors.ts";
import { titleOf } from "../incidents/card.ts";
import type { Incident } from "../incidents/incident.ts";
import type { IncidentStore } from "../incidents/store.ts";
import { inLine, spanOf } from "../incidents/words.ts";
import { nextStep } from "./escalation.ts";
import type { Owner } from "./owners.ts";
import { type QuietHours, quietUntil } from "./quiet.ts";
import type { Routed } from "./routing.ts";
import { targetWords } from "./target.ts";
import { timeIn } from "./zone.ts";

export interface RoutingCommandsInit {
  readonly quiet: Readonly<Record<string, QuietHours>>;
  readonly ownerOf: (service: string, signal?: AbortSignal) => Promise<Owner | undefined>;
  readonly routed: (incident: Incident) => Promise<Routed>;
  readonly store: Pick<IncidentStore, "list">;
}

const READ = { permission: "oncall:read", effect: "read" } as const;
const LISTED = 50;

/** `quiet`, `escalations` and `who owns`. */
export function routingCommands({ quiet, ownerOf, routed, store }: RoutingCommandsInit): readonly AnyCommand[] {
  const names = Object.keys(quiet);

  const hours = defineCommand({
    ...READ,
    name: "quiet",
    summary: "Tell whether these are quiet hours, and until when",
    input: z.object({
      name: z.string().max(60).optional().describe("a name of the configuration; left out: all of them"),
    }),
    words: ["name"],
    complete: async () => names,
    examples: ["quiet", "quiet nights"],
    run: async ({ name }, { clock }) => {
      if (name !== undefined && !Object.hasOwn(quiet, name)) {
        const known = names.length === 0 ? "there are none" : `did you mean ${closest(name, names)}?`;
        throw new MicroError("not_found", `there are no quiet hours ${inLine(name, 60)}; ${known}`);
      }
      const now = clock.now();
      const wanted = name === undefined ? names : [name];
      return {
        hours: wanted.map((one) => {
          const times = quiet[one] as QuietHours;
          const until = quietUntil(times, now);
          return { name: one, quiet: until !== undefined, zone: times.zone, ...(until !== undefined && { until }) };
        }),
      };
    },
    records: { fields: ["name", "quiet", "until", "zone"], rows: (result) => result.hours },
    view: ({ hours: all }) => ({
      kind: "text",
      text:
        all.length === 0
          ? "there are no quiet hours: --alerts=alerts.yaml names them under quiet_hours"
          : all
              .map(({ name, until, zone }) =>
                until === undefined
                  ? `${name}: not quiet now`
                  : `${name}: quiet until ${timeIn(until, zone)}; only what is critical is said at once`,
              )
              .join("\n"),
    }),
  });

  const escalations = defineCommand({
    ...READ,
    name: "escalations",
    summary: "List the alerts that nobody has acknowledged, who was told, and who is told next",
    input: z.object({}),
    examples: ["escalations"],
    run: async (_input, { clock }) => {
      const now = clock.now();
      const open = (await store.list())
        .map(({ incident }) => incident)
        .filter(({ status, acked }) => status === "firing" && !acked)
        .toSorted((a, b) => a.openedAt - b.openedAt);
      const rows = await Promise.all(
        open.slice(0, LISTED).map(async (incident) => {
          const next = nextStep(incident, (await routed(incident)).steps);
          const told = (incident.escalated ?? []).filter(({ saidAt }) => saidAt !== undefined);
          return {
            id: incident.id,
            alert: titleOf(incident),
            told: told.map(({ to }) => to).join(", "),
            next: next === undefined ? "" : targetWords(next.step.to),
            in: next === undefined ? "" : next.at <= now ? "now" : spanOf(next.at - now),
          };
        }),
      );
      return { escalations: rows, more: Math.max(0, open.length - LISTED) };
    },
    records: { fields: ["id", "alert", "told", "next", "in"], rows: (result) => result.escalations },
    view: ({ escalations: all, more }) => {
      if (all.length === 0) return { kind: "text", text: "nothing that fires waits for somebody to acknowledge it" };
      const rows = all.map((it) => [it.id, it.alert, it.told || "-", it.next || "-", it.in || "-"].join("\t"));
      const note = more > 0 ? `and ${more} more` : undefined;
      return { kind: "report", text: ["Id\tAlert\tTold\tNext\tIn", ...rows].join("\n"), note };
    },
  });

  const owns = { name: "who owns", ...READ } as const;
  const who = defineCommand({
    ...owns,
    summary: "Tell which team a service belongs to",
    input: z.object({
      service: z
        .string({ error: "of which service? As in who owns payments" })
        .max(200)
        .describe("its name, or the end of it"),
    }),
    words: ["service"],
    examples: ["who owns payments"],
    run: async ({ service: said }, context) => {
      const { service } = await lookUpShort(said, owns, context).catch((error: unknown) => {
        // What is not registered now belongs to somebody all the same.
        if (MicroError.from(error).code !== "not_found") throw error;
        return { service: said };
      });
      const owner = await ownerOf(service, context.signal);
      return { service, ...owner };
    },
    view: ({ service, team, by }) => ({
      kind: "text",
      text:
        team === undefined
          ? `nobody is known to own ${inLine(service, 100)}: its metadata has no owner or team, and no file names it under owners`
          : `${inLine(service, 100)} belongs to ${team}, by ${by}`,
    }),
  });
  return [hours, escalations, who];
}
