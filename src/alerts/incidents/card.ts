import { createHash } from "node:crypto";
import type { CardChoice } from "../../commands/board.ts";
import type { View } from "../../commands/command.ts";
import type { ExaminedNode } from "../../core/health/examination.ts";
import { explain } from "../../core/health/explain.ts";
import type { Finding } from "./findings.ts";
import { countsOf, type Incident, type Item, isFlapping } from "./incident.ts";
import { inLine, nameIn, spanOf, timeOf } from "./words.ts";

/** What may be done about it where it is shown; what is left out is not offered. */
export interface Offers {
  /** Its source can silence it. */
  readonly silence?: boolean;
  /** A command of that name can be said (`logs`, `runbook run`). */
  can(name: string): boolean;
}

/** How it stands in a room. */
export interface Drawn {
  readonly head: string;
  readonly views: readonly View[];
  readonly choices: readonly CardChoice[];
  /** A digest of what people would see change; times that only go on are not in it. */
  readonly sign: string;
}

/** What is said once, where it was said late or maybe twice. */
export interface Told {
  readonly lateMs?: number | undefined;
  /** Chat was away meanwhile. */
  readonly away?: true | undefined;
  readonly twice?: true | undefined;
}

const ALERTS = 5;
const NODES = 8;
const LINES = 4;
const LINKS = 3;
const DEEDS = 5;

/** One incident as a card: short, worst first, no word of a stranger longer than a line. */
export function drawCard(
  incident: Incident,
  findings: readonly Finding[],
  offers: Offers,
  now: number,
  told: Told = {},
): Drawn {
  const head = headOf(incident, now);
  const over = incident.status === "resolved";
  const lines = [
    ...notes(told),
    ...(isFlapping(incident, now) ? [`flapping: it fired ${incident.fires} times`] : again(incident)),
    ...(over ? [] : about(incident)),
    ...(over ? [] : owned(incident, now)),
    ...(over ? [] : linksOf(incident)),
    ...deeds(incident),
  ];
  const health = over ? [] : findings.flatMap(healthViews);
  const views: readonly View[] = [
    ...(lines.length > 0 ? [{ kind: "text", text: lines.join("\n") } as const] : []),
    ...health,
  ];
  const choices = over ? [] : choicesOf(incident, offers, now);
  const seen = [head, lines, choices.map(({ line }) => line), over ? [] : findings.map(significant)];
  return { head, views, choices, sign: digest(JSON.stringify(seen)) };
}

/** What it is called in a sentence: `InstanceDown · go.micro.srv.payments`. */
export function titleOf(incident: Pick<Incident, "alerts" | "services" | "group">): string {
  const { alerts, services = [] } = incident;
  const firing = alerts.filter(({ status }) => status === "firing");
  const names = [...new Set((firing.length > 0 ? firing : alerts).map(({ name }) => nameIn(name)))];
  const what = names.length === 0 ? inLine(incident.group, 80) : names.slice(0, 2).join(", ");
  const more = names.length > 2 ? ` and ${names.length - 2} more` : "";
  const where = services
    .slice(0, 2)
    .map((name) => nameIn(name))
    .join(", ");
  return `${what}${more}${where === "" ? "" : ` · ${where}${services.length > 2 ? ` and ${services.length - 2} more` : ""}`}`;
}

/** The first line: nothing in it changes but when the incident does. */
export function headOf(incident: Incident, now: number): string {
  const { id, status, severity, since, openedAt, resolvedAt = now } = incident;
  if (status === "resolved") return `RESOLVED after ${spanOf(resolvedAt - since)}: ${titleOf(incident)} (${id})`;
  return `FIRING ${severity}: ${titleOf(incident)} · since ${timeOf(since, openedAt)} (${id})`;
}

function notes({ lateMs, away, twice }: Told): readonly string[] {
  return [
    ...(lateMs === undefined ? [] : [`told ${spanOf(lateMs)} late${away ? ": chat was away" : ""}`]),
    ...(twice ? ["I was cut off while I said this, so it may stand here twice; this one is kept up to date"] : []),
  ];
}

function again({ fires }: Incident): readonly string[] {
  return fires > 1 ? [`fired ${fires} times`] : [];
}

function about(incident: Incident): readonly string[] {
  const { alerts, left, services } = incident;
  const { firing, resolved } = countsOf(incident);
  const shown = alerts.filter(({ status }) => status === "firing");
  const known = services?.length === 0 ? ["names no service that I know"] : [];
  const [only] = shown;
  if (firing === 1 && left === 0 && only) {
    const words = only.summary === "" ? (only.description ?? "") : only.summary;
    return [...(words === "" ? [] : [inLine(words, 240)]), ...known];
  }
  const more = firing - Math.min(shown.length, ALERTS);
  return [
    `${firing}${left > 0 ? ` and at least ${left} more` : ""} firing${resolved > 0 ? `, ${resolved} resolved` : ""}:`,
    ...shown.slice(0, ALERTS).map((item) => `- ${wordsOf(item)}`),
    ...(more > 0 ? [`- and ${more} more: \`alert show ${incident.id}\``] : []),
    ...known,
  ];
}

/** One alert among others: what tells it apart. */
export function wordsOf({ name, summary, labels }: Item): string {
  const where = labels["instance"] ?? labels["node"] ?? labels["pod"] ?? "";
  const what = summary === "" ? nameIn(name) : inLine(summary, 120);
  return where === "" || what.includes(where) ? what : `${what} (${inLine(where, 60)})`;
}

function owned({ assigned, silence }: Incident, now: number): readonly string[] {
  return [
    ...(assigned ? [`${inLine(assigned.to, 60)} has it`] : []),
    ...(silence && silence.until > now ? [`silenced until ${timeOf(silence.until, silence.until)}`] : []),
  ];
}

function linksOf({ alerts }: Incident): readonly string[] {
  const links = new Map(alerts.flatMap((item) => item.links.map(({ label, url }) => [url, label] as const)));
  return [...links].slice(0, LINKS).map(([url, label]) => `${inLine(label, 30)}: ${url.replace(/\s/g, "")}`);
}

function deeds({ did }: Incident): readonly string[] {
  return did.slice(-DEEDS).map(({ at, by, what }) => `${timeOf(at, at)} ${inLine(by, 60)} ${inLine(what, 120)}`);
}

function healthViews({ service, examination, missing, changes, suspect }: Finding): readonly View[] {
  if (examination === undefined) {
    const text = [
      ...(missing === undefined ? [] : [missing]),
      ...changes.slice(0, 3).map(({ words }) => inLine(words, 160)),
    ];
    return text.length === 0 ? [] : [{ kind: "text", text: text.join("\n") }];
  }
  const nodes = examination.nodes.toSorted((a, b) => Number(a.ok) - Number(b.ok));
  const rows = nodes.slice(0, NODES).map((node) => rowOf(node, service, examination.at));
  const more = nodes.length - rows.length;
  const badMore = nodes.slice(NODES).filter(({ ok }) => !ok).length;
  const { headline, lines } = explain(examination, { changes, ...(suspect && { suspect }) });
  const note =
    more > 0 ? `and ${more} more nodes, ${badMore === 0 ? "all ok" : `${badMore} of them not ok`}` : undefined;
  // What follows tells of that moment ("8 s ago") and is not said again until something else changes. Nodes go by what the table calls them.
  const first = `${headline} · looked at ${timeOf(examination.at, examination.at)}`;
  const shown = saidOnce(lines, changes).slice(0, LINES);
  const words = [first, ...shown.map((line) => line.replaceAll(`${service}-`, ""))]
    .map((line) => inLine(line, 200))
    .join("\n");
  return [
    { kind: "text", text: words },
    ...(rows.length === 0
      ? []
      : [{ kind: "report", text: ["Node\tVersion\tHealth\tUp\tTook", ...rows].join("\n"), note } as const]),
  ];
}

/** Without changes that were named before as what it may be for. */
function saidOnce(lines: readonly string[], changes: Finding["changes"]): readonly string[] {
  return lines.filter((line, at) => {
    const change = changes.find(({ words }) => line.endsWith(words));
    return change === undefined || !lines.slice(0, at).some((before) => before.includes(change.words));
  });
}

function rowOf(node: ExaminedNode, service: string, at: number): string {
  const id = node.id.startsWith(`${service}-`) ? node.id.slice(service.length + 1) : node.id;
  const up = node.startedAt === undefined ? "-" : spanOf(at - node.startedAt);
  const took = node.latencyMs === undefined ? "-" : `${Math.round(node.latencyMs)} ms`;
  return [inLine(id, 40), inLine(node.version, 20) || "-", healthOf(node), up, took].join("\t");
}

function healthOf({ ok, status, cause }: ExaminedNode): string {
  if (ok) return inLine(status, 20) || "ok";
  return cause === "unwell" ? inLine(status, 20) || "unwell" : (cause ?? "bad");
}

/** A name, and what it takes: nothing that would be another word, an option or a pipe once it is said. */
const RUNBOOK = /^\w[\w.-]*(?: \w[\w-]*=[\w.:@/-]+)*$/;

function choicesOf(incident: Incident, { silence = false, can }: Offers, now: number): readonly CardChoice[] {
  const { id, services: [service] = [], alerts } = incident;
  const runbook = alerts.find((item) => item.runbook !== undefined && RUNBOOK.test(item.runbook))?.runbook;
  return [
    ...(incident.acked ? [] : [{ label: "Acknowledge", line: `ack ${id}`, weight: "primary" } as const]),
    ...(silence && (incident.silence?.until ?? 0) <= now ? [{ label: "Silence 2h", line: `silence ${id} 2h` }] : []),
    { label: "Look again", line: `recheck ${id}` },
    ...(service !== undefined && /^\w[\w.-]*$/.test(service)
      ? ["logs", "stats"]
          .filter(can)
          .map((name) => ({ label: name === "logs" ? "Logs" : "Stats", line: `${name} ${service}` }))
      : []),
    ...(runbook !== undefined && can("runbook run")
      ? [{ label: `Run ${runbook.split(" ")[0]}`, line: `runbook run ${runbook}` }]
      : []),
  ];
}

/** Without what changes while nothing happens: latencies, uptimes, how long ago. */
function significant({ service, examination, missing, changes, suspect }: Finding) {
  const nodes = examination?.nodes.map(({ id, version, ok, cause }) => [id, version, ok, cause]);
  return [service, missing, nodes, changes.map(({ at, words }) => [at, words]), suspect];
}

/** Short, and different for different texts. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}
