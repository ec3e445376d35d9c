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
  /** Epoch ms by the clock of who said it: so that saying it again is something new, and sending it again is not. */
  at: z.number(),
});

export type ShellAlert = z.input<typeof shellShape>;

/** What ends an alert may be as old as the inbox knows it again: recorded and sent later, it would end one that is real. */
const OLDEST_END_MS = 15 * 60_000;

export const readShell: Reader = (body, now) => {
  const checked = shellShape.safeParse(body);
  if (!checked.success) return refused(checked.error.issues[0]);
  const { status, at } = checked.data;
  const ago = now - startOf(at, now);
  if (status === "resolved" && ago > OLDEST_END_MS) {
    const minutes = Math.round(ago / 60_000);
    const message = `it was said ${minutes} min ago by the clock of who sends it, so it may be an old request sent again: set that clock`;
    return refused({ path: ["at"], message });
  }
  const alert = raisedAlert(checked.data, now);
  return { timed: true, groups: [groupOf(raisedGroup(checked.data), [alert])] };
};

/**
 * What somebody raised by hand, which is known by its name and service. Its times are ours: an end by a clock that is behind would
 * else come before the beginning, and change nothing.
 */
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
    startsAt: now,
    ...(status === "resolved" && { endsAt: now }),
    links: linksOf([["source", link]]),
    ...(runbook !== undefined && { runbook }),
  };
}

export function raisedGroup({ service = "", name }: Pick<ShellAlert, "service" | "name">): string {
  return `${service}/${nameOf(name)}`;
}
