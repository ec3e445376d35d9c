import { z } from "zod";
import type { Alert } from "../alert.ts";
import {
  descriptionOf,
  fingerprintOf,
  groupOf,
  labelsOf,
  lineOf,
  linksOf,
  nameOf,
  type Reader,
  refused,
  runbookOf,
  startOf,
} from "./reading.ts";

/** What `micro alert` sends. */
export const shellShape = z.object({
  name: z.string().min(1),
  status: z.enum(["firing", "resolved"]).default("firing"),
  severity: z.enum(["critical", "warning", "info"]).default("warning"),
  summary: z.string().default(""),
  description: z.string().optional(),
  service: z.string().default(""),
  labels: z.record(z.string(), z.string()).default({}),
  link: z.string().optional(),
  runbook: z.string().optional(),
  /** Epoch ms at which it was said: so that saying it again is something new, and sending it again is not. */
  at: z.number(),
});

export type ShellAlert = z.input<typeof shellShape>;

export const readShell: Reader = (body, now) => {
  const checked = shellShape.safeParse(body);
  if (!checked.success) return refused(checked.error.issues[0]);
  const alert = raisedAlert(checked.data, now);
  return { timed: true, groups: [groupOf(raisedGroup(checked.data), [alert])] };
};

/** What somebody raised by hand, which is known by its name and service. */
export function raisedAlert(said: z.output<typeof shellShape>, now: number): Alert {
  const { service, status, severity, labels, link } = said;
  const description = descriptionOf(said.description);
  const runbook = runbookOf(said.runbook);
  const name = nameOf(said.name);
  return {
    fingerprint: fingerprintOf(service, name),
    status,
    name,
    severity,
    summary: lineOf(said.summary),
    ...(description !== undefined && { description }),
    // What it is about is what the policy was asked of, so no other label says something else.
    labels: labelsOf({ ...labels, ...(service !== "" && { service }) }),
    startsAt: startOf(said.at, now),
    ...(status === "resolved" && { endsAt: startOf(said.at, now) }),
    links: linksOf([["source", link]]),
    ...(runbook !== undefined && { runbook }),
  };
}

export function raisedGroup({ service = "", name }: Pick<ShellAlert, "service" | "name">): string {
  return `${service}/${nameOf(name)}`;
}
