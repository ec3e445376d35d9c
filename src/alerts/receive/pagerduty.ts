import { z } from "zod";
import type { Alert } from "../alert.ts";
import {
  fingerprintOf,
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
} from "./reading.ts";

const payload = z.object({
  summary: z.string().min(1),
  source: z.string().min(1),
  severity: z.enum(["critical", "error", "warning", "info"]),
  timestamp: z.string().optional(),
  component: z.string().optional(),
  group: z.string().optional(),
  class: z.string().optional(),
  custom_details: z.unknown().optional(),
});

const about = {
  routing_key: z.string().optional(),
  client: z.string().optional(),
  client_url: z.string().optional(),
  links: z.array(z.object({ href: z.string(), text: z.string().optional() })).optional(),
};

const shape = z.discriminatedUnion("event_action", [
  z.object({ ...about, event_action: z.literal("trigger"), dedup_key: z.string().max(255).optional(), payload }),
  ...(["acknowledge", "resolve"] as const).map((action) =>
    z.object({
      ...about,
      event_action: z.literal(action),
      dedup_key: z.string().min(1).max(255),
      payload: payload.partial().optional(),
    }),
  ),
]);

/**
 * An event as the Events API v2 of PagerDuty takes it. An acknowledgement that another system made changes nothing here: whoever
 * works on it says so here. What is told without a key is known by what it says.
 */
export const readPagerduty: Reader = (body, now) => {
  const checked = shape.safeParse(body);
  if (!checked.success) return refused(checked.error.issues[0]);
  const event = checked.data;
  if (event.event_action === "acknowledge") return { timed: false, groups: [] };
  const key = dedupKeyOf(event);
  const { payload: said = {}, links = [] } = event;
  const details = isObject(said.custom_details) ? said.custom_details : {};
  const alert: Alert = {
    fingerprint: fingerprintOf(key),
    status: event.event_action === "resolve" ? "resolved" : "firing",
    name: nameOf(said.class, said.component, key),
    severity: severityOf(said.severity),
    summary: lineOf(said.summary),
    labels: labelsOf({
      ...(said.source !== undefined && { source: said.source }),
      ...(said.component !== undefined && { component: said.component }),
      ...(said.group !== undefined && { group: said.group }),
      ...(said.class !== undefined && { class: said.class }),
      ...details,
    }),
    startsAt: startOf(said.timestamp, now),
    ...(event.event_action === "resolve" && { endsAt: now }),
    links: linksOf([
      ...links.map(({ href, text }) => [text ?? "link", href] as const),
      [event.client ?? "source", event.client_url],
    ]),
  };
  const runbook = runbookOf(details["runbook"]);
  return { timed: false, groups: [groupOf(key, [{ ...alert, ...(runbook !== undefined && { runbook }) }])] };
};

/** The key by which an event is resolved later, as its sender gave it or is told. */
function dedupKeyOf({ dedup_key: given, payload: said }: z.output<typeof shape>): string {
  return given || fingerprintOf(said?.summary, said?.source, said?.component);
}

/** The secret that clients of PagerDuty put into the body. */
export function routingKeyIn(body: unknown): string | undefined {
  const key = isObject(body) ? body["routing_key"] : undefined;
  return typeof key === "string" ? key : undefined;
}

/** The key of an event, if it has one. */
export function dedupKeyIn(body: unknown): string | undefined {
  const key = isObject(body) ? body["dedup_key"] : undefined;
  return typeof key === "string" ? key : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
