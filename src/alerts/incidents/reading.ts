import { z } from "zod";
import { type AnyCommand, type CommandContext, defineCommand } from "../../commands/command.ts";
import { mayRunOn } from "../../commands/look-up.ts";
import { pastText, readPast } from "../../commands/past.ts";
import { MicroError } from "../../core/errors.ts";
import type { Db } from "../../platform/db/db.ts";
import { incidentId } from "./asker.ts";
import { headOf, titleOf, wordsOf } from "./card.ts";
import { closedOnes } from "./closed.ts";
import type { Desk } from "./desk.ts";
import { countsOf, type Incident } from "./incident.ts";
import type { IncidentStore } from "./store.ts";
import { inLine, spanOf, timeOf } from "./words.ts";

export interface ReadingInit {
  readonly store: IncidentStore;
  readonly desk: Desk;
  readonly db: Db;
  /** There is an Alertmanager in which its alerts are silenced. */
  readonly silences?: boolean;
}

const READ = { permission: "alert:read", effect: "read" } as const;
const SHOW = { ...READ, name: "alert show" } as const;
const LIST = { ...READ, name: "alerts", boundAs: [SHOW.name] as const } as const;
const LISTED = 50;
const RANK = { critical: 0, warning: 1, info: 2 } as const;

/** `alerts` and `alert show`. */
export function readingCommands({ store, desk, db, silences = false }: ReadingInit): readonly AnyCommand[] {
  const list = defineCommand({
    ...LIST,
    summary: "List what fires, worst first, or what has fired",
    input: z.object({
      all: z.boolean().optional().describe("also what is resolved"),
      since: pastText
        .optional()
        .describe("also what was resolved so long ago at most, like 1h, or since then, like yesterday"),
      service: z.string().optional().describe("only what names that service, by its whole name or the end of it"),
    }),
    examples: ["alerts", "alerts --since 1h", "alerts --service payments --all"],
    run: async ({ all = false, since, service }, context) => {
      const now = context.clock.now();
      const from = since === undefined ? undefined : readPast(since, now);
      const resolvedToo = all || from !== undefined;
      const open = (await store.list()).map(({ incident }) => incident).filter(({ fires }) => fires > 0);
      // What is being made history may be seen twice.
      const ids = new Set(open.map(({ id, openedAt }) => `${id}-${openedAt}`));
      const over = resolvedToo
        ? (await closedOnes(db, { limit: 500, ...(from !== undefined && { since: from }) })).filter(
            ({ id, openedAt }) => !ids.has(`${id}-${openedAt}`),
          )
        : [];
      const may = allowing(LIST, context);
      const fits = (incident: Incident) =>
        may(incident) &&
        (incident.status === "firing" || (resolvedToo && (incident.resolvedAt ?? 0) >= (from ?? 0))) &&
        (service === undefined ||
          (incident.services ?? []).some((name) => name === service || name.endsWith(`.${service}`)));
      const found = [...open, ...over].filter(fits).toSorted(byWeight);
      return {
        alerts: found.slice(0, LISTED).map((incident) => rowOf(incident, now)),
        more: Math.max(0, found.length - LISTED),
        ...(service !== undefined && { service }),
        resolvedToo,
      };
    },
    records: { fields: ["id", "state", "severity", "alert", "for", "who"], rows: ({ alerts }) => alerts },
    view: ({ alerts, more, service, resolvedToo }) => {
      if (alerts.length === 0) {
        const of = service === undefined ? "" : ` of ${inLine(service, 80)}`;
        return { kind: "text", text: resolvedToo ? `no alert${of} is known of that time` : `nothing${of} fires` };
      }
      const rows = alerts.map((it) => [it.id, it.state, it.severity, it.alert, it.for, it.who || "-"].join("\t"));
      const note = more > 0 ? `and ${more} more` : undefined;
      return { kind: "report", text: ["Id\tState\tSeverity\tAlert\tFor\tWho", ...rows].join("\n"), note };
    },
  });

  const show = defineCommand({
    ...SHOW,
    summary: "Show all that is known of an alert, and what you may do about it",
    input: z.object({ id: incidentId }),
    words: ["id"],
    target: ({ id }) => desk.serviceOf(id),
    examples: ["alert show a7f3"],
    run: async ({ id }, context) => {
      const { clock, mayRun } = context;
      const incident = await desk.any(id);
      // What is over is not known before it is read, so the policy was not asked about its services yet.
      if (!allowing(SHOW, context)(incident)) {
        throw new MicroError(
          "permission_denied",
          `you may not see ${incident.id}: it names a service that you may not`,
        );
      }
      const now = clock.now();
      const mute = isSilent(incident, now) ? "unsilence" : "silence";
      const can = ({ name }: (typeof ACTIONS)[number]) =>
        !name.endsWith("silence") || (silences && incident.kind === "alertmanager" && name === mute);
      const may =
        incident.status === "resolved"
          ? []
          : ACTIONS.filter((action) => can(action) && mayRun(action)).map(({ name }) => name);
      return { incident, now, may };
    },
    records: { rows: ({ incident }) => incident.alerts },
    view: ({ incident, now, may }) => ({ kind: "text", text: storyOf(incident, now, may).join("\n") }),
    complete: async () => desk.ids(),
  });
  return [list, show];
}

/** What may be done about one that fires, and what it takes. */
const ACTIONS = [
  { name: "ack", permission: "alert:act", effect: "write" },
  { name: "assign", permission: "alert:act", effect: "write" },
  { name: "silence", permission: "alert:silence", effect: "write" },
  { name: "unsilence", permission: "alert:silence", effect: "write" },
  { name: "recheck", permission: "alert:read", effect: "read" },
] as const;

/** Whether who asks may see an incident: rules that keep a service from them keep from them what it is told of, too. */
function allowing(command: typeof LIST | typeof SHOW, context: CommandContext): (incident: Incident) => boolean {
  const asked = new Map<string, boolean>();
  return ({ services = [] }) =>
    services.every((service) => {
      const may = asked.get(service) ?? mayRunOn(command, service, context);
      asked.set(service, may);
      return may;
    });
}

function isSilent({ silence }: Incident, now: number): boolean {
  return silence !== undefined && silence.until > now;
}

function byWeight(a: Incident, b: Incident): number {
  const over = Number(a.status === "resolved") - Number(b.status === "resolved");
  if (over !== 0) return over;
  if (a.status === "resolved") return (b.resolvedAt ?? 0) - (a.resolvedAt ?? 0);
  return RANK[a.severity] - RANK[b.severity] || a.since - b.since;
}

function rowOf(incident: Incident, now: number) {
  const { id, status, severity, since, resolvedAt = now, acked, assigned } = incident;
  const { firing } = countsOf(incident);
  const fires = `${firing === 1 ? "" : `${firing} `}firing${isSilent(incident, now) ? ", silenced" : ""}`;
  return {
    id,
    state: status === "resolved" ? "resolved" : fires,
    severity,
    alert: titleOf(incident),
    for: spanOf((status === "resolved" ? resolvedAt : now) - since),
    who: assigned?.to ?? acked?.by ?? "",
  };
}

function storyOf(incident: Incident, now: number, may: readonly string[]): readonly string[] {
  const { alerts, did, id, source, services, cards, common, left } = incident;
  const { firing, resolved } = countsOf(incident);
  const more = firing + resolved - alerts.length + left;
  const labels = Object.entries(common).map(([name, value]) => `${inLine(name, 40)}=${inLine(value, 80)}`);
  const links = new Map(alerts.flatMap((item) => item.links.map(({ label, url }) => [url, label] as const)));
  return [
    headOf(incident, now),
    ...alerts.map((item) => `- ${item.status === "firing" ? "" : "resolved: "}${wordsOf(item)}`),
    ...(more > 0 ? [`- and ${more} more`] : []),
    ...(services?.length === 0 ? ["names no service that I know"] : services ? [`names ${services.join(", ")}`] : []),
    `from ${inLine(source, 60)}${labels.length === 0 ? "" : `: ${labels.slice(0, 12).join(", ")}`}`,
    ...[...links].slice(0, 5).map(([url, label]) => `${inLine(label, 30)}: ${url}`),
    ...did.map(({ at, by, what }) => `${timeOf(at, now)} ${inLine(by, 60)} ${inLine(what, 200)}`),
    ...cards.flatMap((card) =>
      card.refused === undefined ? [] : [`not shown in ${card.room}: ${inLine(card.refused, 120)}`],
    ),
    ...(may.length > 0
      ? [`you may say: ${may.map((name) => `\`${name} ${id}${name === "assign" ? " me" : ""}\``).join(", ")}`]
      : []),
  ];
}
