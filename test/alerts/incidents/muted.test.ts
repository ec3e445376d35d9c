import { expect, it } from "vitest";
import { type Incident, silenced } from "../../../src/alerts/incidents/incident.ts";
import { merge } from "../../../src/alerts/incidents/merge.ts";
import { createMuted } from "../../../src/alerts/incidents/muted.ts";
import { manualClock } from "../../fakes/clock.ts";
import { alert, NOON, notification } from "./notifications.ts";

function setUp() {
  const clock = manualClock(NOON);
  const active = new Set<string>();
  let asked = 0;
  const alertmanager = {
    active: async () => {
      asked += 1;
      return new Set(active);
    },
  };
  const open = merge(undefined, notification([alert(), alert({ fingerprint: "f2" })]), NOON, "a7f3");
  const quiet = silenced(open, { id: "s1", until: NOON + 3_600_000, by: "ann", why: "" }, NOON);
  return { clock, active, open, quiet, muted: createMuted(alertmanager, clock), asked: () => asked };
}

it("what is silenced is over when it was gone twice in a row", async () => {
  const { clock, active, quiet, muted, asked } = setUp();
  active.add("f1");
  expect(await muted.ended("k", quiet)).toBeUndefined();
  expect(await muted.ended("k", quiet)).toBeUndefined();
  expect(asked()).toBe(1);
  await clock.advance(60_000);
  const ended = await muted.ended("k", quiet);
  expect(ended?.alerts.map(({ fingerprint }) => fingerprint)).toEqual(["f2"]);
  const next = merge(quiet, ended as Exclude<typeof ended, undefined>, clock.now(), "ffff");
  expect(next).toMatchObject({ status: "firing", states: { f1: [NOON, 1], f2: [NOON, 0] } });
});

it("what was gone once, because Alertmanager had just started, is not over", async () => {
  const { clock, active, quiet, muted } = setUp();
  await muted.ended("k", quiet);
  active.add("f1").add("f2");
  await clock.advance(60_000);
  expect(await muted.ended("k", quiet)).toBeUndefined();
  active.clear();
  await clock.advance(60_000);
  expect(await muted.ended("k", quiet)).toBeUndefined();
});

it("nobody is asked about what is not silenced, not Alertmanager's, or over", async () => {
  const { open, quiet, muted, asked } = setUp();
  const others: readonly Incident[] = [open, { ...quiet, kind: "grafana" }, { ...quiet, status: "resolved" }];
  for (const one of others) expect(await muted.ended("k", one)).toBeUndefined();
  expect(asked()).toBe(0);
});
