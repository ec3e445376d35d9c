import { z } from "zod";
import { type AnyCommand, defineCommand } from "../../commands/command.ts";
import { mayRunOn } from "../../commands/look-up.ts";
import { MicroError } from "../../core/errors.ts";
import { titleOf } from "../incidents/card.ts";
import type { Incident } from "../incidents/incident.ts";
import type { IncidentStore } from "../incidents/store.ts";
import { inLine, spanOf, timeOf } from "../incidents/words.ts";
import { type NextStep, nextStep } from "./escalation.ts";
import type { Routed } from "./routing.ts";
import type { Schedules } from "./schedules.ts";
import { targetWords } from "./target.ts";

export interface EscalationsInit {
  readonly schedules: Pick<Schedules, "all" | "who">;
  readonly routed: (incident: Incident) => Promise<Routed>;
  readonly store: Pick<IncidentStore, "list">;
}

/** Whose alerts a rule keeps from somebody are kept from them here, too. */
const SHOW = { name: "alert show", permission: "alert:read", effect: "read" } as const;
const LISTED = 50;
const ASK_MS = 3000;

/** `escalations`: who was told of what nobody has acknowledged, which step is next, for whom and when. */
export function escalationsCommand({ schedules, routed, store }: EscalationsInit): AnyCommand {
  /** Who it would be now; a step tells who it is then. */
  const whoOf = async ({ step }: NextStep, { oncall }: Routed, now: number, signal: AbortSignal): Promise<string> => {
    const { to } = step;
    if (to.kind !== "oncall") return targetWords(to);
    const name = to.schedule ?? oncall ?? schedules.all[0]?.name ?? "";
    try {
      const { person } = await schedules.who(name, now, AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]));
      return `${person === undefined ? "nobody" : inLine(person, 60)} (on call for ${name})`;
    } catch (error) {
      if (signal.aborted) throw error;
      return `oncall ${name} (${inLine(MicroError.from(error).message, 80)})`;
    }
  };
  return defineCommand({
    name: "escalations",
    permission: "oncall:read",
    effect: "read",
    summary: "List the alerts that nobody has acknowledged, who was told, and who is told next",
    input: z.object({}),
    examples: ["escalations"],
    run: async (_input, context) => {
      const { clock, signal } = context;
      const now = clock.now();
      const open = (await store.list())
        .map(({ incident }) => incident)
        .filter(({ status, acked }) => status === "firing" && !acked)
        .filter(({ services = [] }) => services.every((service) => mayRunOn(SHOW, service, context)))
        .toSorted((a, b) => a.openedAt - b.openedAt);
      const rows = await Promise.all(
        open.slice(0, LISTED).map(async (incident) => {
          const route = await routed(incident);
          const next = nextStep(incident, route.steps);
          const who = next && (await whoOf(next, route, now, signal));
          return {
            id: incident.id,
            alert: titleOf(incident),
            told: toldWords(incident, now),
            ...(next && { at: next.at }),
            next: next ? `step ${next.number + 1} of ${route.steps.length}: ${who}` : noneWords(route),
            when: next ? whenWords(next.at, now) : "",
          };
        }),
      );
      return { escalations: rows, more: Math.max(0, open.length - LISTED) };
    },
    records: { fields: ["id", "alert", "told", "next", "when", "at"], rows: (result) => result.escalations },
    view: ({ escalations: all, more }) => {
      if (all.length === 0) return { kind: "text", text: "nothing that fires waits for somebody to acknowledge it" };
      const rows = all.map((it) => [it.id, it.alert, it.told || "nobody yet", it.next, it.when || "-"].join("\t"));
      const note = more > 0 ? `and ${more} more` : undefined;
      return { kind: "report", text: ["Id\tAlert\tTold\tNext\tWhen", ...rows].join("\n"), note };
    },
  });
}

function toldWords({ escalated = [] }: Incident, now: number): string {
  return escalated
    .filter(({ saidAt }) => saidAt !== undefined)
    .toSorted((a, b) => a.step - b.step)
    .map(({ to, where = "", saidAt = 0 }) => `${to} ${where} at ${timeOf(saidAt, now)}`)
    .join(", ");
}

function noneWords({ steps }: Routed): string {
  return steps.length === 0 ? "nobody: its route has no steps" : `nobody: all ${steps.length} steps were said`;
}

function whenWords(at: number, now: number): string {
  return at > now ? `${timeOf(at, now)}, in ${spanOf(at - now)}` : `now, due since ${timeOf(at, now)}`;
}
