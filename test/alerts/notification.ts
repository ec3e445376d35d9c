import type { Alert, Notification } from "../../src/alerts/alert.ts";

/** An alert with what a test does not care about. */
export function alertOf(given: Partial<Alert> = {}): Alert {
  return {
    fingerprint: "f1",
    status: "firing",
    name: "DiskFull",
    severity: "warning",
    summary: "the disk is full",
    labels: { service: "payments" },
    startsAt: Date.UTC(2020, 0, 1),
    links: [],
    ...given,
  };
}

export function notificationOf(given: Partial<Notification> = {}): Notification {
  return {
    id: "n1",
    source: "alertmanager",
    kind: "alertmanager",
    receivedAt: Date.UTC(2020, 0, 1),
    group: "g1",
    alerts: [alertOf()],
    ...given,
  };
}
