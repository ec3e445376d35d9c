import { createHash } from "node:crypto";
import { z } from "zod";
import type { Alert, Notification } from "../alerts/alert.ts";
import { causeWords } from "../core/health/cause.ts";
import type { Examination, ExaminedNode } from "../core/health/examination.ts";
import { counted } from "../core/health/words.ts";

const firing = z.object({
  fingerprint: z.string(),
  name: z.string(),
  severity: z.enum(["critical", "warning", "info"]),
  summary: z.string(),
  labels: z.record(z.string(), z.string()),
  startsAt: z.number(),
});

/** An alert of ours that goes on, as it is kept until it is over. */
export type Firing = z.infer<typeof firing>;

const record = z.object({ service: z.string(), nodes: z.record(z.string(), firing), gone: firing.optional() });

/** What fires of a service, by node, and that it has none any more. Survives JSON. */
export type ProbedRecord = z.infer<typeof record>;

/** `undefined`: nobody of us wrote that. */
export function readProbed(value: string): ProbedRecord | undefined {
  try {
    return record.safeParse(JSON.parse(value)).data;
  } catch {
    return undefined;
  }
}

/** What is over; `node` where it was one node's. */
export interface Over {
  readonly firing: Firing;
  /** Epoch ms. */
  readonly at: number;
  readonly node?: string;
}

const MOST_KEPT = 500;

/** What whoever looks after it next has to know: what fires, and what is over and not told yet. `undefined`: nothing. */
export function recordOf(
  service: string,
  nodes: ReadonlyMap<string, Firing>,
  gone: Firing | undefined,
  ends: readonly Over[],
): ProbedRecord | undefined {
  const ended = ends.flatMap(({ node, firing: one }) => (node === undefined ? [] : [[node, one] as const]));
  const kept = [...new Map([...ended, ...nodes])].slice(0, MOST_KEPT);
  const away = gone ?? ends.find(({ node }) => node === undefined)?.firing;
  if (kept.length === 0 && away === undefined) return undefined;
  return { service, nodes: Object.fromEntries(kept), ...(away && { gone: away }) };
}

/** What notifications are from. */
const SOURCE = "watch";
const MOST_ALERTS = 500;

export function nodeFiring(node: ExaminedNode, { service, bad, nodes, withinMs }: Examination, now: number): Firing {
  const { id, address, version, cause = "failed", status, error } = node;
  const said = cause === "unwell" ? status : (error?.detail ?? "");
  const where = `node ${id} of ${service} (${version} at ${address})`;
  return {
    fingerprint: printOf("node", service, id),
    name: "NodeUnhealthy",
    severity: bad === nodes.length ? "critical" : "warning",
    summary: cut(`${where} ${causeWords(cause, said, withinMs, false)}`),
    labels: { service: cut(service), node: cut(id), instance: cut(address), version: cut(version), cause },
    startsAt: now,
  };
}

/** @param left so many went last, none of which had answered */
export function goneFiring(service: string, left: number, now: number): Firing {
  return {
    fingerprint: printOf("gone", service, ""),
    name: "ServiceGone",
    severity: "critical",
    summary: cut(`${service} has no nodes any more: ${counted(left, "node")} went without an answer before`),
    labels: { service: cut(service) },
    startsAt: now,
  };
}

/** @param over what does not fire any more, and since when */
export function notificationOf(
  service: string,
  all: readonly Firing[],
  over: readonly Over[],
  now: number,
): Notification {
  const alerts: readonly Alert[] = [
    ...over.map(({ firing: one, at }): Alert => ({ ...one, status: "resolved", endsAt: at, links: [] })),
    ...all.map((one): Alert => ({ ...one, status: "firing", links: [] })),
  ];
  // Whoever tells the same again, by a restart, tells it under the same name.
  const which = alerts.map(({ fingerprint, status, startsAt, endsAt }) => [fingerprint, status, startsAt, endsAt]);
  const id = `watch:${digest(JSON.stringify([service, which]))}`;
  const left = alerts.length - MOST_ALERTS;
  const kept = alerts.slice(0, MOST_ALERTS);
  return {
    ...{ id, source: SOURCE, kind: SOURCE, receivedAt: now, group: service },
    alerts: kept,
    ...(left > 0 && { left }),
  };
}

function printOf(...parts: readonly string[]): string {
  return digest(JSON.stringify(parts));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}

/** As long as a label or a line may be. */
function cut(text: string): string {
  return text.length <= 1000 ? text : `${text.slice(0, 999).replace(/[\ud800-\udbff]$/, "")}…`;
}
