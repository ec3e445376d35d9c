import { z } from "zod";
import { alertOf, alertShape, bodyShape } from "./alertmanager.ts";
import { groupOf, linksOf, type Reader, refused } from "./reading.ts";

const link = z.string().optional();

const alert = alertShape.extend({ dashboardURL: link, panelURL: link, silenceURL: link });

/** `alerts` may be empty in what Grafana sends to try a contact point out. */
const shape = z.object({ ...bodyShape, version: z.string(), alerts: z.array(alert) });

/** Grafana's contact point "Webhook" (unified alerting, 9 and later): Alertmanager's shape with links of its own. */
export const readGrafana: Reader = (body, now) => {
  const checked = shape.safeParse(body);
  if (!checked.success) return refused(checked.error.issues[0]);
  const { alerts, groupKey, truncatedAlerts } = checked.data;
  const read = alerts.map((one) => {
    const links = linksOf([
      ["source", one.generatorURL],
      ["dashboard", one.dashboardURL],
      ["panel", one.panelURL],
      ["silence", one.silenceURL],
      ["runbook", one.annotations["runbook_url"]],
    ]);
    return alertOf(one, links, now);
  });
  return { timed: true, groups: read.length === 0 ? [] : [groupOf(groupKey, read, truncatedAlerts)] };
};
