import { describe, expect, it } from "vitest";
import { createAlertmanager } from "../../../src/alerts/incidents/alertmanager.ts";
import { countsOf, type Incident } from "../../../src/alerts/incidents/incident.ts";
import { merge } from "../../../src/alerts/incidents/merge.ts";
import { createRevived } from "../../../src/alerts/incidents/revived.ts";
import { hasAlertmanager, startAlertmanager } from "../../fakes/alertmanager-server.ts";
import { manualClock } from "../../fakes/clock.ts";
import { alert, NOON, notification } from "./notifications.ts";

const MINUTE = 60_000;
const two = [alert({ labels: { instance: "a" } }), alert({ fingerprint: "f2", labels: { instance: "b" } })];
const ended = two.map((one) => ({ ...one, status: "resolved" as const, endsAt: NOON + 1000 }));
const open = merge(undefined, notification(two), NOON, "a7f3");
const over = merge(open, notification(ended, { receivedAt: NOON + 2000 }), NOON + 2000, "a7f3");

describe("what was over and is said to fire from the same beginning", () => {
  const again = (receivedAt: number, before = over, said = two) =>
    merge(before, notification(said, { receivedAt }), NOON + 9000, "ffff");

  it("fires again, if that was heard after the end", () => {
    const next = again(NOON + 3000);
    expect(next).toMatchObject({ status: "firing", fires: 2, since: NOON, states: { f1: [NOON, 1], f2: [NOON, 1] } });
    expect(next.resolvedAt).toBeUndefined();
    expect(again(NOON + 4000, next)).toBe(next);
    expect(again(NOON + 4000, next, ended as never)).toMatchObject({ status: "resolved", resolvedAt: NOON + 1000 });
  });

  it("stays over, if that was heard before the end and worked on behind it", () => {
    expect(again(NOON)).toBe(over);
    expect(again(NOON + 2000)).toBe(over);
  });

  it("stays over while another of its group fires, where it would fire for ever if somebody had recorded it", () => {
    const [first] = ended;
    const half = merge(open, notification(first ? [first] : [], { receivedAt: NOON + 2000 }), NOON + 2000, "a7f3");
    expect(countsOf(half)).toEqual({ firing: 1, resolved: 1 });
    expect(again(NOON + 3000, half)).toBe(half);
  });
});

function setUp() {
  const clock = manualClock(NOON + 2000);
  const active = new Set<string>();
  const asked: unknown[] = [];
  const alertmanager = {
    active: async (labels: Readonly<Record<string, string>>) => {
      asked.push(labels);
      return new Set(active);
    },
  };
  return { clock, active, asked, revived: createRevived(alertmanager, clock) };
}

describe("an incident that is over", () => {
  it("is asked about once a minute, and fires again when Alertmanager says so, in the words that are known", async () => {
    const { clock, active, asked, revived } = setUp();
    active.add("f2").add("another");
    for (let turn = 0; turn < 6; turn++) {
      expect(await revived.firing("k", over)).toBeUndefined();
      await clock.advance(10_000);
    }
    expect(asked).toEqual([]);
    const told = await revived.firing("k", over);
    expect(asked).toEqual([{ alertname: "InstanceDown" }]);
    expect(told?.alerts).toEqual([two[1]]);
    const next = merge(over, told as Exclude<typeof told, undefined>, clock.now(), "ffff");
    expect(next).toMatchObject({ status: "firing", states: { f1: [NOON, 0], f2: [NOON, 1] } });
    expect(await revived.firing("k", over)).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  it("of many alerts keeps the words of those that have some", async () => {
    const many = Array.from({ length: 60 }, (_, n) =>
      alert({ fingerprint: `m${n}`, summary: `no ${n}`, severity: n < 20 ? "critical" : "warning" }),
    );
    const gone = many.map((one) => ({ ...one, status: "resolved" as const, endsAt: NOON }));
    const first = merge(undefined, notification(many.toReversed()), NOON, "a7f3");
    const last = merge(first, notification(gone, { receivedAt: NOON + 1000 }), NOON + 1000, "a7f3");
    const { clock, active, revived } = setUp();
    for (const { fingerprint } of many) active.add(fingerprint);
    await revived.firing("k", last);
    await clock.advance(MINUTE);
    const told = await revived.firing("k", last);
    const next = merge(last, told as Exclude<typeof told, undefined>, clock.now(), "ffff");
    expect(countsOf(next)).toEqual({ firing: 60, resolved: 0 });
    expect(next.alerts.map(({ summary }) => summary).sort()).toEqual(first.alerts.map(({ summary }) => summary).sort());
  });

  it("is not asked about where it is not Alertmanager's, or fires", async () => {
    const { clock, asked, revived } = setUp();
    const others: readonly Incident[] = [open, { ...over, kind: "grafana" }];
    for (let turn = 0; turn < 3; turn++) {
      for (const one of others) expect(await revived.firing("k", one)).toBeUndefined();
      await clock.advance(MINUTE);
    }
    expect(asked).toEqual([]);
  });

  it("among very many waits, so that one a second is asked about", async () => {
    const { clock, asked, revived } = setUp();
    for (let turn = 0; turn < 60; turn++) {
      for (let n = 0; n < 600; n++) await revived.firing(`k${n}`, over);
      await clock.advance(10_000);
    }
    expect(asked).toEqual([]);
    for (let n = 0; n < 600; n++) await revived.firing(`k${n}`, over);
    expect(asked).toHaveLength(600);
  });
});

describe.skipIf(!hasAlertmanager)("the real Alertmanager (skipped where it is not installed)", () => {
  it("says that what it took for resolved fires, when it is told so from the same beginning", async () => {
    const server = await startAlertmanager();
    const alertmanager = createAlertmanager({ address: server.address });
    try {
      const labels = { alertname: "QueueFull", service: "payments" };
      const startsAt = new Date(Date.now() - 5000).toISOString();
      const until = (ms: number) => new Date(Date.now() + ms).toISOString();
      const firing = async () => (await alertmanager.active(labels)).size;
      await server.raise({ labels, startsAt, endsAt: until(60_000) });
      expect(await firing()).toBe(1);
      // As it is when that time has come.
      await server.raise({ labels, startsAt, endsAt: until(-1) });
      await expect.poll(firing, { timeout: 10_000 }).toBe(0);
      await server.raise({ labels, startsAt, endsAt: until(60_000) });
      await expect.poll(firing, { timeout: 10_000 }).toBe(1);
    } finally {
      await alertmanager.close();
      await server.stop();
    }
  });

  it("says nothing of what fires again behind a silence that was made there", async () => {
    const server = await startAlertmanager();
    const alertmanager = createAlertmanager({ address: server.address });
    try {
      const labels = { alertname: "InstanceDown", job: "replaced" };
      await server.raise({ labels });
      const firing = async (hidden: boolean) => [...(await alertmanager.active(labels, { hidden }))];
      await expect.poll(() => firing(false), { timeout: 10_000 }).toHaveLength(1);
      const [fingerprint = ""] = await firing(false);
      const one = alert({ fingerprint, labels });
      const first = merge(undefined, notification([one]), NOON, "a7f3");
      const gone = notification([{ ...one, status: "resolved", endsAt: NOON }], { receivedAt: NOON + 1000 });
      const last = merge(first, gone, NOON + 1000, "a7f3");
      const now = Date.now();
      const silence = {
        labels,
        startsAt: now,
        endsAt: now + 3_600_000,
        by: "bob",
        comment: "the disk is being replaced",
      };
      const made = await alertmanager.silence(silence);
      await expect.poll(() => firing(false), { timeout: 10_000 }).toEqual([]);
      expect(await firing(true)).toEqual([fingerprint]);
      const clock = manualClock(NOON + 2000);
      const revived = createRevived(alertmanager, clock);
      await revived.firing("k", last);
      await clock.advance(MINUTE);
      expect(await revived.firing("k", last)).toBeUndefined();
      await alertmanager.expire(made);
      await expect.poll(() => firing(false), { timeout: 10_000 }).toHaveLength(1);
      await clock.advance(MINUTE);
      expect((await revived.firing("k", last))?.alerts).toMatchObject([{ fingerprint, status: "firing" }]);
    } finally {
      await alertmanager.close();
      await server.stop();
    }
  });
});
