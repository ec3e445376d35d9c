import type { Notification } from "../alert.ts";
import type { Incident, Item } from "./incident.ts";

/** That some alerts of an incident fire or are over, as if its source had said so: it was asked. @param at epoch ms */
export function asSaid(
  key: string,
  { source, kind, group, alerts, common, states }: Incident,
  fingerprints: readonly string[],
  status: "firing" | "resolved",
  at: number,
): Notification {
  const named = new Map(alerts.map((item) => [item.fingerprint, item]));
  // Of these no words are kept; as the least of all they push out none that have some.
  const unnamed: Omit<Item, "fingerprint" | "status" | "startsAt"> = {
    name: common["alertname"] ?? "",
    summary: "",
    labels: common,
    severity: "info",
    links: [],
  };
  const said = fingerprints.map((fingerprint) => {
    const { name, summary, labels, severity, links, description, runbook } = named.get(fingerprint) ?? unnamed;
    return {
      ...{ fingerprint, status, name, summary, labels, severity, links },
      startsAt: states[fingerprint]?.[0] ?? at,
      ...(description !== undefined && { description }),
      ...(runbook !== undefined && { runbook }),
      ...(status === "resolved" && { endsAt: at }),
    };
  });
  return { id: `${key}/${at}`, source, kind, group, receivedAt: at, alerts: said };
}
