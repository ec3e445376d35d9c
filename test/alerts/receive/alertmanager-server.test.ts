import { afterEach, describe, expect, it } from "vitest";
import { MicroError } from "../../../src/core/errors.ts";
import { type AlertmanagerServer, hasAlertmanager, startAlertmanager } from "../../fakes/alertmanager-server.ts";
import { type Receiving, receiving, sourceOf, TOKEN, waitingIn } from "./posting.ts";

const opened: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.stop();
});
const httpConfig = { authorization: { type: "Bearer", credentials: TOKEN } };
const started = async ({ receiver }: Pick<Receiving, "receiver">, init: object = {}): Promise<AlertmanagerServer> => {
  const webhook = `http://${receiver.address}/alerts/am`;
  const alertmanager = await startAlertmanager({ webhook, httpConfig, ...init });
  opened.push(alertmanager);
  return alertmanager;
};
const disk = (n: number, more: object = {}) => ({
  labels: { alertname: "DiskFull", service: "payments", instance: `10.0.0.${n}:9100`, severity: "critical" },
  annotations: { summary: `disk of 10.0.0.${n} is full` },
  ...more,
});

describe.skipIf(!hasAlertmanager)(
  "the real Alertmanager (skipped where prometheus-alertmanager is not installed)",
  () => {
    it("is heard when something fires, grows and ends, and says how much it left out", async () => {
      const made = await receiving([sourceOf("am")]);
      opened.push(made);
      const alertmanager = await started(made, { maxAlerts: 2 });
      await alertmanager.raise(disk(1));
      await expect.poll(() => made.inbox.waiting, { timeout: 10_000 }).toBe(1);
      await alertmanager.raise(disk(2), disk(3));
      await expect.poll(() => made.inbox.waiting, { timeout: 10_000 }).toBe(2);
      const endsAt = new Date(Date.now() - 1000).toISOString();
      await alertmanager.raise(disk(1, { endsAt }), disk(2, { endsAt }), disk(3, { endsAt }));
      await expect.poll(() => made.inbox.waiting, { timeout: 10_000 }).toBe(3);
      const [first, grown, ended] = await waitingIn(made.inbox);
      expect(first).toMatchObject({
        group: '{}:{alertname="DiskFull"}',
        alerts: [{ name: "DiskFull", status: "firing", severity: "critical", summary: "disk of 10.0.0.1 is full" }],
      });
      expect(grown).toMatchObject({ group: first?.group, left: 1 });
      expect(grown?.alerts).toHaveLength(2);
      expect(new Set(ended?.alerts.map(({ status }) => status))).toEqual(new Set(["resolved"]));
    });

    it("sends again what could not be kept, and it is taken once", async () => {
      const made = await receiving([sourceOf("am")]);
      opened.push(made);
      let failures = 2;
      const { put, last } = made.inbox;
      const failing = await receiving([sourceOf("am")], {
        inbox: {
          last,
          put: async (notification) => {
            if (failures-- > 0) throw new MicroError("unavailable", "the disk is full");
            return put(notification);
          },
        },
      });
      opened.push(failing);
      const alertmanager = await started(failing);
      await alertmanager.raise(disk(1));
      await expect.poll(() => made.inbox.waiting, { timeout: 12_000 }).toBe(1);
      expect(failing.receiver.counts()).toEqual({ am: { unavailable: 2, taken: 1 } });
    });
  },
);
