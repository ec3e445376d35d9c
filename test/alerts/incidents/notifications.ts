import type { Alert, Notification } from "../../../src/alerts/alert.ts";

export const NOON = Date.UTC(2026, 0, 1, 12);

/** An alert that says as little as one may. */
export function alert(init: Partial<Alert> = {}): Alert {
  const { name = "InstanceDown", labels = {} } = init;
  return {
    fingerprint: "f1",
    status: "firing",
    name,
    severity: "critical",
    summary: "it does not answer",
    startsAt: NOON,
    links: [],
    ...init,
    labels: { alertname: name, ...labels },
  };
}

let made = 0;

/** What Alertmanager says of one group. */
export function notification(alerts: readonly Alert[], init: Partial<Notification> = {}): Notification {
  return {
    id: `n${++made}`,
    source: "alertmanager",
    kind: "alertmanager",
    receivedAt: NOON,
    group: "g1",
    alerts,
    ...init,
  };
}
