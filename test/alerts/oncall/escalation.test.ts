import { describe, expect, it } from "vitest";
import { acknowledge, type Incident } from "../../../src/alerts/incidents/incident.ts";
import { merge } from "../../../src/alerts/incidents/merge.ts";
import { nextStep, stepBegun, stepSaid, stepUnsaid } from "../../../src/alerts/oncall/escalation.ts";
import type { Step } from "../../../src/alerts/oncall/routing.ts";
import { alert, NOON, notification } from "../incidents/notifications.ts";

const MINUTE = 60_000;
const steps: readonly Step[] = [
  { after: 10 * MINUTE, to: { kind: "oncall" } },
  { after: 20 * MINUTE, to: { kind: "room" } },
];
const fresh = (): Incident => merge(undefined, notification([alert()], { receivedAt: NOON }), NOON, "a7f3");
const due = (incident: Incident) => {
  const next = nextStep(incident, steps);
  return next && [next.number, (next.at - NOON) / MINUTE];
};
/** Ann is told so many minutes after noon, in a turn. */
const by = (minutes: number, turn = 1) => ({ to: "ann", now: NOON + minutes * MINUTE, turn });

describe("the next step of an escalation", () => {
  it("comes after the one before, each once", () => {
    let incident = fresh();
    expect(due(incident)).toEqual([0, 10]);
    const next = nextStep(incident, steps) as NonNullable<ReturnType<typeof nextStep>>;
    expect(stepBegun(incident, next, steps, by(9))).toBe(incident);
    incident = stepBegun(incident, next, steps, by(10));
    expect(due(incident)).toEqual([0, 10]);
    incident = stepSaid(incident, 0, "ann", "directly in slack", NOON + 10 * MINUTE);
    expect(incident.did.at(-1)).toMatchObject({ by: "escalation", what: "told ann directly in slack" });
    expect(stepSaid(incident, 0, "ann", "directly in slack", NOON + 11 * MINUTE)).toBe(incident);
    expect(stepBegun(incident, next, steps, by(12))).toBe(incident);
    expect(due(incident)).toEqual([1, 20]);
    expect(due(stepUnsaid(incident, 0, 1))).toEqual([1, 20]);
  });

  it("is as before when it was certainly not said", () => {
    const incident = fresh();
    const next = nextStep(incident, steps) as NonNullable<ReturnType<typeof nextStep>>;
    const begun = stepBegun(incident, next, steps, by(10));
    expect(stepUnsaid(begun, 0, 1).escalated).toEqual([]);
  });

  it("is his who began it in the latest turn, whatever those before him come to", () => {
    const incident = fresh();
    const next = nextStep(incident, steps) as NonNullable<ReturnType<typeof nextStep>>;
    const later = stepBegun(stepBegun(incident, next, steps, by(10, 1)), next, steps, by(11, 2));
    expect(later.escalated).toEqual([{ step: 0, at: NOON + 11 * MINUTE, to: "ann", turn: 2 }]);
    expect(stepBegun(later, next, steps, by(12, 1))).toBe(later);
    expect(stepUnsaid(later, 0, 1)).toBe(later);
    expect(stepSaid(later, 0, "ann", "in slack", NOON).escalated).toMatchObject([{ turn: 2, saidAt: NOON }]);
  });

  it("is none once somebody has acknowledged it, or it is resolved", () => {
    const incident = fresh();
    expect(due(acknowledge(incident, "ann", NOON))).toBeUndefined();
    const over = merge(
      incident,
      notification([alert({ status: "resolved", endsAt: NOON + 1 })], { receivedAt: NOON + 2 }),
      NOON + 2,
      "a7f3",
    );
    expect(due(over)).toBeUndefined();
  });

  it("counts from when it began to go back and forth, however often it has fired since", () => {
    let incident = fresh();
    for (let minute = 1; minute < 30; minute++) {
      const at = NOON + minute * MINUTE;
      const fires = minute % 2 === 0;
      const said = fires ? alert({ startsAt: at }) : alert({ startsAt: at - MINUTE, status: "resolved", endsAt: at });
      incident = merge(incident, notification([said], { receivedAt: at }), at, "ffff");
      expect(due(incident)).toEqual(fires ? [0, 10] : undefined);
    }
    const later = NOON + 60 * MINUTE;
    const anew = merge(incident, notification([alert({ startsAt: later })], { receivedAt: later }), later, "ffff");
    expect(due(anew)).toEqual([0, 70]);
  });

  it("counts from the end of a silence, and of quiet hours", () => {
    const incident = fresh();
    const silence = { id: "s", until: NOON + 60 * MINUTE, by: "ann", why: "" };
    expect(due({ ...incident, silence })).toEqual([0, 70]);
    const card = { input: "slack", room: "C02", place: { room: "C02" } };
    const held = { ...card, held: { until: NOON + 30 * MINUTE } };
    const warning = { ...incident, severity: "warning" } as const;
    expect(due({ ...warning, cards: [held] })).toEqual([0, 40]);
    expect(due({ ...warning, cards: [held, card] })).toEqual([0, 10]);
    expect(due({ ...warning, severity: "critical", cards: [held] })).toEqual([0, 10]);
  });
});
