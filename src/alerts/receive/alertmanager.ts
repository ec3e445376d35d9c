import { z } from "zod";
import type { Alert } from "../alert.ts";
import {
  descriptionOf,
  groupOf,
  labelsOf,
  lineOf,
  linksOf,
  nameOf,
  type Reader,
  refused,
  runbookOf,
  severityOf,
  startOf,
  timeOf,
} from "./reading.ts";

const texts = z.record(z.string(), z.string());

/** One alert of a webhook of Alertmanager, version 4; Grafana's has more. */
export const alertShape = z.object({
  status: z.enum(["firing", "resolved"]),
  labels: texts,
  annotations: texts.default({}),
  startsAt: z.string(),
  endsAt: z.string().optional(),
  generatorURL: z.string().optional(),
  fingerprint: z.string().min(1).max(200),
});

export type AlertShape = z.output<typeof alertShape>;

/** What belongs to the whole of it. */
export const bodyShape = {
  groupKey: z.string().min(1),
  truncatedAlerts: z.number().int().min(0).default(0),
};

const shape = z.object({
  ...bodyShape,
  version: z.literal("4"),
  alerts: z.array(alertShape).min(1),
});

/** Alertmanager's `webhook_configs`, version 4 of what it sends (0.6 and later). */
export const readAlertmanager: Reader = (body, now) => {
  const checked = shape.safeParse(body);
  if (!checked.success) return refused(checked.error.issues[0]);
  const { alerts, groupKey, truncatedAlerts } = checked.data;
  const read = alerts.map((alert) => alertOf(alert, linksIn(alert), now));
  return { timed: true, groups: [groupOf(groupKey, read, truncatedAlerts)] };
};

export function alertOf(alert: AlertShape, links: Alert["links"], now: number): Alert {
  const { status, labels, annotations: said } = alert;
  const description = descriptionOf(said["description"]);
  const endsAt = status === "resolved" ? timeOf(alert.endsAt) : undefined;
  const runbook = runbookOf(said["runbook"], labels["runbook"]);
  return {
    fingerprint: alert.fingerprint,
    status,
    name: nameOf(labels["alertname"]),
    severity: severityOf(labels["severity"]),
    summary: lineOf(said["summary"] ?? said["message"] ?? said["title"]),
    ...(description !== undefined && { description }),
    labels: labelsOf(labels),
    startsAt: startOf(alert.startsAt, now),
    ...(endsAt !== undefined && { endsAt: Math.min(endsAt, now) }),
    links,
    ...(runbook !== undefined && { runbook }),
  };
}

function linksIn({ annotations, generatorURL }: AlertShape): Alert["links"] {
  return linksOf([
    ["source", generatorURL],
    ["dashboard", annotations["dashboard_url"] ?? annotations["dashboard"]],
    ["runbook", annotations["runbook_url"]],
  ]);
}
