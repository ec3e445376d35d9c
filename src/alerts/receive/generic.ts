import type { Alert } from "../alert.ts";
import type { Field, Mapping } from "./mapping.ts";
import { valueAt } from "./paths.ts";
import {
  descriptionOf,
  fingerprintOf,
  groupOf,
  labelsOf,
  lineOf,
  linksOf,
  MOST_ALERTS,
  nameOf,
  type Reader,
  refused,
  runbookOf,
  severityOf,
  startOf,
  timeOf,
} from "./reading.ts";

/** Words that say that it is over, where a mapping does not say what they mean. */
const OVER =
  /^(?:resolved|resolve|ok|okay|closed|close|normal|recovered|recovery|success|succeeded|up|healthy|cleared)$/i;

/** Reads any JSON by a mapping. */
export function genericReader(mapping: Mapping): Reader {
  return (body, now) => {
    const at = valueAt(body, mapping.alerts);
    const where = mapping.alerts.join(".");
    if (typeof at !== "object" || at === null) {
      return refused({ path: mapping.alerts, message: "an alert, or a list of them, is expected" });
    }
    const all: readonly unknown[] = Array.isArray(at) ? at : [at];
    const groups = new Map<string, Alert[]>();
    let left = 0;
    for (const [index, one] of all.entries()) {
      if (typeof one !== "object" || one === null) {
        return refused({ path: [...(where === "" ? [] : mapping.alerts), index], message: "expected object" });
      }
      if (index >= MOST_ALERTS) {
        left = all.length - index;
        break;
      }
      const alert = alertIn(one, mapping, now);
      if (alert === undefined) continue;
      const group = lineOf(said(one, mapping.group)) || `${alert.name}/${alert.labels["service"] ?? ""}`;
      groups.set(group, [...(groups.get(group) ?? []), alert]);
    }
    const read = [...groups].map(([group, alerts], index) => groupOf(group, alerts, index === 0 ? left : 0));
    return { timed: false, groups: read };
  };
}

function alertIn(from: object, mapping: Mapping, now: number): Alert | undefined {
  const status = statusOf(said(from, mapping.status));
  if (status === "ignore") return undefined;
  const rest = mapping["all labels"] === undefined ? undefined : valueAt(from, mapping["all labels"]);
  const labels = labelsOf({
    ...Object.fromEntries(Object.entries(mapping.labels).map(([name, field]) => [name, said(from, field)])),
    ...(typeof rest === "object" && rest),
  });
  const name = nameOf(said(from, mapping.name));
  const description = descriptionOf(said(from, mapping.description));
  const runbook = runbookOf(said(from, mapping.runbook));
  const fingerprint = lineOf(said(from, mapping.fingerprint), 200);
  return {
    fingerprint: fingerprint || fingerprintOf(name, Object.entries(labels).toSorted()),
    status,
    name,
    severity: severityOf(said(from, mapping.severity)),
    summary: lineOf(said(from, mapping.summary)),
    ...(description !== undefined && { description }),
    labels,
    startsAt: startOf(said(from, mapping.starts), now),
    ...(status === "resolved" && { endsAt: Math.min(timeOf(said(from, mapping.ends)) ?? now, now) }),
    links: linksOf(Object.entries(mapping.links).map(([label, field]) => [label, said(from, field)] as const)),
    ...(runbook !== undefined && { runbook }),
  };
}

function said(from: object, field: Field | undefined): unknown {
  const found = field?.path === undefined ? undefined : valueAt(from, field.path);
  if (found === undefined || found === null || found === "") return field?.default;
  // Anything else has no word, and a list within lists without end cannot even be made one.
  if (typeof found === "object") return found;
  const word = String(found).toLowerCase();
  const meant = Object.entries(field?.values ?? {}).find(([key]) => key.toLowerCase() === word);
  return meant === undefined ? found : meant[1];
}

function statusOf(value: unknown): "firing" | "resolved" | "ignore" {
  if (value === "ignore") return "ignore";
  return OVER.test(lineOf(value, 40)) ? "resolved" : "firing";
}
