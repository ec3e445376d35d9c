import type { Alert, Notification, Severity } from "../alert.ts";
import { firesAgain, type Incident, type Item, KNOWN, SHOWN, shortPrint, TURNS } from "./incident.ts";

/** Every replica has all of them in memory, and people's deeds and cards come on top. */
const MAX_BYTES = 96 << 10;

const RANK: Readonly<Record<Severity, number>> = { critical: 2, warning: 1, info: 0 };

/**
 * An incident with what its source says now. What was heard before, and what is older than what is known, changes nothing: of
 * one alert the later beginning counts, and of the same beginning its end. So whatever is told again does nothing. Only what was all
 * over and is said to fire after that does so, also from the same beginning: to Alertmanager resolved is what nobody repeats in time.
 * @param id for a new one
 * @returns itself when nothing has changed
 */
export function merge(before: Incident | undefined, notification: Notification, now: number, id: string): Incident {
  const { source, kind, group, receivedAt } = notification;
  const base: Incident = before ?? {
    id,
    source,
    kind,
    group,
    status: "resolved",
    openedAt: Math.min(receivedAt, now),
    changedAt: now,
    since: receivedAt,
    severity: "info",
    alerts: [],
    states: {},
    left: 0,
    common: {},
    fires: 0,
    turns: [],
    did: [],
    cards: [],
  };
  const states = { ...base.states };
  const alerts = [...base.alerts];
  let { left } = base;
  let common: Readonly<Record<string, string>> | undefined = before?.common;
  let news = false;
  const again = base.overHeardAt !== undefined && receivedAt > base.overHeardAt;
  for (const alert of notification.alerts) {
    const print = shortPrint(alert.fingerprint);
    const fires = alert.status === "firing" ? 1 : 0;
    const known = states[print];
    if (known === undefined && Object.keys(states).length >= KNOWN) {
      left = Math.max(left, 1);
      continue;
    }
    if (known && !isLater(known, alert.startsAt, fires, again)) continue;
    news = true;
    states[print] = [alert.startsAt, fires];
    common = shared(common, alert.labels);
    keep(alerts, slim(alert, print));
  }
  left = Math.max(left, notification.left ?? 0);
  if (!news && before && left === before.left) return before;
  return bounded(settled({ ...base, alerts, states, left, common: { ...common } }, base, notification, now));
}

function settled(next: Incident, base: Incident, { receivedAt, alerts }: Notification, now: number): Incident {
  const firing = Object.values(next.states).filter(([, fires]) => fires === 1);
  const status = firing.length > 0 ? "firing" : "resolved";
  const turned = status !== base.status;
  const turns = turned ? [...base.turns, now].slice(-TURNS) : base.turns;
  const { resolvedAt: _before, overHeardAt: heardAt, ...rest } = { ...next, status, changedAt: now, turns } as const;
  if (status === "resolved") {
    const ends = alerts.map(({ endsAt }) => endsAt ?? 0).filter((at) => at >= base.since && at <= now);
    const resolvedAt = turned
      ? Math.max(...ends, base.since, ends.length > 0 ? 0 : Math.min(receivedAt, now))
      : base.resolvedAt;
    const overHeardAt = turned || heardAt !== undefined ? Math.max(receivedAt, heardAt ?? 0) : undefined;
    return {
      ...rest,
      ...(resolvedAt !== undefined && { resolvedAt }),
      ...(overHeardAt !== undefined && { overHeardAt }),
    };
  }
  const began = firing.map(([at]) => (at > 0 && at <= now ? at : receivedAt));
  const shown = next.alerts.filter((item) => item.status === "firing").map((item) => item.severity);
  const severity = shown.toSorted((a, b) => RANK[b] - RANK[a])[0] ?? base.severity;
  const fires = base.fires + (turned ? 1 : 0);
  const known = { ...rest, since: Math.min(...began), severity, fires };
  if (!turned) return known;
  return fires > 1 ? firesAgain(known, now) : { ...known, wantsSince: now };
}

/** Of one alert the later beginning is the newer word, and of the same beginning that it has ended, or fires `again`. */
function isLater([at, fires]: readonly [number, 0 | 1], startsAt: number, now: 0 | 1, again: boolean): boolean {
  return startsAt > at || (startsAt === at && fires !== now && (now === 0 || again));
}

/** What is shown in detail: what fires, rather than what is over, and of that the worst: it is how bad the incident is. */
function keep(alerts: Item[], item: Item): void {
  const same = alerts.findIndex(({ fingerprint }) => fingerprint === item.fingerprint);
  if (same >= 0) alerts[same] = item;
  else if (alerts.length < SHOWN) alerts.push(item);
  else {
    const least = alerts.reduce((low, one, at) => (weightOf(one) < weightOf(alerts[low] as Item) ? at : low), 0);
    if (weightOf(alerts[least] as Item) < weightOf(item)) alerts[least] = item;
  }
}

function weightOf({ status, severity }: Item): number {
  return status === "resolved" ? -1 : RANK[severity];
}

/** A value that was cut would match nothing. */
const LONGEST_LABEL = 200;

function slim(alert: Alert, fingerprint: string): Item {
  const { status, severity, startsAt, endsAt, description, runbook } = alert;
  const labels = Object.entries(alert.labels).filter(([name, value]) => name.length + value.length <= LONGEST_LABEL);
  return {
    fingerprint,
    status,
    severity,
    startsAt,
    name: cut(alert.name, 100),
    summary: cut(alert.summary, 300),
    labels: Object.fromEntries(labels.slice(0, 32)),
    links: alert.links
      .filter(({ url }) => url.length <= 1000)
      .slice(0, 3)
      .map(({ label, url }) => ({ label: cut(label, 30), url })),
    ...(endsAt !== undefined && { endsAt }),
    ...(description !== undefined && { description: cut(description, 500) }),
    ...(runbook !== undefined && { runbook: cut(runbook, 100) }),
  };
}

function shared(common: Readonly<Record<string, string>> | undefined, labels: Readonly<Record<string, string>>) {
  const usable = (value: string, name: string) => name.length + value.length <= LONGEST_LABEL;
  const from = Object.entries(common ?? labels).filter(
    ([name, value]) => labels[name] === value && usable(value, name),
  );
  return Object.fromEntries(from);
}

/** Whatever is in it, it can be written down. */
function bounded(incident: Incident): Incident {
  let kept = incident;
  while (kept.alerts.length > 1 && Buffer.byteLength(JSON.stringify(kept)) > MAX_BYTES) {
    kept = { ...kept, alerts: kept.alerts.slice(0, Math.ceil(kept.alerts.length / 2)) };
  }
  return kept;
}

/** A text of so many characters at most, none of them half of one. */
export function cut(text: string, most: number): string {
  const whole = (part: string) => part.replace(/\p{Surrogate}/gu, "");
  return text.length > most ? `${whole(text.slice(0, most - 1))}…` : whole(text);
}
